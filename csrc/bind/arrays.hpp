// NumPy arrays of doubles, as every binding takes and returns them.
#pragma once

#include <pybind11/numpy.h>

namespace fastgrad::bind {

// Contiguous and aligned; anything else is copied.
using Array = pybind11::array_t<double, pybind11::array::c_style | pybind11::array::forcecast |
                                            pybind11::detail::npy_api::NPY_ARRAY_ALIGNED_>;

}  // namespace fastgrad::bind
