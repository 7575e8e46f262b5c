#include "passes/passes.hpp"
#include "passes/rewrite.hpp"

namespace fastgrad::passes {

void strength_reduction(Program& program) {
    Rewrite rewrite(program);
    Slot one = no_slot;
    rewrite.walk([&](Instruction& instruction, Slot) {
        const Slot x = instruction.x, y = instruction.y;
        if (instruction.op != Op::pow || !program.is_constant(y)) return;
        if (program.constant(y) == 2.0) {
            instruction = {Op::mul, x, x};
        } else if (program.constant(y) == -1.0) {
            if (one == no_slot) one = rewrite.add_constant(1.0);
            instruction = {Op::div, one, x};
        } else if (program.constant(y) == 0.5) {
            instruction = {Op::sqrt, x, 0};
        } else if (program.constant(y) == -0.5) {
            instruction = {Op::rsqrt, x, 0};
        }
    });
    rewrite.finish();
}

}  // namespace fastgrad::passes
