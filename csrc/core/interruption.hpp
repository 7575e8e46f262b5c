// Lets a long computation find out that it should stop. Checks are at least one chunk of nodes apart.
#pragma once

#include <cstddef>

namespace fastgrad {

// Thrown by a computation that stops early; the store is as it was before.
struct Interrupted {};

// Set by the signal handling of the binding.
struct Interruption {
    // Only checks for a pending signal.
    bool (*is_requested)() = [] { return false; };
    // Runs the signal handlers, which may do anything, and returns whether one of them asks to stop.
    bool (*stops)() = [] { return false; };

    void check() const {
        if (is_requested()) throw Interrupted{};
    }
    // For loops over nodes or instructions: checks about once a millisecond.
    void check_at(std::size_t step) const {
        if (step % 65536 == 0) check();
    }
};

inline constinit Interruption interruption;

}  // namespace fastgrad
