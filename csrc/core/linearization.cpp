#include "core/linearization.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "core/derivatives.hpp"
#include "core/expand.hpp"
#include "core/node_index.hpp"
#include "core/operands.hpp"
#include "core/order.hpp"
#include "core/sequence_table.hpp"

namespace fastgrad {

namespace {

constexpr std::uint32_t absent = NodeIndex::absent;

// Several directions at once. Eight fill a cache line.
struct Lanes {
    static constexpr std::size_t count = 8;
    double at[count] = {};

    static Lanes unit(std::size_t lane) {
        Lanes result;
        result.at[lane] = 1.0;
        return result;
    }
    friend Lanes operator*(Lanes a, double b) {
        for (double& number : a.at) number *= b;
        return a;
    }
    friend Lanes operator+(Lanes a, const Lanes& b) {
        for (std::size_t i = 0; i < count; ++i) a.at[i] += b.at[i];
        return a;
    }
};

double lane(const Lanes& lanes, std::size_t i) { return lanes.at[i]; }
double lane(double number, std::size_t) { return number; }

template <class T>
T unit([[maybe_unused]] std::size_t lane) {
    if constexpr (std::is_same_v<T, Lanes>) {
        return Lanes::unit(lane);
    } else {
        return 1.0;
    }
}

// A direction that contributes nothing; 0 * inf would add nan.
bool is_nothing(double number) { return number == 0.0; }
bool is_nothing(const Term& term) { return term.is(0.0); }

// Calls `visit` with each operand that receives a gradient, and with a function that returns the derivative in it;
// `number_of` returns a node's number.
template <class X, class NumberOf, class Visit>
void for_each_partial(Node* node, NumberOf number_of, Visit visit) {
    switch (kind_of(node->op)) {
        case NodeKind::scalar: {
            const bool is_constant[] = {node->has(Node::x_is_constant), node->has(Node::y_is_constant)};
            const Operand operands[] = {node->x, node->y};
            const auto number = [&](int i) -> X {
                return is_constant[i] ? X(operands[i].constant) : number_of(operands[i].node);
            };
            const X x = number(0), y = number(1), r = number_of(node);
            for_each_partial(node->op, x, y, r, [&](int i, auto derivative) {
                if (!is_constant[i]) visit(operands[i].node, derivative);
            });
            return;
        }
        case NodeKind::custom: {
            const CustomOperation& custom = *node->x.custom;
            for (std::size_t i = 0; i < custom.local_gradients.size(); ++i) {
                visit(custom.operands[i], [&]() -> X { return custom.local_gradients[i]; });
            }
            if (!custom.callback) return;
            for_each_operand(node, [&](Node* operand) { visit(operand, [&]() -> X { throw Underivable{node}; }); });
            return;
        }
        case NodeKind::leaf:
        case NodeKind::element:
        case NodeKind::sequence: return;
    }
}

}  // namespace

// --- finding the nodes in between

template <class X>
class Linearization<X>::Builder {
 public:
    Builder(Linearization& of, std::span<Node* const> variables) : of_(of) {
        for (Node* variable : variables) position_[variable] = size_++;
    }

    void include(std::span<Node* const> nodes) {
        for (Node* node : nodes) {
            if (position_[node] != absent) continue;  // a variable
            if (is_sequence(node->op)) {
                include_sequence(node);
            } else {
                include_partials(node);
            }
        }
    }

    std::uint32_t position_of(Node* node) { return position_[resolved(node)]; }

 private:
    void include_partials(Node* node) {
        const std::size_t before = of_.edges_.size();
        const auto number_of = [&](Node* of) -> X {
            if constexpr (std::is_same_v<X, Term>) {
                return Term(resolved(of));
            } else {
                return of->data;
            }
        };
        for_each_partial<X>(node, number_of, [this](Node* operand, auto derivative) {
            const std::uint32_t position = position_of(operand);
            if (position != absent) of_.edges_.push_back({position, derivative()});
        });
        if (of_.edges_.size() == before) return;
        position_[node] = size_++;
        of_.ends_.push_back(of_.edges_.size());
    }

