#include "bind/recording.hpp"

#include <utility>

namespace fastgrad::bind {

int paused_threads = 0;

namespace {
thread_local int pauses = 0;
}

bool recording_in_this_thread() { return pauses == 0; }

void pause_recording() {
    if (pauses++ == 0) ++paused_threads;
}

void resume_recording() {
    if (--pauses == 0) --paused_threads;
}

int exchange_pauses(int count) {
    const int before = std::exchange(pauses, count);
    paused_threads += (count != 0) - (before != 0);
    return before;
}

}  // namespace fastgrad::bind
