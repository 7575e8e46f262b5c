// Derivatives without Node::grad, which is neither read nor written. They can be nodes themselves.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/node_owner.hpp"
#include "core/term.hpp"

namespace fastgrad {

// A custom operation that depends on a variable and has only a backward callback.
struct Underivable {
    const Node* node;
};

// How outputs depend on variables, to first order: the nodes in between, each with its derivatives in its operands. X
// is double, or Term to make the derivatives nodes, which can be differentiated again.
template <class X>
class Linearization final : private NodeOwner {
 public:
    // Treats the variables' operands, and nodes older than `since`, as constants. Throws std::bad_alloc and
    // Underivable.
    Linearization(std::span<Node* const> outputs, std::span<Node* const> variables, const Node* since);

    std::size_t outputs() const { return outputs_.size(); }
    std::size_t variables() const { return variables_; }

    // The gradient of sum(cotangent * output) with respect to each variable. T is double or Term. Throws
    // std::bad_alloc.
    template <class T>
    std::vector<T> pull(std::span<const T> cotangents) const;

    // The derivative of each output as the variables move along their tangents.
    template <class T>
    std::vector<T> push(std::span<const T> tangents) const;

    // The derivative of each output in each variable, one row for each output.
    void jacobian(double* rows) const
        requires std::same_as<X, double>;

 private:
    std::vector<Node*> held() const override;

    class Builder;
    struct Edge {
        std::uint32_t operand;  // its position
        X derivative;
    };
    template <class T>
    struct Flow;

    template <class T>
    void reverse(Flow<T>& flow) const;
    template <class T>
    void forward(Flow<T>& flow) const;
    struct Directions {
        bool backwards;  // from the outputs if true, else from the variables
        std::size_t first, count;
    };
    template <class T>
    bool differentiate(Flow<T>& flow, const Directions& in, double* rows) const;

    // Positions: the variables come first, then the nodes that depend on them, operands before results.
    std::size_t variables_;
    std::vector<Edge> edges_;
    std::vector<std::size_t> ends_;       // the end of each node's edges, for nodes that are not variables
    std::vector<std::uint32_t> outputs_;  // NodeIndex::absent for an output that depends on no variable
};

}  // namespace fastgrad
