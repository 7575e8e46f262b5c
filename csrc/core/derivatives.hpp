// The derivatives of ops.def over any kind of number. One source serves doubles; nodes of a graph, which can be
// differentiated again; and instructions of a program.
//
// A kind of number, X, is made from a double, and has these in its own namespace: a function for each row (`X
// exp(X)`), arithmetic, comparisons that give an X (1 or 0), and `X choose(X condition, X x, X y)`. See Term.
#pragma once

#include <type_traits>

#include "core/formulas.hpp"
#include "core/op.hpp"

namespace fastgrad {

namespace formulas {

inline double choose(bool condition, double x, double y) { return condition ? x : y; }

template <class X>
concept Symbolic = !std::is_arithmetic_v<X>;

// A row of the same name is an ordinary function, which overload resolution prefers to a template.
#define FASTGRAD_HELPER1(name, x, formula, meaning) \
    template <Symbolic X>                           \
    X name(const X& x) {                            \
        return formula;                             \
    }
#define FASTGRAD_HELPER2(name, x, y, formula, meaning)     \
    template <Symbolic X>                                  \
    X name(const X& x, const std::type_identity_t<X>& y) { \
        return formula;                                    \
    }
#define FASTGRAD_HELPER3(name, x, y, z, formula, meaning)                                    \
    template <Symbolic X>                                                                    \
    X name(const X& x, const std::type_identity_t<X>& y, const std::type_identity_t<X>& z) { \
        return formula;                                                                      \
    }
#include "helpers.def"

}  // namespace formulas

// Calls visit(0, dx) and visit(1, dy) for a row, leaving out derivatives that are zero everywhere. dx and dy are
// functions, so a derivative that is not used creates no nodes.
template <class X, class Visit>
void for_each_partial(Op op, [[maybe_unused]] const X& x, [[maybe_unused]] const X& y, [[maybe_unused]] const X& r,
                      Visit visit) {
    using namespace formulas;
    switch (op) {
#define FASTGRAD_PARTIAL(name, operand, trait, derivative) \
    if constexpr (!has(Op::name, trait)) visit(operand, [&]() -> X { return derivative; });
#define FASTGRAD_UNARY(name, title, symbol, value, dx, error, traits) \
    case Op::name: FASTGRAD_PARTIAL(name, 0, Trait::zero_dx, dx) return;
#define FASTGRAD_BINARY(name, title, symbol, value, dx, dy, error, traits) \
    case Op::name:                                                         \
        FASTGRAD_PARTIAL(name, 0, Trait::zero_dx, dx)                      \
        FASTGRAD_PARTIAL(name, 1, Trait::zero_dy, dy)                      \
        return;
#include "ops.def"
#undef FASTGRAD_PARTIAL
#include "core/not_rows.inc"
        return;
    }
}

}  // namespace fastgrad
