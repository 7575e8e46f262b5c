// The reverse of a program as a program. Its gradients can be printed, optimized, compiled and differentiated again,
// and lowered by back ends that only run forwards.
#pragma once

#include "ir/program.hpp"

namespace fastgrad::ir {

// What the new program computes, in this order.
struct Wanted {
    bool outputs = false;          // the given program's outputs
    bool input_gradients = true;   // one for each input
    bool bound_gradients = false;  // one for each bound leaf
};

// The gradients of the sum of cotangent * output. The cotangents are inputs of the new program, one for each output,
// after the inputs of the given one; a program with one output gets none, and its cotangent is 1. Bound leaves and
// guards are those of the given program.
//
// Without dots, values and gradients have the same bits as the interpreter's reverse for a single sample, because
// contributions are added in the same order. A gradient is a sum that begins with 0.0, so it is never -0.0. Throws
// std::bad_alloc, Interrupted, and std::length_error for a program of 2^30 instructions or more.
Program differentiate(const Program& program, const Wanted& wanted = {});

}  // namespace fastgrad::ir
