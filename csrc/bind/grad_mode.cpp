#include "bind/grad_mode.hpp"

#include <utility>

namespace fastgrad::bind {

int no_grad_threads = 0;

namespace {
thread_local int no_grad_depth = 0;
}

bool grad_enabled_in_this_thread() { return no_grad_depth == 0; }

void enter_no_grad() {
    if (no_grad_depth++ == 0) ++no_grad_threads;
}

void leave_no_grad() {
    if (--no_grad_depth == 0) --no_grad_threads;
}

int exchange_no_grad_depth(int count) {
    const int before = std::exchange(no_grad_depth, count);
    no_grad_threads += (count != 0) - (before != 0);
    return before;
}

}  // namespace fastgrad::bind
