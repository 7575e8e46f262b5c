// Releasing the GIL and taking it back.
#pragma once

#include <Python.h>

#include <chrono>
#include <thread>

namespace fastgrad::bind {

// Until CPython 3.14, a daemon thread that uses the API of an interpreter in finalization is ended immediately, on
// some systems by unwinding its stack: through destructors that access Values without the GIL, and through noexcept
// functions, which abort the process. Here the thread blocks instead, as it does from 3.14 on.
template <class Action>
auto wait_if_python_ends(Action action) {
    try {
        return action();
    } catch (...) {  // functions written in C throw nothing else
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
