// Tracing: refuses what a recorded function must not do, and notes its leaves and guards.
#pragma once

#include <Python.h>

#include "core/node.hpp"

namespace fastgrad::bind {

extern int tracing_threads;  // read when a number leaves the graph; the thread's own state only if nonzero
bool tracing_in_this_thread();

inline bool tracing() { return tracing_threads != 0 && tracing_in_this_thread(); }

// Sets a TypeError naming the source line: `what` would bake the current number into the recording.
void refuse_while_tracing(const char* what);
inline bool refused_while_tracing(const char* what) {
    if (!tracing()) [[likely]]
        return false;
    refuse_while_tracing(what);
    return true;
}

// A leaf that the function creates becomes a constant of the recording, unless it outlives it. Throws std::bad_alloc.
void note_leaf(Node* leaf);

// A condition that the function tested: the recording is valid while the answer is the same. False with an error set.
bool note_guard(Node* condition, bool answer);

}  // namespace fastgrad::bind
