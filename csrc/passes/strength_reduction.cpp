// Replaces operations by cheaper ones: the rewrites that do not keep every bit.
#include "passes/apply_rewrites.hpp"
#include "passes/passes.hpp"

namespace fastgrad::passes {

void strength_reduction(Program& program) {
    Rewriter rewriter(program);
    rewriter.walk([&](Instruction& instruction, Slot result) {
        if (is_row(instruction.op)) apply_rewrites(rewriter, instruction, result, false);
    });
    rewriter.finish();
}

}  // namespace fastgrad::passes
