// The reverse of sequence operations. It is derived from the formula, except for the operations whose speed matters
// in training: their reverse is written by hand here, with the same products in the same order.
#pragma once

#include <cmath>

#include "core/formulas.hpp"
#include "core/sequence_derivation.hpp"
#include "core/sequences.hpp"

namespace fastgrad::sequences {

template <class Sink>
class Reverse {
 public:
    Reverse(Node* node, Sink& sink)
        : node_(node), list_(*node->x.list), operands_(list_.view()), g_(node->grad), sink_(sink) {}

    // Throws std::bad_alloc, before it adds anything, if the reverse is derived.
    template <Op op>
    void run(Row<op> row) {
        of(row);
        if constexpr (has_several_results(op)) sink_.finish(node_);
    }

 private:
    template <Op op>
    void of(Row<op>) {
        for (const auto& [operand, contribution] : derived_reverse(node_)) add(operand, contribution);
    }

    void of(Row<Op::sum>) { add_to_all(g_); }

    void of(Row<Op::mean>) { add_to_all(g_ * (1.0 / static_cast<double>(operands_.size()))); }

    FASTGRAD_INLINE void add(std::size_t i, double contribution) {
        if (!operands_.is_constant(i)) sink_.add(operands_.node(i), contribution);
    }

    void add_to_all(double contribution) {
        for (std::size_t i = operands_.size(); i-- > 0;) add(i, contribution);
    }

    void of(Row<Op::dot>) {
        const std::size_t size = operands_.size();
        for (std::size_t i = size / 2; i-- > 1;) add_product(2 * i);
        if (size % 2 != 0) add(size - 1, g_);
        add_product(0);
    }
    FASTGRAD_INLINE void add_product(std::size_t i) {
        const double w = operands_[i], x = operands_[i + 1];
        add(i, g_ * x);
        add(i + 1, g_ * w);
    }

    void of(Row<Op::mse>) {
        const double g = g_ * (1.0 / static_cast<double>(operands_.size() / 2));
        for (std::size_t i = operands_.size(); i != 0; i -= 2) {
            const double difference = operands_[i - 2] - operands_[i - 1];
            const double contribution = g * difference + g * difference;
            add(i - 2, contribution);
            add(i - 1, -contribution);
        }
    }

    void of(Row<Op::norm>) {
        const std::span<const double> lengths = list_.saved();
        double g = g_;
        for (std::size_t i = operands_.size(); i-- > 1;) {
            add(i, g * formulas::hypot_dx(operands_[i], lengths[i]));
            g *= formulas::hypot_dx(lengths[i - 1], lengths[i]);
        }
        add(0, g * formulas::sign(operands_[0]));
    }

    void of(Row<Op::logsumexp>) {
        exponentials(g_, [](std::size_t) { return -0.0; });
    }

    void of(Row<Op::cross_entropy>) {
        exponentials(g_, [this](std::size_t i) { return i == list_.target ? -g_ : -0.0; });
    }

    void of(Row<Op::softmax>) {
        const Exponentials<double> saved(list_.saved());
        const std::span<const double> cotangents = list_.cotangents();
        const double reciprocal = 1.0 / saved.total;
        double total_gradient = g_ == 0.0 ? 0.0 : g_ * reciprocal;
        for (std::size_t i = operands_.size(); i-- > 0;) {
            if (OperandList::is_nothing(cotangents[i])) continue;
            total_gradient += cotangents[i] * (-(saved.e[i] / saved.total) / saved.total);
        }
        for (std::size_t i = operands_.size(); i-- > 0;) {
            add(i, (cotangents[i] * reciprocal + total_gradient) * saved.e[i]);
        }
    }

    void of(Row<Op::log_softmax>) {
        const std::span<const double> cotangents = list_.cotangents();
        double g = g_;
        for (std::size_t i = operands_.size(); i-- > 0;) {
            if (!OperandList::is_nothing(cotangents[i])) g -= cotangents[i];
        }
        exponentials(g, [cotangents](std::size_t i) { return cotangents[i]; });
    }

    // The gradient through log(total), which is `g`, in addition to `direct`, the other gradient of y[i] (-0.0 if
    // none).
    template <class Direct>
    void exponentials(double g, Direct direct) {
        const Exponentials<double> saved(list_.saved());
        const double total_gradient = g * (1.0 / saved.total);
        for (std::size_t i = operands_.size(); i-- > 0;) add(i, direct(i) + total_gradient * saved.e[i]);
    }

    Node* node_;
    OperandList& list_;
    OperandList::View operands_;
    double g_;
    Sink& sink_;
};

}  // namespace fastgrad::sequences
