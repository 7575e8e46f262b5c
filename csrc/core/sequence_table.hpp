// The rows of sequences.def as data. Code that handles sequence operations reads these columns instead of naming
// operations, so a new row needs no change there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/op.hpp"

namespace fastgrad {

// How a call's arguments become the node's operands.
enum class Layout : std::uint8_t {
    sequence,            // xs[0], xs[1], ...
    pairs,               // xs[0], ys[0], xs[1], ys[1], ...
    pairs_and_bias,      // the same, followed by a bias if one is given
    sequence_and_target  // xs[0], xs[1], ..., and the position of one of them
};

// The effect of a call without any number.
enum class OfNone : std::uint8_t { refused, zero };

// A node has one result, its own number, or in addition one for each operand.
enum class Results : std::uint8_t { one, each };

struct SequenceOperation {
    Op op;
    std::string_view name, title, symbol;
    Layout layout;
    std::string_view parameters;
    OfNone of_none;
    Results results;
    std::size_t (*saved)(std::size_t operands);
    std::string_view value, description;
};

inline constexpr SequenceOperation sequence_operations[] = {
#define FASTGRAD_SEQUENCE(name, title, symbol, layout, parameters, of_none, results, saved, value, description) \
    {Op::name,                                                                                                  \
     #name,                                                                                                     \
     title,                                                                                                     \
     symbol,                                                                                                    \
     Layout::layout,                                                                                            \
     parameters,                                                                                                \
     OfNone::of_none,                                                                                           \
     Results::results,                                                                                          \
     []([[maybe_unused]] std::size_t n) -> std::size_t { return saved; },                                       \
     value,                                                                                                     \
     description},
#include "sequences.def"
};

constexpr const SequenceOperation& sequence_operation(Op op) {
    return sequence_operations[static_cast<int>(op) - static_cast<int>(Op::element) - 1];
}

constexpr bool has_several_results(Op op) {
    return is_sequence(op) && sequence_operation(op).results == Results::each;
}

// Whether a node can have this many operands.
constexpr bool takes(Layout layout, std::size_t operands) {
    switch (layout) {
        case Layout::sequence:
        case Layout::sequence_and_target: return operands >= 1;
        case Layout::pairs: return operands >= 2 && operands % 2 == 0;
        case Layout::pairs_and_bias: return operands >= 2;
    }
    return false;
}

}  // namespace fastgrad
