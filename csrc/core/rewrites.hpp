// The table of rewrites, for all code that builds operations: Terms, symbols, and passes over programs.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "core/op.hpp"

namespace fastgrad {

// How much stays equal to the eager engine, from most to least: see passes.def.
enum class Keeps : std::uint8_t { bits, values, rounding, signs };
std::string_view name_of(Keeps keeps);

// An operand in a rule: the variable or a number, or absent as the second operand of a unary row.
struct RuleOperand {
    enum Kind : std::uint8_t { absent, variable, number };
    Kind kind = absent;
    double value = 0.0;
};

// A row of rewrites.def.
struct Rewrite {
    struct Row {
        Op op = Op::leaf;  // leaf: x itself
        RuleOperand x, y;
    };
    Row pattern, result;
    Keeps keeps;
    std::string_view pattern_text, result_text;
};
std::span<const Rewrite> rewrites();

// A rule that applies, and whether its variable is the second operand of the operation.
struct Match {
    const Rewrite* rule;
    bool is_second;
};

std::optional<Match> search_rewrites(Op op, std::optional<double> x, std::optional<double> y, bool only_bits);

// The rule, if any, for an operation with some constant operands. `only_bits` selects the rules that keep bits;
// otherwise the other rules. Every pattern contains a number, so most operations return without a search, which would
// take a sixth of the time to capture a graph.
inline std::optional<Match> find_rewrite(Op op, std::optional<double> x, std::optional<double> y, bool only_bits) {
    if (!x && !y) return std::nullopt;
    return search_rewrites(op, x, y, only_bits);
}

}  // namespace fastgrad
