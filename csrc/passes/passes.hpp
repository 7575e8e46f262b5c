// The optimisation passes: each keeps what a program computes, and can be left out. Where one throws Interrupted, the
// program is of no use any more.
#pragma once

#include <span>
#include <string_view>

#include "ir/program.hpp"

namespace fastgrad::passes {

using namespace ir;

void fold(Program& program);  // fold.cpp: what depends on constants alone, and operations that change nothing
void strength_reduction(Program& program);  // strength_reduction.cpp: squares, reciprocals and square roots as such
void cse(Program& program);                 // cse.cpp: equal operations on equal operands, once
void dce(Program& program);                 // dce.cpp: what no output needs
void gather_dots(Program& program);         // gather_dots.cpp: sums of products as dots
void hoist(Program& program);               // hoist.cpp: what no input changes, first
void reroll(Program& program);  // reroll.cpp: instructions of one kind side by side, operands in their order

struct Pass {
    std::string_view name;
    std::string_view title;
    void (*run)(Program&);  // null: a choice of kernels, not a change of the program
};

// In the order in which they run.
std::span<const Pass> table();

}  // namespace fastgrad::passes
