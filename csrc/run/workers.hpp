// Threads that wait for work.
#pragma once

#include <functional>

namespace fastgrad::run {

// Calls `work` in this thread and in up to `helpers` others, and returns when all calls have; while this thread waits
// for the others, it calls `wait` now and then. Neither must throw.
void run_in_parallel(unsigned helpers, const std::function<void()>& work, const std::function<void()>& wait);

}  // namespace fastgrad::run
