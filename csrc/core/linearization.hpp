// Derivatives beside the graph: no Node::grad is read or written, and they can be nodes themselves.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/node_owner.hpp"
#include "core/term.hpp"

namespace fastgrad {

// A custom operation that depends on a variable, and of which only a backward callback is known.
struct Underivable {
    const Node* node;
};

// How some outputs depend on some variables, to first order: the nodes in between, each with its derivative in each
// of its operands. X is double; or Term, where the derivatives become nodes, which can be differentiated again.
template <class X>
class Linearization final : private NodeOwner {
 public:
    // The nodes that are older than `since` are taken for constants, and so is what the variables were made of.
    // Throws std::bad_alloc and Underivable.
    Linearization(std::span<Node* const> outputs, std::span<Node* const> variables, const Node* since);

    std::size_t outputs() const { return outputs_.size(); }
    std::size_t variables() const { return variables_; }

    // The gradient of sum(cotangent * output) in each variable. T is double or Term. Throws std::bad_alloc.
    template <class T>
    std::vector<T> pull(std::span<const T> cotangents) const;

    // The derivative of each output where the variables move along their tangents.
    template <class T>
    std::vector<T> push(std::span<const T> tangents) const;

    // The derivative of each output in each variable, a row for each output.
    void jacobian(double* rows) const
        requires std::same_as<X, double>;

 private:
    std::vector<Node*> held() const override;

    class Builder;
    struct Edge {
        std::uint32_t operand;  // by position
        X derivative;
    };
    template <class T>
    struct Flow;

    template <class T>
    void reverse(Flow<T>& flow) const;
    template <class T>
    void forward(Flow<T>& flow) const;
    struct Directions {
        bool backwards;  // from outputs, else from variables
        std::size_t first, count;
    };
    template <class T>
    bool differentiate(Flow<T>& flow, const Directions& in, double* rows) const;

    // Positions: the variables, then the nodes that depend on them, operands before results.
    std::size_t variables_;
    std::vector<Edge> edges_;
    std::vector<std::size_t> ends_;       // of the edges of each node that is no variable
    std::vector<std::uint32_t> outputs_;  // NodeIndex::absent for one that depends on no variable
};

}  // namespace fastgrad
