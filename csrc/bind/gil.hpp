// Giving the GIL away, and taking it back.
#pragma once

#include <Python.h>

#include <chrono>
#include <thread>

namespace fastgrad::bind {

// Until CPython 3.14 a daemon thread that wants something of an interpreter which is being finalized is ended there
// and then, on some systems by unwinding its stack: through destructors that touch Values without the GIL, and
// noexcept functions, which abort the process. It stays where it is instead, as it does from 3.14 on.
template <class Action>
auto wait_if_python_ends(Action action) {
    try {
        return action();
    } catch (...) {  // nothing else is thrown through functions written in C
        for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }
}

class WithoutGil {
 public:
    WithoutGil() : state_(PyEval_SaveThread()) {}
    ~WithoutGil() {
        wait_if_python_ends([this] { PyEval_RestoreThread(state_); });
    }
    WithoutGil(const WithoutGil&) = delete;
    WithoutGil& operator=(const WithoutGil&) = delete;

 private:
    PyThreadState* const state_;
};

}  // namespace fastgrad::bind
