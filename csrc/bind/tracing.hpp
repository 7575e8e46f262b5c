// A function that is being recorded: what it must not do meanwhile, and what it leaves behind.
#pragma once

#include <Python.h>

#include "core/node.hpp"

namespace fastgrad::bind {

extern int tracing_threads;  // read wherever a number leaves the graph; the thread's own state only if it is not zero
bool tracing_in_this_thread();

inline bool tracing() { return tracing_threads != 0 && tracing_in_this_thread(); }

// With a Python error set that names the line: `what` would freeze a number that is different at the next call.
void refuse_while_tracing(const char* what);
inline bool refused_while_tracing(const char* what) {
    if (!tracing()) [[likely]]
        return false;
    refuse_while_tracing(what);
    return true;
}

// A leaf that the function itself makes is a constant of the recording, unless it outlives it. Throws std::bad_alloc.
void note_leaf(Node* leaf);

// A condition that the function asked for: the recording holds while the answer is the same. False with an error set.
bool note_guard(Node* condition, bool answer);

}  // namespace fastgrad::bind
