// The formulas of the operations on sequences, each once for every kind of number: double, where a node is made, and
// Term, where the node is taken apart into ordinary ones.
//
// Additions run from left to right, so that a replayed graph, which sees the ordinary nodes, gives the same bits.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "core/formulas.hpp"
#include "core/operand_list.hpp"

namespace fastgrad::sequences {

// What an element of `Numbers` is computed with.
template <class Numbers>
using Number = std::remove_cvref_t<decltype(std::declval<const Numbers&>()[0])>;

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

// Of pairs, and of a bias behind them where the size is odd: bias + w[0] * x[0] + ...
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

// `better` of the first two, then of that and the third, ...
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

// By hypot, which neither overflows nor loses small numbers; `keep` is told the length of each beginning.
template <class Numbers, class Keep>
Number<Numbers> norm(const Numbers& x, Keep keep) {
    using formulas::hypot, std::abs;
    Number<Numbers> length = abs(x[0]);
    keep(0, length);
    for (std::size_t i = 1; i < x.size(); ++i) keep(i, length = hypot(length, x[i]));
    return length;
}

// Exponentials that cannot overflow: y is x minus its largest element, e is exp(y). Infinities among x stay what they
// are, since the shift is finite: log(total) + shift is -inf where all of them are -inf, and inf where one is inf.
template <class T>
struct Exponentials {
    std::span<T> y, e;  // of one size
    T& total;
    T shift{0.0};
};

// `y` holds x at first.
template <class T>
void compute(Exponentials<T>& exponentials) {
    using formulas::exp, formulas::maximum, formulas::minimum, formulas::stop_gradient;
    constexpr double most = std::numeric_limits<double>::max();
    auto& [y, e, total, shift] = exponentials;
    shift = -most;
    for (const T& x : y) shift = maximum(x, shift);
    shift = stop_gradient(minimum(shift, T(most)));
    for (T& x : y) x = x - shift;
    for (std::size_t i = 0; i < y.size(); ++i) e[i] = exp(y[i]);
    total = sum(std::span<const T>(e));
}

template <class T>
T logsumexp(const Exponentials<T>& of) {
    using formulas::log;
    return log(of.total) + of.shift;
}

template <class T>
T cross_entropy(const Exponentials<T>& of, std::size_t target) {
    using formulas::log;
    return log(of.total) - of.y[target];
}

template <class T>
T softmax(const Exponentials<T>& of, std::size_t i) {
    return of.e[i] / of.total;
}

template <class T>
T log_softmax(const Exponentials<T>& of, const T& log_total, std::size_t i) {
    return of.y[i] - log_total;
}

// The value of a node with these operands; keeps in the list what the reverse needs.
double evaluate(Op op, OperandList& operands);

// The results of an operation that has several, once it has been evaluated.
void results(Op op, OperandList& operands, std::span<double> results);

// What was kept of exponentials, but for the shift.
struct SavedExponentials {
    std::span<double> y, e;
    double& total;

    explicit SavedExponentials(OperandList& operands)
        : y(operands.saved().first(operands.saved().size() / 2)),
          e(operands.saved().subspan(y.size(), y.size())),
          total(operands.saved().back()) {}
};

}  // namespace fastgrad::sequences
