// Computes a node's contributions to its operands' gradients and hands them to a sink. The sinks (a sweep, a single
// step, a list and a log) differ only in what they do with a contribution.
#pragma once

#include "core/rows.hpp"
#include "core/sequence_sweep.hpp"

namespace fastgrad {

// A sink has
//   add(node, contribution)          to the gradient of an operand
//   add(node, result, contribution)  to the gradient of one of a node's several results
//   prepare(node)                    before a callback that may add to this operand
//   run(callback)                    false if it fails; null if there is none
//   finish(node)                     after a node with several results has passed on their gradients

template <class Sink>
bool propagate_custom(Node* node, Sink& sink) {
    const CustomOperation& custom = *node->x.custom;
    for (std::size_t i = 0; i < custom.local_gradients.size(); ++i) {
        sink.add(custom.operands[i], node->grad * custom.local_gradients[i]);
    }
    if (!custom.local_gradients.empty()) return true;
    for (Node* operand : custom.operands) sink.prepare(operand);
    const auto callback = custom.callback;  // a copy: the callback may replace itself
    return sink.run(callback.get());
}

// Not inlined, because the rows need the registers.
template <Op op, class Sink>
FASTGRAD_NOINLINE void propagate_sequence(Node* node, Sink& sink) {
    sequences::Reverse(node, sink).run(sequences::Row<op>());
}

// False if a callback failed. Throws std::bad_alloc, before it adds anything, if a reverse is derived.
template <class Sink>
inline bool propagate(Node* node, Sink& sink) {
    [[maybe_unused]] const double r = node->data;
    const double g = node->grad;
    switch (node->op) {
#define FASTGRAD_UNARY(name, ...)                                                                      \
    case Op::name: {                                                                                   \
        [[maybe_unused]] const double x = node->x_data();                                              \
        if (!node->has(Node::x_is_constant)) sink.add(node->x.node, g * Row<Op::name>::dx(x, 0.0, r)); \
        return true;                                                                                   \
    }
#define FASTGRAD_BINARY(name, ...)                                                                   \
    case Op::name: {                                                                                 \
        [[maybe_unused]] const double x = node->x_data(), y = node->y_data();                        \
        if (!node->has(Node::x_is_constant)) sink.add(node->x.node, g * Row<Op::name>::dx(x, y, r)); \
        if (!node->has(Node::y_is_constant)) sink.add(node->y.node, g * Row<Op::name>::dy(x, y, r)); \
        return true;                                                                                 \
    }
#include "ops.def"
#define FASTGRAD_SEQUENCE(name, ...) \
    case Op::name: propagate_sequence<Op::name>(node, sink); return true;
#include "sequences.def"
        case Op::custom: return propagate_custom(node, sink);
        case Op::element: sink.add(node->x.node, static_cast<std::size_t>(node->y.constant), g); return true;
        case Op::leaf: return true;
    }
    unreachable();
}

}  // namespace fastgrad
