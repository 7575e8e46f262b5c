// A double that records how it was computed on a tape that lasts for one formula. The derived reverse of a sequence
// operation evaluates its formula over this type. Terms could do the same, but they create nodes, which a sweep must
// not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/rows.hpp"

namespace fastgrad {

class LocalTape;

// A constant, or an entry of a tape.
class Active {
 public:
    Active(double constant = 0.0) : data_(constant) {}

    bool is_constant() const { return !tape_; }
    double data() const { return data_; }

 private:
    friend class LocalTape;
    Active(double data, LocalTape* tape, std::uint32_t position) : data_(data), tape_(tape), position_(position) {}

    double data_;
    LocalTape* tape_ = nullptr;
    std::uint32_t position_ = 0;
};

class LocalTape {
 public:
    // Declare all operands before computing anything with them.
    explicit LocalTape(std::size_t operands) : operands_(operands) {}
    LocalTape(const LocalTape&) = delete;
    LocalTape& operator=(const LocalTape&) = delete;

    Active operand(std::size_t i, double data) { return {data, this, static_cast<std::uint32_t>(i)}; }

    // These throw std::bad_alloc.
    static Active unary(double data, const Active& x, double dx) {
        return x.tape_ ? x.tape_->append(data, {x.position_, nowhere, dx, 0.0}) : Active(data);
    }
    static Active binary(double data, const Active& x, const Active& y, double dx, double dy) {
        LocalTape* tape = x.tape_ ? x.tape_ : y.tape_;
        return tape ? tape->append(data, {position(x), position(y), dx, dy}) : Active(data);
    }

    // Adds to a result's gradient, as a node that uses it would. Throws std::bad_alloc.
    void seed(const Active& result, double gradient) {
        if (result.is_constant()) return;
        if (result.position_ < operands_) {
            entries_.push_back({result.position_, nowhere, 1.0, 0.0, gradient, true});
        } else {
            add(entries_[result.position_ - operands_], gradient);
        }
    }

    // Calls `give` with each contribution to an operand, in the order in which ordinary nodes would give it: entries
    // from the newest to the oldest, each to x first.
    template <class Give>
    void reverse(Give give) {
        const auto pass_on = [&](std::uint32_t position, double contribution) {
            if (position == nowhere) return;
            if (position < operands_) return give(std::size_t{position}, contribution);
            add(entries_[position - operands_], contribution);
        };
        for (std::size_t i = entries_.size(); i-- > 0;) {
            const Entry& entry = entries_[i];
            if (!entry.is_reached) continue;
            pass_on(entry.x, entry.gradient * entry.dx);
            pass_on(entry.y, entry.gradient * entry.dy);
        }
    }

 private:
    static constexpr std::uint32_t nowhere = 0xffffffff;
    struct Entry {
        std::uint32_t x, y;  // positions: the operands, then the entries
        double dx, dy;
        double gradient = 0.0;
        bool is_reached = false;
    };

    static std::uint32_t position(const Active& x) { return x.tape_ ? x.position_ : nowhere; }

    Active append(double data, const Entry& entry) {
        entries_.push_back(entry);
        return {data, this, static_cast<std::uint32_t>(operands_ + entries_.size() - 1)};
    }

    // The first contribution is stored, as in a sweep.
    static void add(Entry& entry, double contribution) {
        entry.gradient = entry.is_reached ? entry.gradient + contribution : contribution;
        entry.is_reached = true;
    }

    std::size_t operands_;
    std::vector<Entry> entries_;
};

// Each row of the table as a function. These throw std::bad_alloc.
#define FASTGRAD_UNARY(name, ...)                                           \
    inline Active name(const Active& x) {                                   \
        const double r = Row<Op::name>::value(x.data());                    \
        return LocalTape::unary(r, x, Row<Op::name>::dx(x.data(), 0.0, r)); \
    }
#define FASTGRAD_BINARY(name, ...)                                                  \
    inline Active name(const Active& x, const Active& y) {                          \
        const double r = Row<Op::name>::value(x.data(), y.data());                  \
        return LocalTape::binary(r, x, y, Row<Op::name>::dx(x.data(), y.data(), r), \
                                 Row<Op::name>::dy(x.data(), y.data(), r));         \
    }
#include "ops.def"

inline Active operator+(const Active& x, const Active& y) { return add(x, y); }
inline Active operator-(const Active& x, const Active& y) { return sub(x, y); }
inline Active operator*(const Active& x, const Active& y) { return mul(x, y); }
inline Active operator/(const Active& x, const Active& y) { return div(x, y); }
inline Active operator-(const Active& x) { return neg(x); }
inline Active operator<(const Active& x, const Active& y) { return less(x, y); }
inline Active operator>(const Active& x, const Active& y) { return less(y, x); }
inline Active operator<=(const Active& x, const Active& y) { return less_equal(x, y); }
inline Active operator>=(const Active& x, const Active& y) { return less_equal(y, x); }
inline Active choose(const Active& condition, const Active& x, const Active& y) {
    if (condition.is_constant()) return condition.data() != 0.0 ? x : y;
    return keep_if(x, condition) + drop_if(y, condition);
}

}  // namespace fastgrad
