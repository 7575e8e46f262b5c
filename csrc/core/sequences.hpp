// The formulas of the sequence operations. Each is written once, for every kind of number: double to create a node,
// Term to expand it into ordinary nodes, and Active to derive its reverse.
//
// The formula for a row of sequences.def is the function of the same name. It takes the operands, followed by a Frame
// if it needs one. Additions run from left to right, so that a replayed graph, which uses the ordinary nodes, gives
// the same bits.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

#include "core/formulas.hpp"
#include "core/operand_list.hpp"
#include "core/sequence_table.hpp"

namespace fastgrad::sequences {

// The type that computes with the elements of `Numbers`.
template <class Numbers>
using Number = std::remove_cvref_t<decltype(std::declval<const Numbers&>()[0])>;

// What a formula may need besides its operands.
template <class T>
struct Frame {
    std::span<T> saved;    // numbers to keep for a hand-written reverse, as many as the row says
    std::span<T> results;  // outputs, if the operation has several results; empty if they are not wanted
    std::size_t target;    // a position, for the layout that has one
};

template <class Numbers>
Number<Numbers> sum(const Numbers& x) {
    Number<Numbers> total = x[0];
    for (std::size_t i = 1; i < x.size(); ++i) total = total + x[i];
    return total;
}

template <class Numbers>
Number<Numbers> mean(const Numbers& x) {
    return sum(x) / static_cast<double>(x.size());
}

// Of pairs, and of a bias after them if the size is odd: bias + w[0] * x[0] + ...
template <class Numbers>
Number<Numbers> dot(const Numbers& pairs) {
    const std::size_t size = pairs.size();
    const bool has_bias = size % 2 != 0;
    Number<Numbers> total = has_bias ? pairs[size - 1] + pairs[0] * pairs[1] : pairs[0] * pairs[1];
    for (std::size_t i = 2; i + 1 < size; i += 2) total = total + pairs[i] * pairs[i + 1];
    return total;
}

// Of pairs (prediction, target).
template <class Numbers>
Number<Numbers> mse(const Numbers& pairs) {
    const auto square = [&](std::size_t i) {
        const Number<Numbers> difference = pairs[i] - pairs[i + 1];
        return difference * difference;
    };
    Number<Numbers> total = square(0);
    for (std::size_t i = 2; i < pairs.size(); i += 2) total = total + square(i);
    return total / static_cast<double>(pairs.size() / 2);
}

// Folds `better` over the elements, from left to right.
template <class Numbers, class Better>
Number<Numbers> best(const Numbers& x, Better better) {
    Number<Numbers> found = x[0];
    for (std::size_t i = 1; i < x.size(); ++i) found = better(found, x[i]);
    return found;
}

template <class Numbers>
Number<Numbers> max(const Numbers& x) {
    using formulas::maximum;
    return best(x, [](const auto& a, const auto& b) { return maximum(a, b); });
}

template <class Numbers>
Number<Numbers> min(const Numbers& x) {
    using formulas::minimum;
    return best(x, [](const auto& a, const auto& b) { return minimum(a, b); });
}

// Uses hypot, which neither overflows nor loses small numbers. Saves the length of each prefix.
template <class Numbers, class T = Number<Numbers>>
T norm(const Numbers& x, const Frame<T>& frame) {
    using formulas::hypot, std::abs;
    T length = abs(x[0]);
    frame.saved[0] = length;
    for (std::size_t i = 1; i < x.size(); ++i) frame.saved[i] = length = hypot(length, x[i]);
    return length;
}

// Exponentials that cannot overflow, stored in the saved numbers: y is x minus its largest element, e is exp(y).
template <class T>
struct Exponentials {
    std::span<T> y, e;
    T& total;  // of e

    explicit Exponentials(std::span<T> saved)
        : y(saved.first(saved.size() / 2)), e(saved.subspan(y.size(), y.size())), total(saved.back()) {}

    // Returns the amount by which y is shifted. It is finite, so infinities in x are preserved: log(total) + shift is
    // -inf if all of them are -inf, and inf if one is inf.
    template <class Numbers>
    T compute(const Numbers& x) const {
        using formulas::exp, formulas::maximum, formulas::minimum, formulas::stop_gradient;
        constexpr double most = std::numeric_limits<double>::max();
        T shift = -most;
        for (std::size_t i = 0; i < x.size(); ++i) shift = maximum(x[i], shift);
        shift = stop_gradient(minimum(shift, T(most)));
        for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] - shift;
        for (std::size_t i = 0; i < x.size(); ++i) e[i] = exp(y[i]);
        total = sum(std::span<const T>(e));
        return shift;
    }
};

template <class Numbers, class T = Number<Numbers>>
T logsumexp(const Numbers& x, const Frame<T>& frame) {
    using formulas::log;
    const Exponentials<T> of(frame.saved);
    const T shift = of.compute(x);
    return log(of.total) + shift;
}

template <class Numbers, class T = Number<Numbers>>
T cross_entropy(const Numbers& x, const Frame<T>& frame) {
    using formulas::log;
    const Exponentials<T> of(frame.saved);
    of.compute(x);
    return log(of.total) - of.y[frame.target];
}

// Here and below, the node's own number is the logsumexp.
template <class Numbers, class T = Number<Numbers>>
T softmax(const Numbers& x, const Frame<T>& frame) {
    const T value = logsumexp(x, frame);
    const Exponentials<T> of(frame.saved);
    for (std::size_t i = 0; i < frame.results.size(); ++i) frame.results[i] = of.e[i] / of.total;
    return value;
}

template <class Numbers, class T = Number<Numbers>>
T log_softmax(const Numbers& x, const Frame<T>& frame) {
    using formulas::log;
    const Exponentials<T> of(frame.saved);
    const T shift = of.compute(x), log_total = log(of.total);
    for (std::size_t i = 0; i < frame.results.size(); ++i) frame.results[i] = of.y[i] - log_total;
    return log_total + shift;
}

// --- dispatch by row

template <Op op>
using Row = std::integral_constant<Op, op>;

// Calls `function` with the row of `op`. This is the only switch over sequence operations.
template <class Function>
decltype(auto) with_row(Op op, Function function) {
    switch (op) {
#define FASTGRAD_SEQUENCE(name, ...) \
    case Op::name: return function(Row<Op::name>());
#include "sequences.def"
#define FASTGRAD_UNARY(name, ...) case Op::name:
#define FASTGRAD_BINARY(name, ...) case Op::name:
#include "ops.def"
        case Op::leaf:
        case Op::custom:
        case Op::element: break;
    }
    unreachable();
}

#define FASTGRAD_SEQUENCE(name, ...)                                                                            \
    template <class Numbers, class T = Number<Numbers>>                                                         \
    T formula([[maybe_unused]] Row<Op::name>, const Numbers& numbers, [[maybe_unused]] const Frame<T>& frame) { \
        if constexpr (requires { sequences::name(numbers); }) {                                                 \
            return sequences::name(numbers);                                                                    \
        } else {                                                                                                \
            return sequences::name(numbers, frame);                                                             \
        }                                                                                                       \
    }
#include "sequences.def"

// The result of `op` for these numbers.
template <class Numbers, class T = Number<Numbers>>
T evaluate(Op op, const Numbers& numbers, const Frame<T>& frame) {
    return with_row(op, [&](auto row) { return formula(row, numbers, frame); });
}

// The same for a node's operands. The list keeps the saved numbers; `results` receives one result for each operand if
// there are several.
double evaluate(Op op, OperandList& operands, std::span<double> results = {});

}  // namespace fastgrad::sequences
