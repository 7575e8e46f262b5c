// Makes allocations fail when a test asks for it: operator new and mmap as this module calls them. The linker
// (--wrap) substitutes these functions.
#include <Python.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <new>

#include "bind/registration.hpp"

namespace py = pybind11;

namespace {

std::atomic<std::int64_t> made = 0, first = 0, last = 0;  // last == 0: none fails

bool fails() {
    if (last == 0) return false;
    const std::int64_t number = ++made;
    return first <= number && number <= last;
}

// A plain C function, because a call through pybind11 allocates.
PyObject* fail_allocations(PyObject*, PyObject* args) {
    long long from, to;
    if (!PyArg_ParseTuple(args, "LL", &from, &to)) return nullptr;
    last = 0;
    const std::int64_t before = made.exchange(0);
    first = from;
    last = to;
    return PyLong_FromLongLong(before);
}

PyMethodDef functions[] = {
    {"fail_allocations", fail_allocations, METH_VARARGS,
     "fail_allocations(first, last, /)\n--\n\n"
     "Fail this module's allocations from the first to the last, counted from 1 and from now; 0, 0: none.\n"
     "How many it has tried to make since the last call, if some were to fail."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

extern "C" {

void* __real__Znwm(std::size_t size);
void* __real__Znam(std::size_t size);
void* __real__ZnwmSt11align_val_t(std::size_t size, std::align_val_t alignment);
void* __real__ZnamSt11align_val_t(std::size_t size, std::align_val_t alignment);
void* __real_mmap(void* address, std::size_t size, int protection, int flags, int file, off_t offset);

void* __wrap__Znwm(std::size_t size) {
    if (fails()) throw std::bad_alloc();
    return __real__Znwm(size);
}
void* __wrap__Znam(std::size_t size) {
    if (fails()) throw std::bad_alloc();
    return __real__Znam(size);
}
void* __wrap__ZnwmSt11align_val_t(std::size_t size, std::align_val_t alignment) {
    if (fails()) throw std::bad_alloc();
    return __real__ZnwmSt11align_val_t(size, alignment);
}
void* __wrap__ZnamSt11align_val_t(std::size_t size, std::align_val_t alignment) {
    if (fails()) throw std::bad_alloc();
    return __real__ZnamSt11align_val_t(size, alignment);
}
void* __wrap_mmap(void* address, std::size_t size, int protection, int flags, int file, off_t offset) {
    if (fails()) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return __real_mmap(address, size, protection, flags, file, offset);
}
}

namespace fastgrad::bind {

void register_failing_allocations(py::module_& module) {
    if (PyModule_AddFunctions(module.ptr(), functions) != 0) throw py::error_already_set();
}

}  // namespace fastgrad::bind
