#include "passes/passes.hpp"

#include <array>

namespace fastgrad::passes {

namespace {

constexpr std::array rows{
    Pass{"fold", "compute what depends on constants alone, and drop operations that change nothing", fold},
    Pass{"strength_reduction", "write squares, reciprocals and square roots as such", strength_reduction},
    Pass{"cse", "compute equal operations on equal operands once", cse},
    Pass{"dce", "drop what no output needs", dce},
    Pass{"gather_dots", "gather sums of products into one instruction each", gather_dots},
    Pass{"hoist", "compute what no input changes once for all samples of a batch", hoist},
    Pass{"reroll", "line up instructions of one kind, so that they run as loops over contiguous memory", reroll},
    Pass{"vector_math", "use the C library's elementary functions on whole registers, where it has them", nullptr},
};

}  // namespace

std::span<const Pass> table() { return rows; }

}  // namespace fastgrad::passes
