// The reverse of a program as a program: gradients that can be printed, optimized, compiled, differentiated again,
// and lowered by back ends that know only how to run forwards.
#pragma once

#include "ir/program.hpp"

namespace fastgrad::ir {

// What the new program computes, in this order.
struct Wanted {
    bool outputs = false;          // what the given program computes
    bool input_gradients = true;   // one for each input
    bool bound_gradients = false;  // one for each bound leaf
};

// The gradients of the sum of cotangent * output. The cotangents are inputs of the new program behind those of the
// given one, one for each output; a program with one output gets none, and its cotangent is 1. Bound leaves and
// guards are those of the given program.
//
// Without dots, values and gradients have the bits of the interpreter's reverse for a single sample: contributions
// are added in the same order. A gradient is a sum that begins with 0.0, so none is -0.0. Throws std::bad_alloc,
// Interrupted, and std::length_error for a program of 2^30 instructions or more.
Program differentiate(const Program& program, const Wanted& wanted = {});

}  // namespace fastgrad::ir
