// How a computation that takes long finds out that it is to stop. Nobody asks more often than once a chunk of nodes.
#pragma once

#include <cstddef>

namespace fastgrad {

// Thrown by what stops half-way; the store is as it was.
struct Interrupted {};

// Set by whoever hears of signals.
struct Interruption {
    // Only looks.
    bool (*is_requested)() = [] { return false; };
    // Lets those who handle signals run, whatever they do; whether one of them wants to stop.
    bool (*stops)() = [] { return false; };

    void check() const {
        if (is_requested()) throw Interrupted{};
    }
    // In loops over nodes or instructions: about once a millisecond.
    void check_at(std::size_t step) const {
        if (step % 65536 == 0) check();
    }
};

inline constinit Interruption interruption;

}  // namespace fastgrad
