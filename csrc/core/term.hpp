// A number that remembers how it was computed. Formulas are evaluated over Terms when their results should be nodes,
// so that a derivative can be recorded and differentiated again.
//
// Nothing here raises: numbers follow IEEE arithmetic, as in a reverse sweep. Comparisons of Terms are Terms (1 or
// 0), never bools, so a choice becomes part of the graph.
#pragma once

#include <utility>

#include "core/tape.hpp"

namespace fastgrad {

// A constant, or a node with a reference that counts as an operand slot.
class Term {
 public:
    Term(double constant = 0.0) : constant_(constant) {}
    // Shares the node.
    explicit Term(Node* node) : node_(node) { Tape::retain(node); }
    // Takes over the only reference to a new node.
    static Term adopt(Node* node) {
        Term term;
        term.node_ = node;
        return term;
    }
    Term(const Term& other) : node_(other.node_), constant_(other.constant_) {
        if (node_) Tape::retain(node_);
    }
    Term(Term&& other) noexcept : node_(std::exchange(other.node_, nullptr)), constant_(other.constant_) {}
    Term& operator=(Term other) noexcept {
        std::swap(node_, other.node_);
        constant_ = other.constant_;
        return *this;
    }
    ~Term() {
        if (node_) tape.release_slot(node_);
    }

    bool is_constant() const { return !node_; }
    bool is(double constant) const { return !node_ && constant_ == constant; }
    double data() const { return node_ ? node_->data : constant_; }
    Node* node() const { return node_; }  // null for a constant
    Operand operand() const { return node_ ? Operand(node_) : Operand(constant_); }

 private:
    Node* node_ = nullptr;
    double constant_ = 0.0;
};

// Each row of the table as a function. Constants give a constant. If the result always equals an operand to the last
// bit (x * 1, x ** 1, ...), it is that operand; otherwise it is one new node. These throw std::bad_alloc.
#define FASTGRAD_UNARY(name, ...) Term name(const Term& x);
#define FASTGRAD_BINARY(name, ...) Term name(const Term& x, const Term& y);
#include "ops.def"

inline Term operator+(const Term& x, const Term& y) { return add(x, y); }
inline Term operator-(const Term& x, const Term& y) { return sub(x, y); }
inline Term operator*(const Term& x, const Term& y) { return mul(x, y); }
inline Term operator/(const Term& x, const Term& y) { return div(x, y); }
inline Term operator-(const Term& x) { return neg(x); }
inline Term operator<(const Term& x, const Term& y) { return less(x, y); }
inline Term operator>(const Term& x, const Term& y) { return less(y, x); }
inline Term operator<=(const Term& x, const Term& y) { return less_equal(x, y); }
inline Term operator>=(const Term& x, const Term& y) { return less_equal(y, x); }

// `x` if the condition is nonzero, else `y`; the one not chosen must not have an infinite slope.
Term choose(const Term& condition, const Term& x, const Term& y);

}  // namespace fastgrad
