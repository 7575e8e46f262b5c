// Constant folding, together with the rewrites that keep every bit.
#include "ir/evaluate.hpp"
#include "passes/apply_rewrites.hpp"
#include "passes/passes.hpp"

namespace fastgrad::passes {

void fold(Program& program) {
    Rewriter rewriter(program);
    rewriter.walk([&](Instruction& instruction, Slot result) {
        if (!is_row(instruction.op)) return;
        const auto x = constant_of(rewriter, instruction.x);
        const std::optional<double> y = is_unary(instruction.op) ? 0.0 : constant_of(rewriter, instruction.y);
        if (x && y) {
            rewriter.replace(result, rewriter.add_constant(evaluate(instruction.op, *x, *y)));
        } else {
            apply_rewrites(rewriter, instruction, result, true);
        }
    });
    rewriter.finish();
}

}  // namespace fastgrad::passes
