// NumPy arrays of doubles, as all bindings take and return them.
#pragma once

#include <pybind11/numpy.h>

#include <algorithm>

#include "core/begin_with_zero.hpp"

namespace fastgrad::bind {

// Contiguous and aligned; any other array is copied.
using Array = pybind11::array_t<double, pybind11::array::c_style | pybind11::array::forcecast |
                                            pybind11::detail::npy_api::NPY_ARRAY_ALIGNED_>;

using fastgrad::begin_with_zero;
inline void begin_with_zero(Array& gradients) {
    double* const first = gradients.mutable_data();
    std::transform(first, first + gradients.size(), first, [](double gradient) { return begin_with_zero(gradient); });
}

}  // namespace fastgrad::bind
