// The operations by number, and what the core knows about each: generated from ops.def and sequences.def.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/error_kind.hpp"

namespace fastgrad {

enum class Op : std::uint8_t {
    leaf,    // no operands
    custom,  // a user-defined operation: see custom_operation.hpp
#define FASTGRAD_UNARY(name, ...) name,
#define FASTGRAD_BINARY(name, ...) name,
#include "ops.def"
    element = 191,  // one result of an operation that has several: x is its node, y the result's position
#define FASTGRAD_SEQUENCE(name, ...) name,
#include "sequences.def"
};

constexpr bool is_row(Op op) { return op > Op::custom && op < Op::element; }
constexpr bool is_sequence(Op op) { return op > Op::element; }  // of a node
constexpr bool has_several_results(Op op) { return op == Op::softmax || op == Op::log_softmax; }

// Whether a row says that no gradient flows there: its derivative is zero everywhere.
constexpr bool is_zero(std::string_view derivative) { return derivative == "0.0"; }

// One row of the table, for whoever needs it at run time: labels, documentation, the stub, tests.
struct Operation {
    Op op;
    std::uint8_t arity;
    std::string_view name, title, symbol;
    std::string_view value, dx, dy;  // the formulas, as they stand in the row
    std::string_view parameter;      // the second operand's name, where it has a default
    double default_value;
    std::string_view error;
};

std::span<const Operation> operations();
inline const Operation& operation(Op op) {
    return operations()[static_cast<int>(op) - static_cast<int>(Op::custom) - 1];
}

// One row of the table of operations on sequences.
struct SequenceOperation {
    Op op;
    std::string_view name, title, symbol, value;
};

std::span<const SequenceOperation> sequence_operations();
inline const SequenceOperation& sequence_operation(Op op) {
    return sequence_operations()[static_cast<int>(op) - static_cast<int>(Op::element) - 1];
}

// The error, if any, that Python would raise where `op` gives the result `r`, which is not finite.
ErrorKind error_kind_of(Op op, double x, double y, double r);

}  // namespace fastgrad
