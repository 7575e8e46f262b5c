// A base of classes that Python sees, and may subclass.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <utility>

namespace fastgrad::bind {

// Such a class is made by std::make_shared, which does not ask it for memory; pybind11 does, in two cases.
struct MadeByInit {
    // For an instance whose __init__ has not run, at the first use; it would use what is in that memory.
    static void* operator new(std::size_t) {
        throw pybind11::type_error("__init__() has not been called yet: call super().__init__(...) first");
    }
    // For an instance that it could not enter into its map of instances; then the shared_ptr has freed it already.
    static void operator delete(void*) {}
};

// For __init__ of a class of plain numbers, which `make` makes: py::init would enter the instance into that map where
// nobody catches std::bad_alloc. Goes with pybind11::detail::is_new_style_constructor.
template <class T, class... Arguments>
auto init_with(T (*make)(Arguments...)) {
    return [make](pybind11::detail::value_and_holder& instance, Arguments... arguments) {
        instance.value_ptr() = new T(make(std::forward<Arguments>(arguments)...));
        instance.type->init_instance(instance.inst, nullptr);
    };
}

}  // namespace fastgrad::bind
