// The reverse of the operations on sequences: what a node's gradient adds to its operands.
//
// The products are those, and in the order, in which the ordinary nodes of core/sequences.hpp would form them.
#pragma once

#include <cmath>

#include "core/formulas.hpp"
#include "core/sequences.hpp"

namespace fastgrad::sequences {

template <class Sink>
class Reverse {
 public:
    Reverse(Node* node, Sink& sink)
        : node_(node), list_(*node->x.list), operands_(list_.view()), g_(node->grad), sink_(sink) {}

    void run() {
        switch (node_->op) {
            case Op::sum: return add_to_all(g_);
            case Op::mean: return add_to_all(g_ * (1.0 / static_cast<double>(operands_.size())));
            case Op::dot: return dot();
            case Op::max: return extremum();
            case Op::min: return extremum();
            case Op::mse: return mse();
            case Op::norm: return norm();
            case Op::logsumexp: return exponentials(g_, [](std::size_t) { return -0.0; });
            case Op::cross_entropy:
                return exponentials(g_, [this](std::size_t i) { return i == list_.target ? -g_ : -0.0; });
            case Op::softmax: return softmax();
            case Op::log_softmax: return log_softmax();
            default: return;
        }
    }

 private:
    void add(std::size_t i, double contribution) {
        if (!operands_.is_constant(i)) sink_.add(operands_.node(i), contribution);
    }

    void add_to_all(double contribution) {
        for (std::size_t i = operands_.size(); i-- > 0;) add(i, contribution);
    }

    void dot() {
        const std::size_t size = operands_.size();
        for (std::size_t i = size / 2; i-- > 1;) add_product(2 * i);
        if (size % 2 != 0) add(size - 1, g_);
        add_product(0);
    }
    void add_product(std::size_t i) {
        const double w = operands_[i], x = operands_[i + 1];
        add(i, g_ * x);
        add(i + 1, g_ * w);
    }

    void mse() {
        const double g = g_ * (1.0 / static_cast<double>(operands_.size() / 2));
        for (std::size_t i = operands_.size(); i != 0; i -= 2) {
            const double difference = operands_[i - 2] - operands_[i - 1];
            const double contribution = g * difference + g * difference;
            add(i - 2, contribution);
            add(i - 1, -contribution);
        }
    }

    // Of equal ones, the later takes half of what is left and the first takes the rest; the others take 0, so that
    // none keeps the gradient of an earlier sweep: as in maximum(maximum(a, b), c).
    void extremum() {
        std::size_t first = 0;
        while (first < operands_.size() && operands_[first] != node_->data) ++first;  // none equals nan
        double left = g_;
        for (std::size_t i = operands_.size(); i-- > 0;) {
            const bool is_extreme = operands_[i] == node_->data;
            if (is_extreme && i > first) left *= 0.5;
            add(i, is_extreme ? left : left * 0.0);
        }
    }

    void norm() {
        const std::span<const double> lengths = list_.saved();
        double g = g_;
        for (std::size_t i = operands_.size(); i-- > 1;) {
            add(i, g * formulas::hypot_dx(operands_[i], lengths[i]));
            g *= formulas::hypot_dx(lengths[i - 1], lengths[i]);
        }
        add(0, g * formulas::sign(operands_[0]));
    }

    // Through log(total), whose gradient is `g`, beside what y[i] receives otherwise: -0.0 for nothing.
    template <class Direct>
    void exponentials(double g, Direct direct) {
        const SavedExponentials saved(list_);
        through_total(saved, g * (1.0 / saved.total), direct);
    }
    template <class Direct>
    void through_total(const SavedExponentials& saved, double total_gradient, Direct direct) {
        for (std::size_t i = operands_.size(); i-- > 0;) add(i, direct(i) + total_gradient * saved.e[i]);
    }

    // Of a result that no gradient has reached: with an infinite operand, 0 times its derivative would be nan.
    static bool is_nothing(double cotangent) { return cotangent == 0.0 && std::signbit(cotangent); }

    void softmax() {
        const SavedExponentials saved(list_);
        const std::span<const double> cotangents = list_.cotangents();
        const double reciprocal = 1.0 / saved.total;
        double total_gradient = g_ == 0.0 ? 0.0 : g_ * reciprocal;
        for (std::size_t i = operands_.size(); i-- > 0;) {
            if (is_nothing(cotangents[i])) continue;
            total_gradient += cotangents[i] * (-(saved.e[i] / saved.total) / saved.total);
        }
        for (std::size_t i = operands_.size(); i-- > 0;) {
            add(i, (cotangents[i] * reciprocal + total_gradient) * saved.e[i]);
        }
    }

    void log_softmax() {
        const std::span<const double> cotangents = list_.cotangents();
        double g = g_;
        for (std::size_t i = operands_.size(); i-- > 0;) {
            if (!is_nothing(cotangents[i])) g -= cotangents[i];
        }
        exponentials(g, [cotangents](std::size_t i) { return cotangents[i]; });
    }

    Node* node_;
    OperandList& list_;
    OperandList::View operands_;
    double g_;
    Sink& sink_;
};

}  // namespace fastgrad::sequences
