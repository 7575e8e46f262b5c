// The plan of how a program runs: its instructions, divided into runs that one loop can execute.
#pragma once

#include <vector>

#include "ir/program.hpp"

namespace fastgrad::run {

using namespace ir;

// The slots of one operand over a run: first + row_stride * row + term_stride * term + repeat_stride * vector. Only
// dots have several terms and vectors.
struct Access {
    Slot first = no_slot;
    std::int32_t row_stride = 0, term_stride = 0, repeat_stride = 0;
    bool varies = false;       // between samples; either all slots of an access vary, or none
    bool no_gradient = false;  // all slots are constants, or the derivative is zero everywhere

    bool is_absent() const { return first == no_slot; }
};

struct Run {
    enum Kind : std::uint8_t {
        scalars,   // operations, one after another
        gathered,  // dots with scattered terms, one after another
        map,       // one operation over rows of operands
        dots       // dots of one length over rows of operands
    };
    Kind kind;
    Opcode op = Opcode::input;
    std::uint32_t begin, count;  // the first instruction, and the number of instructions in each repeat
    bool active = true;          // some output's gradient flows through it; otherwise it has no reverse
    std::uint32_t terms = 0;     // of each dot
    Access x, y, addend;         // of maps and dots
    std::uint32_t vectors = 1;   // of dots, whose factors advance by a stride: a matrix times several vectors

    std::uint32_t instructions() const { return count * vectors; }
};

struct Plan {
    std::vector<Run> runs;  // inputs are in no run
    std::size_t first_varying_run = 0;
    // Whether the first contribution to every interior gradient is stored, so that gradients need no initial value.
    bool stores_first = true;
    // For each instruction among scalars, its adjoint_opcode().
    std::vector<std::uint16_t> adjoints;
};

// `loops`: consecutive operations of one kind may become maps. Throws std::bad_alloc and Interrupted.
Plan make_plan(const Program& program, bool loops);

}  // namespace fastgrad::run
