#include "ir/differentiate.hpp"

#include <optional>
#include <stdexcept>

#include "core/derivatives.hpp"
#include "core/interruption.hpp"
#include "ir/symbol.hpp"

namespace fastgrad::ir {

namespace {

using symbolic::Symbol;

class Differentiator {
 public:
    explicit Differentiator(const Program& program) : program_(program), gradients_(program.slots()) {
        values_.reserve(program.slots());
    }

    Program run(const Wanted& wanted) {
        forward();
        const std::vector<Symbol> cotangents = make_cotangents();
        for (std::size_t i = 0; i < cotangents.size(); ++i) add(program_.outputs[i], cotangents[i]);
        for (std::size_t i = program_.instructions.size(); i-- > 0;) {
            interruption.check_at(i);
            if (builder_.size() >= Builder::most / 2) throw std::length_error("too many operations");
            reverse(program_.instructions[i], program_.first_result() + static_cast<Slot>(i));
        }
        if (wanted.outputs) {
            for (const Slot output : program_.outputs) emit(values_[output]);
        }
        if (wanted.input_gradients) {
            for (const Slot input : input_slots()) emit(gradient(input));
        }
        if (wanted.bound_gradients) {
            for (Slot leaf = 0; leaf < program_.bound(); ++leaf) emit(gradient(leaf));
        }
        for (const Guard& guard : program_.guards) {
            builder_.program().guards.push_back({values_[guard.condition].ref(builder_), guard.expected});
        }
        Program result = builder_.finish(program_.bound());
        result.leaves = program_.leaves;
        return result;
    }

 private:
    // Copies the instructions unchanged.
    void forward() {
        for (Slot i = 0; i < program_.bound(); ++i) values_.emplace_back(builder_, Builder::bound(i));
        for (const double constant : program_.constants) values_.emplace_back(constant);
        builder_.program().inputs = program_.inputs;  // inputs keep their numbers, in whatever order they appear
        for (std::size_t i = 0; i < program_.instructions.size(); ++i) {
            interruption.check_at(i);
            values_.emplace_back(builder_, copy(program_.instructions[i]));
        }
    }

    Builder::Ref copy(const Instruction& instruction) {
        const auto ref = [this](Slot slot) { return values_[slot].ref(builder_); };
        switch (kind_of(instruction.op)) {
            case Kind::input: return builder_.append(instruction);
            case Kind::dot: {
                const Dot& dot = program_.dots[instruction.x];
                const std::uint64_t first = builder_.program().left.size();
                for (std::size_t i = dot.first; i < dot.first + dot.count; ++i) {
                    builder_.program().left.push_back(ref(program_.left[i]));
                    builder_.program().right.push_back(ref(program_.right[i]));
                }
                return builder_.append_dot(first, dot.addend == no_slot ? no_slot : ref(dot.addend));
            }
            case Kind::row: break;
        }
        return builder_.append(
            {instruction.op, ref(instruction.x), is_unary(instruction.op) ? 0 : ref(instruction.y)});
    }

    std::vector<Symbol> make_cotangents() {
        if (program_.outputs.size() == 1) return {Symbol(1.0)};
        std::vector<Symbol> cotangents;
        for (std::size_t i = 0; i < program_.outputs.size(); ++i) cotangents.emplace_back(builder_, builder_.input());
        return cotangents;
    }

    // As in the interpreter, the first contribution to a gradient is stored and later ones are added.
    void add(Slot slot, const Symbol& contribution) {
        if (program_.is_constant(slot)) return;
        std::optional<Symbol>& gradient = gradients_[slot];
        gradient = gradient ? *gradient + contribution : contribution;
    }

    void reverse(const Instruction& instruction, Slot result) {
        const std::optional<Symbol> g = gradients_[result];
        if (!g || instruction.op == Opcode::input) return;
        if (instruction.op == Opcode::dot) {
            const Dot& dot = program_.dots[instruction.x];
            for (std::size_t i = dot.first; i < dot.first + dot.count; ++i) {
                const Slot x = program_.left[i], y = program_.right[i];
                if (!program_.is_constant(x)) add(x, *g * values_[y]);
                if (!program_.is_constant(y)) add(y, *g * values_[x]);
            }
            if (dot.addend != no_slot) add(dot.addend, *g);
            return;
        }
        const Slot operands[] = {instruction.x, instruction.y};
        for_each_partial<Symbol>(op_of(instruction.op), values_[instruction.x], values_[instruction.y],
                                 values_[result], [&](int operand, auto derivative) {
                                     const Slot slot = operands[operand];
                                     if (!program_.is_constant(slot)) add(slot, *g * derivative());
                                 });
    }

    Symbol gradient(Slot slot) const {
        return gradients_[slot] ? symbolic::add(*gradients_[slot], 0.0) : Symbol(0.0);
    }

    std::vector<Slot> input_slots() const {
        std::vector<Slot> slots(program_.inputs);
        for (std::size_t i = 0; i < program_.instructions.size(); ++i) {
            const Instruction& instruction = program_.instructions[i];
            if (instruction.op == Opcode::input)
                slots[instruction.x] = program_.first_result() + static_cast<Slot>(i);
        }
        return slots;
    }

    void emit(const Symbol& output) { builder_.program().outputs.push_back(output.ref(builder_)); }

    const Program& program_;
    Builder builder_;
    std::vector<Symbol> values_;  // one for each slot
    std::vector<std::optional<Symbol>> gradients_;
};

}  // namespace

Program differentiate(const Program& program, const Wanted& wanted) { return Differentiator(program).run(wanted); }

}  // namespace fastgrad::ir