    // Includes the nodes that a sequence operation expands to.
    void include_sequence(Node* node) {
        bool depends = false;
        for_each_operand(node, [&](Node* operand) { depends = depends || position_of(operand) != absent; });
        if (depends) expanded_at_[node] = expand(node);
    }

    // Returns the position of its number in expanded_; its results follow. All of these nodes then have positions.
    std::uint32_t expand(Node* node) {
        const Term epoch = Term::adopt(new_epoch());
        const auto first = static_cast<std::uint32_t>(expanded_.size());
        std::vector<Term> numbers = terms_of(*node->x.list);
        for (Term& number : numbers) number = number.is_constant() ? number : Term(resolved(number.node()));
        std::vector<Node*> made;
        for (Term& result : fastgrad::expand(node->op, numbers, node->x.list->target)) {
            made.push_back(result.node());
            expanded_.push_back(std::move(result));
        }
        include(topological_order(made, Reach::everything, epoch.node()));
        return first;
    }

    // The node, or the ordinary node that it expands to.
    Node* resolved(Node* node) {
        switch (kind_of(node->op)) {
            case NodeKind::leaf:
            case NodeKind::custom:
            case NodeKind::scalar: return node;
            case NodeKind::element: {
                const std::uint32_t first = expanded_at_[node->x.node];
                return first == absent ? node
                                       : expanded_[first + 1 + static_cast<std::size_t>(node->y.constant)].node();
            }
            case NodeKind::sequence: {
                const std::uint32_t first = expanded_at_[node];
                return first == absent ? node : expanded_[first].node();
            }
        }
        unreachable();
    }

    Linearization& of_;
    NodeIndex position_;
    std::uint32_t size_ = 0;
    std::vector<Term> expanded_;
    NodeIndex expanded_at_;  // of the sequence operations: where their number is in expanded_; their results follow
};

template <class X>
Linearization<X>::Linearization(std::span<Node* const> outputs, std::span<Node* const> variables, const Node* since)
    : variables_(variables.size()) {
    Builder builder(*this, variables);
    builder.include(topological_order(outputs, Reach::everything, since));
    for (Node* output : outputs) outputs_.push_back(builder.position_of(output));
}

template <class X>
std::vector<Node*> Linearization<X>::held() const {
    std::vector<Node*> nodes;
    if constexpr (std::is_same_v<X, Term>) {
        for (const Edge& edge : edges_) {
            if (!edge.derivative.is_constant()) nodes.push_back(edge.derivative.node());
        }
    }
    return nodes;
}

// --- propagating derivatives through them

// A number for each position, and whether it has been reached.
template <class X>
template <class T>
struct Linearization<X>::Flow {
    std::vector<T> numbers;
    std::vector<std::uint8_t> reached;

    explicit Flow(const Linearization& of)
        : numbers(of.variables_ + of.ends_.size()), reached(of.variables_ + of.ends_.size()) {}

