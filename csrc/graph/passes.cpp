#include "graph/passes.hpp"

#include <array>

namespace fastgrad::graph {

namespace {

constexpr std::array table{
    Pass{"fold", "compute what depends on constants alone, and drop operations that change nothing", fold},
    Pass{"power", "write squares, reciprocals and square roots as such", power},
    Pass{"share", "compute equal operations on equal operands once", share},
    Pass{"prune", "drop what no output needs", prune},
    Pass{"dot", "gather sums of products into one instruction each", sum},
    Pass{"hoist", "compute what no input changes once for all samples of a batch", hoist},
    Pass{"reroll", "line up instructions of one kind, so that they run as loops over contiguous memory", reroll},
    Pass{"vector_math", "use the C library's elementary functions on whole registers, where it has them", nullptr},
};

}  // namespace

std::span<const Pass> passes() { return table; }

}  // namespace fastgrad::graph
