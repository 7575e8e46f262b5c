// The operations by number, and what the core knows about each of them; generated from ops.def, helpers.def and
// sequences.def.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/compiler.hpp"

namespace fastgrad {

enum class ErrorKind : std::uint8_t;

enum class Op : std::uint8_t {
    leaf,    // no operands
    custom,  // a user-defined operation: see custom_operation.hpp
#define FASTGRAD_UNARY(name, ...) name,
#define FASTGRAD_BINARY(name, ...) name,
#include "ops.def"
    element = 191,  // one result of an operation with several: x is its node, y the result's position
#define FASTGRAD_SEQUENCE(name, ...) name,
#include "sequences.def"
};

// Whether a number read from a file is one of these.
constexpr bool is_known(Op op) {
    switch (op) {
        case Op::leaf:
        case Op::custom:
        case Op::element:
#define FASTGRAD_UNARY(name, ...) case Op::name:
#define FASTGRAD_BINARY(name, ...) case Op::name:
#include "ops.def"
#define FASTGRAD_SEQUENCE(name, ...) case Op::name:
#include "sequences.def"
            return true;
    }
    return false;
}

// What a node keeps in x and y. Code that depends on it uses a switch without a default, so a new kind does not
// compile until every such switch handles it.
enum class NodeKind : std::uint8_t {
    leaf,     // nothing
    custom,   // a CustomOperation
    scalar,   // the operands of a row of ops.def
    element,  // a node with several results, and the position of one
    sequence  // an OperandList, for a row of sequences.def
};

constexpr NodeKind kind_of(Op op) {
    if (op == Op::leaf) return NodeKind::leaf;
    if (op == Op::custom) return NodeKind::custom;
    if (op < Op::element) return NodeKind::scalar;
    return op == Op::element ? NodeKind::element : NodeKind::sequence;
}
constexpr bool is_row(Op op) { return kind_of(op) == NodeKind::scalar; }
constexpr bool is_sequence(Op op) { return kind_of(op) == NodeKind::sequence; }

// How many operands a scalar operation has.
constexpr int arity(Op op) {
    constexpr std::uint8_t arities[] = {
#define FASTGRAD_UNARY(name, ...) 1,
#define FASTGRAD_BINARY(name, ...) 2,
#include "ops.def"
    };
    return arities[static_cast<int>(op) - static_cast<int>(Op::custom) - 1];
}

constexpr std::size_t row_of(Op op) {
    return static_cast<std::size_t>(op) - static_cast<std::size_t>(Op::custom) - 1;
}

// Properties of a row besides its formulas. tests/engine/test_formulas.py checks the traits against the formulas.
enum class Trait : std::uint8_t {
    plain = 0,
    commutes = 1,              // swapping x and y keeps the bits of the value
    zero_dx = 2,               // the derivative in x is zero everywhere, and is written 0.0: no gradient flows to x
    zero_dy = 4,               // the same for y; also set for unary operations
    value_calls = 8,           // the value calls a function, so it is more than arithmetic and choices
    calls = value_calls | 16,  // so do the nonzero derivatives
    vector = 32,               // the C library may have a vectorized function of the row's name
};
constexpr Trait operator|(Trait a, Trait b) {
    return static_cast<Trait>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
constexpr bool includes(Trait traits, Trait trait) { return (traits | trait) == traits; }

inline constexpr auto row_traits = [] {
    using enum Trait;
    return std::array{
#define FASTGRAD_UNARY(name, title, symbol, value, dx, error, traits) traits | zero_dy,
#define FASTGRAD_BINARY(name, title, symbol, value, dx, dy, error, traits) traits,
#include "ops.def"
    };
}();

inline constexpr std::size_t row_count = row_traits.size();

// False for anything but a row.
constexpr bool has(Op op, Trait trait) { return is_row(op) && includes(row_traits[row_of(op)], trait); }

// One row of the table, for use at run time: labels, documentation, the stub, tests.
struct Operation {
    Op op;
    std::uint8_t arity;
    std::string_view name, title, symbol;
    std::string_view value, dx, dy;  // the formulas, as they stand in the row
    std::string_view parameter;      // the second operand's name, if it has a default
    double default_value;
    std::string_view error;
};

std::span<const Operation> operations();
inline const Operation& operation(Op op) { return operations()[row_of(op)]; }

// One row of the tables of constants and helpers that formulas use.
struct Constant {
    std::string_view name;
    double value;
    std::string_view meaning;
};
struct Helper {
    std::string_view name;
    std::array<std::string_view, 3> parameters;  // unused ones at the end are empty
    std::string_view formula, meaning;
};

std::span<const Constant> constants();
std::span<const Helper> helpers();

// The error, if any, that Python would raise when `op` gives the non-finite result `r`.
ErrorKind error_kind_of(Op op, double x, double y, double r);

}  // namespace fastgrad
