#include "core/rewrites.hpp"

#include <array>
#include <bit>
#include <cstdint>

namespace fastgrad {

namespace {

// The vocabulary of rewrites.def: each row of ops.def as a function of rule operands.
namespace rules {

struct Operand : RuleOperand {
    constexpr Operand(double number) : RuleOperand{RuleOperand::number, number} {}
    constexpr explicit Operand(Kind kind) : RuleOperand{kind, 0.0} {}
};
constexpr Operand x(RuleOperand::variable);

struct Result : Rewrite::Row {
    constexpr Result(const Rewrite::Row& row) : Row(row) {}
    constexpr Result(const Operand&) {}  // x itself
};

#define FASTGRAD_UNARY(name, ...) \
    [[maybe_unused]] constexpr Rewrite::Row name(Operand x) { return {Op::name, x, {}}; }
#define FASTGRAD_BINARY(name, ...) \
    [[maybe_unused]] constexpr Rewrite::Row name(Operand x, Operand y) { return {Op::name, x, y}; }
#include "ops.def"

constexpr std::array table{
#define FASTGRAD_REWRITE(pattern, result, keeps) Rewrite{pattern, Result(result), Keeps::keeps, #pattern, #result},
#include "rewrites.def"
};

}  // namespace rules

bool matches(const RuleOperand& operand, std::optional<double> constant) {
    if (operand.kind != RuleOperand::number) return true;
    return constant && std::bit_cast<std::uint64_t>(*constant) == std::bit_cast<std::uint64_t>(operand.value);
}

}  // namespace

std::span<const Rewrite> rewrites() { return rules::table; }

std::string_view name_of(Keeps keeps) {
    switch (keeps) {
        case Keeps::bits: return "bits";
        case Keeps::values: return "values";
        case Keeps::rounding: return "rounding";
        case Keeps::signs: return "signs";
    }
    return {};
}

std::optional<Match> search_rewrites(Op op, std::optional<double> x, std::optional<double> y, bool only_bits) {
    for (const Rewrite& rule : rules::table) {
        if (rule.pattern.op != op || (rule.keeps == Keeps::bits) != only_bits) continue;
        const bool is_second = rule.pattern.y.kind == RuleOperand::variable;
        if (matches(rule.pattern.x, x) && matches(rule.pattern.y, y)) return Match{&rule, is_second};
        if (has(op, Trait::commutes) && matches(rule.pattern.x, y) && matches(rule.pattern.y, x)) {
            return Match{&rule, !is_second};
        }
    }
    return std::nullopt;
}

}  // namespace fastgrad
