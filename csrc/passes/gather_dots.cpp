// Turns trees of additions, and the products in them, into dot instructions, which have fast kernels.
#include <algorithm>

#include "core/interruption.hpp"
#include "passes/passes.hpp"
#include "passes/rewriter.hpp"

namespace fastgrad::passes {

namespace {

class DotGatherer {
 public:
    explicit DotGatherer(Program& program)
        : program_(program), rewrite_(program), uses_(program.instructions.size()), taken_(uses_.size()) {
        const auto count = [this](Slot slot) {
            if (program_.is_result(slot) && uses(slot) < 2) ++uses(slot);
        };
        for (std::size_t i = 0; i < uses_.size(); ++i) {
            interruption.check_at(i);
            for_each_operand(program, program.instructions[i], count);
        }
        for_each_result(program, [this](Slot slot) { uses(slot, 2); });
    }

    void run() {
        for (std::size_t i = program_.instructions.size(); i-- > 0;) {
            interruption.check_at(i);
            if (program_.instructions[i].op == Opcode::add && !taken_[i]) gather(i);
        }
        rewrite_.finish();
    }

 private:
    std::uint8_t& uses(Slot slot) { return uses_[slot - program_.first_result()]; }
    void uses(Slot slot, std::uint8_t count) {
        if (program_.is_result(slot)) uses(slot) = count;
    }
    bool is_inner(Slot slot, Opcode op) {
        return program_.is_result(slot) && uses(slot) == 1 && program_.result(slot).op == op;
    }
    bool is_zero(Slot slot) const { return program_.is_constant(slot) && program_.constant(slot) == 0.0; }

    // Collects the tree of additions under one root: its leaves from left to right, and the instructions that it
    // replaces.
    void gather(std::size_t root) {
        terms_.clear();
        inner_.clear();
        todo_.assign({program_.instructions[root].y, program_.instructions[root].x});
        std::size_t products = 0;
        while (!todo_.empty()) {
            interruption.check_at(inner_.size() + terms_.size());
            const Slot slot = todo_.back();
            todo_.pop_back();
            if (is_inner(slot, Opcode::add)) {
                inner_.push_back(slot);
                todo_.push_back(program_.result(slot).y);
                todo_.push_back(program_.result(slot).x);
            } else if (!is_zero(slot)) {
                terms_.push_back(slot);
                products += is_inner(slot, Opcode::mul);
            }
        }
        // One addition alone is left as it is. A sum of any length becomes one instruction, so that sums of different
        // lengths, as in causal attention, stay side by side.
        if (terms_.size() == 1 && products == 1) {
            become_product(root, terms_[0]);
        } else if (terms_.size() > 1 && (products > 1 || !inner_.empty())) {
            replace(root, products > 1);
        } else {  // then no part of it is a sum either
            for (const Slot slot : inner_) taken_[slot - program_.first_result()] = true;
        }
    }

    // The root is 0 + a * b.
    void become_product(std::size_t root, Slot product) {
        program_.instructions[root] = program_.result(product);
        for (const Slot slot : inner_) take(slot);
        take(product);
    }

    void take(Slot slot) {
        taken_[slot - program_.first_result()] = true;
        rewrite_.remove(slot);
    }

    void replace(std::size_t root, bool takes_products) {
        Dot d{program_.left.size(), 0, no_slot};
        resize_terms(d.first + terms_.size());
        rest_.clear();
        for (const Slot term : terms_) {
            if (takes_products && is_inner(term, Opcode::mul)) {
                inner_.push_back(term);
                add_term(d, program_.result(term).x, program_.result(term).y);
            } else if (takes_products && d.addend == no_slot) {
                d.addend = term;
            } else {
                rest_.push_back(term);
            }
        }
        for (const Slot term : rest_) add_term(d, term, one());
        resize_terms(d.first + d.count);
        for (const Slot slot : inner_) take(slot);
        program_.instructions[root] = {Opcode::dot, static_cast<Slot>(program_.dots.size()), 0};
        program_.dots.push_back(d);
    }

    void resize_terms(std::size_t count) {
        program_.left.resize(count);
        program_.right.resize(count);
    }
    void add_term(Dot& d, Slot x, Slot y) {
        program_.left[d.first + d.count] = x;
        program_.right[d.first + d.count] = y;
        ++d.count;
    }

    Slot one() {
        if (one_ == no_slot) one_ = rewrite_.add_constant(1.0);
        return one_;
    }

    Program& program_;
    Rewriter rewrite_;
    std::vector<std::uint8_t> uses_;  // for each result: none, one, or more
    std::vector<bool> taken_;
    std::vector<Slot> terms_, inner_, todo_, rest_;
    Slot one_ = no_slot;
};

}  // namespace

void gather_dots(Program& program) { DotGatherer(program).run(); }

}  // namespace fastgrad::passes
