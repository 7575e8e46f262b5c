// A base of classes that Python sees, and may subclass.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>

namespace fastgrad::bind {

// For an instance whose __init__ has not run, pybind11 asks the class for memory at the first use, and would use what
// is in it. Such a class is made by std::make_shared, which does not ask it.
struct MadeByInit {
    static void* operator new(std::size_t) {
        throw pybind11::type_error("__init__() has not been called yet: call super().__init__(...) first");
    }
};

}  // namespace fastgrad::bind
