// Grad mode: whether operations build the graph. Thread-local, as in PyTorch.
#pragma once

namespace fastgrad::bind {

extern int no_grad_threads;  // read at every operation; the thread's own count is read only if this is nonzero
bool grad_enabled_in_this_thread();

inline bool grad_enabled() { return no_grad_threads == 0 || grad_enabled_in_this_thread(); }

void enter_no_grad();
void leave_no_grad();

// Sets how many no_grad blocks this thread is in; returns the previous number.
int exchange_no_grad_depth(int depth);

}  // namespace fastgrad::bind
