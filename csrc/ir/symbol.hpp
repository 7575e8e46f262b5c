// A number that stands for an instruction. Formulas are evaluated over Symbols to become part of a program.
//
// The third kind of number of core/derivatives.hpp, besides doubles and Terms. A choice is exact to the last bit, so
// a formula over Symbols gives the same results as over doubles.
#pragma once

#include "ir/builder.hpp"

namespace fastgrad::ir::symbolic {

// A constant, or the result of an instruction.
class Symbol {
 public:
    Symbol(double constant = 0.0) : constant_(constant) {}
    Symbol(Builder& builder, Builder::Ref ref) : builder_(&builder), ref_(ref) {}

    bool is_constant() const { return builder_ == nullptr; }
    double constant() const { return constant_; }
    // Only for a symbol that is not a constant.
    Builder& builder() const { return *builder_; }
    Builder::Ref result() const { return ref_; }
    Builder::Ref ref(Builder& builder) const { return builder_ ? ref_ : builder.constant(constant_); }

 private:
    Builder* builder_ = nullptr;
    union {
        double constant_;
        Builder::Ref ref_;
    };
};

// Each row of the table as a function. Constants give a constant; rewrites that keep bits are applied; anything else
// appends one instruction. These throw std::bad_alloc.
#define FASTGRAD_UNARY(name, ...) Symbol name(const Symbol& x);
#define FASTGRAD_BINARY(name, ...) Symbol name(const Symbol& x, const Symbol& y);
#include "ops.def"

inline Symbol operator+(const Symbol& x, const Symbol& y) { return add(x, y); }
inline Symbol operator-(const Symbol& x, const Symbol& y) { return sub(x, y); }
inline Symbol operator*(const Symbol& x, const Symbol& y) { return mul(x, y); }
inline Symbol operator/(const Symbol& x, const Symbol& y) { return div(x, y); }
inline Symbol operator-(const Symbol& x) { return neg(x); }
inline Symbol operator<(const Symbol& x, const Symbol& y) { return less(x, y); }
inline Symbol operator>(const Symbol& x, const Symbol& y) { return less(y, x); }
inline Symbol operator<=(const Symbol& x, const Symbol& y) { return less_equal(x, y); }
inline Symbol operator>=(const Symbol& x, const Symbol& y) { return less_equal(y, x); }

// x if the condition is nonzero, else y.
Symbol choose(const Symbol& condition, const Symbol& x, const Symbol& y);

}  // namespace fastgrad::ir::symbolic
