// The optimisation passes: each keeps what a program computes, and can be left out. Where one throws Interrupted, the
// program is of no use any more.
#pragma once

#include <span>
#include <string_view>

#include "graph/program.hpp"

namespace fastgrad::graph {

void fold(Program& program);    // fold.cpp: what depends on constants alone, and operations that change nothing
void power(Program& program);   // power.cpp: squares, reciprocals and square roots as such
void share(Program& program);   // share.cpp: equal operations on equal operands, once
void prune(Program& program);   // prune.cpp: what no output needs
void sum(Program& program);     // sum.cpp: sums of products as dots
void hoist(Program& program);   // hoist.cpp: what no input changes, first
void reroll(Program& program);  // reroll.cpp: instructions of one kind side by side, operands in their order

struct Pass {
    std::string_view name;
    std::string_view title;
    void (*run)(Program&);  // null: a choice of kernels, not a change of the program
};

// In the order in which they run.
std::span<const Pass> passes();

}  // namespace fastgrad::graph
