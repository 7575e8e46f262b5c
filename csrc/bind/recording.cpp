#include "bind/recording.hpp"

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

}  // namespace fastgrad::bind
