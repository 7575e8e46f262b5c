#include "ir/program.hpp"

namespace fastgrad::ir {

Slot Program::first_varying() const {
    Slot slot = first_result();
    for (const Instruction& instruction : instructions) {
        if (instruction.op == Opcode::input) return slot;
        ++slot;
    }
    return slot;
}

std::size_t Program::bytes() const {
    return constants.capacity() * sizeof(double) + instructions.capacity() * sizeof(Instruction) +
           dots.capacity() * sizeof(Dot) + (left.capacity() + right.capacity() + outputs.capacity()) * sizeof(Slot) +
           guards.capacity() * sizeof(Guard);
}

}  // namespace fastgrad::ir
