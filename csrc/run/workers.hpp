// A pool of threads for batches.
#pragma once

#include <functional>

namespace fastgrad::run {

// Calls `work` in this thread and in up to `helpers` others, and returns when all calls have returned. While this
// thread waits for the others, it calls `wait` from time to time. Neither may throw.
void run_in_parallel(unsigned helpers, const std::function<void()>& work, const std::function<void()>& wait);

}  // namespace fastgrad::run