    void add(std::uint32_t position, T number) {
        numbers[position] = reached[position] ? numbers[position] + number : std::move(number);
        reached[position] = true;
    }
    T at(std::uint32_t position) const { return position != absent && reached[position] ? numbers[position] : T(); }
    void forget() { std::fill(reached.begin(), reached.end(), 0); }
};

template <class X>
template <class T>
void Linearization<X>::reverse(Flow<T>& flow) const {
    std::size_t end = edges_.size();
    for (std::size_t i = ends_.size(); i-- > 0;) {
        const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
        if (flow.reached[variables_ + i]) {
            const T number = flow.numbers[variables_ + i];
            for (std::size_t e = begin; e < end; ++e) flow.add(edges_[e].operand, number * edges_[e].derivative);
        }
        end = begin;
    }
}

template <class X>
template <class T>
void Linearization<X>::forward(Flow<T>& flow) const {
    std::size_t e = 0;
    for (std::size_t i = 0; i < ends_.size(); ++i) {
        const auto position = static_cast<std::uint32_t>(variables_ + i);
        for (; e < ends_[i]; ++e) {
            const auto& [operand, derivative] = edges_[e];
            if (flow.reached[operand]) flow.add(position, flow.numbers[operand] * derivative);
        }
    }
}

template <class X>
template <class T>
std::vector<T> Linearization<X>::pull(std::span<const T> cotangents) const {
    Flow<T> flow(*this);
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
        if (outputs_[i] != absent && !is_nothing(cotangents[i])) flow.add(outputs_[i], cotangents[i]);
    }
    reverse(flow);
    std::vector<T> results;
    for (std::uint32_t i = 0; i < variables_; ++i) results.push_back(flow.at(i));
    return results;
}

template <class X>
template <class T>
std::vector<T> Linearization<X>::push(std::span<const T> tangents) const {
    Flow<T> flow(*this);
    for (std::uint32_t i = 0; i < variables_; ++i) {
        if (!is_nothing(tangents[i])) flow.add(i, tangents[i]);
    }
    forward(flow);
    std::vector<T> results;
    for (const std::uint32_t output : outputs_) results.push_back(flow.at(output));
    return results;
}

// True if all derivatives are finite.
template <class X>
template <class T>
bool Linearization<X>::differentiate(Flow<T>& flow, const Directions& in, double* rows) const {
    flow.forget();
    for (std::size_t i = 0; i < in.count; ++i) {
        const auto position = in.backwards ? outputs_[in.first + i] : static_cast<std::uint32_t>(in.first + i);
        if (position != absent) flow.add(position, unit<T>(i));
    }
    if (in.backwards) {
        reverse(flow);
    } else {
        forward(flow);
    }
    bool finite = true;
    for (std::size_t k = 0; k < (in.backwards ? variables_ : outputs_.size()); ++k) {
        const T numbers = flow.at(in.backwards ? static_cast<std::uint32_t>(k) : outputs_[k]);
        for (std::size_t i = 0; i < in.count; ++i) {
            const std::size_t direction = in.first + i;
            const double number = lane(numbers, i);
            rows[in.backwards ? direction * variables_ + k : k * variables_ + direction] = number;
            finite = finite && std::isfinite(number);
        }
    }
    return finite;
}

template <class X>
void Linearization<X>::jacobian(double* rows) const
    requires std::same_as<X, double>
{
    const bool backwards = outputs_.size() <= variables_;
    const std::size_t directions = backwards ? outputs_.size() : variables_;
    Flow<Lanes> lanes(*this);
    Flow<double> single(*this);
    for (std::size_t first = 0; first < directions; first += Lanes::count) {
        const std::size_t count = std::min(Lanes::count, directions - first);
        if (count > 1 && differentiate(lanes, {backwards, first, count}, rows)) continue;
        // One direction at a time: an infinite derivative on the path of one direction, times 0, is nan in the other
        // lanes.
        for (std::size_t i = 0; i < count; ++i) differentiate(single, {backwards, first + i, 1}, rows);
    }
}

template class Linearization<double>;
// Instantiates members, not the whole class: clang 14 would instantiate jacobian(), which is for doubles only, in
// spite of its constraint.
template Linearization<Term>::Linearization(std::span<Node* const>, std::span<Node* const>, const Node*);
template std::vector<double> Linearization<double>::pull(std::span<const double>) const;
template std::vector<double> Linearization<double>::push(std::span<const double>) const;
template std::vector<Term> Linearization<double>::pull(std::span<const Term>) const;
template std::vector<Term> Linearization<double>::push(std::span<const Term>) const;
template std::vector<Term> Linearization<Term>::pull(std::span<const Term>) const;
template std::vector<Term> Linearization<Term>::push(std::span<const Term>) const;

}  // namespace fastgrad
