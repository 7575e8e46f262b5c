// Converts the settings of the optimizers' rules between Python and C++.
#pragma once

#include <pybind11/pybind11.h>

#include "core/rules.hpp"

namespace fastgrad::bind {

// Throws an error that names the setting if one is missing, unknown, of a wrong type or out of range.
Settings settings_of(const Rule& rule, const pybind11::dict& given);

pybind11::dict to_dict(const Rule& rule, const Settings& settings);

}  // namespace fastgrad::bind
