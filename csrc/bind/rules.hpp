// Settings of the optimizers' rules, between Python and C++.
#pragma once

#include <pybind11/pybind11.h>

#include "core/rules.hpp"

namespace fastgrad::bind {

// Throws the error that names the setting which is missing, unknown, of a wrong type or out of range.
Settings settings_of(const Rule& rule, const pybind11::dict& given);

pybind11::dict to_dict(const Rule& rule, const Settings& settings);

}  // namespace fastgrad::bind
