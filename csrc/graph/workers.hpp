// Threads that wait for work.
#pragma once

#include <functional>

namespace fastgrad::graph {

// Calls `work` in this thread and in up to `helpers` others, and returns when all calls have. It must not throw.
void run_in_parallel(unsigned helpers, const std::function<void()>& work);

}  // namespace fastgrad::graph
