// no_grad: whether operations record where they come from. A matter of the thread, as in PyTorch.
#pragma once

namespace fastgrad::bind {

extern int paused_threads;  // read at every operation; the thread's own count only if it is not zero
bool recording_in_this_thread();

inline bool recording() { return paused_threads == 0 || recording_in_this_thread(); }

void pause_recording();
void resume_recording();

// Sets this thread's count of pauses; the one before.
int exchange_pauses(int pauses);

}  // namespace fastgrad::bind
