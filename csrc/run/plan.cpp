#include "run/plan.hpp"

#include <algorithm>
#include <utility>

#include "core/interruption.hpp"
#include "run/adjoint.hpp"

namespace fastgrad::run {

namespace {

// Shorter runs are faster instruction by instruction.
constexpr std::uint32_t shortest_map = 8, fewest_terms = 16;

// Runs of scalar instructions are limited to this length, so that a walk reaches the end of a run within
// milliseconds.
constexpr std::uint32_t longest_scalars = 1 << 20;

// Goes backwards, like the reverse: the first to reach a gradient stores.
void mark_adjoints(const Program& program, Plan& plan) {
    plan.adjoints.resize(program.instructions.size());
    std::vector<bool> touched(program.slots());
    // These may be read even if nothing reaches them, so they are filled beforehand. Gradients of slots that do not
    // vary add up over the samples.
    const bool has_samples = program.first_varying() < program.slots();
    const Slot filled = has_samples ? program.first_varying() : program.first_result();
    for (Slot slot = 0; slot < filled; ++slot) touched[slot] = true;
    for (const Slot output : program.outputs) touched[output] = true;
    for (std::size_t i = 0; i < program.instructions.size(); ++i) {
        if (program.instructions[i].op == Opcode::input) touched[program.first_result() + i] = true;
    }
    const auto touch = [&](Slot slot, bool is_zero_derivative) {
        if (is_zero_derivative || program.is_constant(slot)) return Adjoint::skip;
        if (touched[slot]) return Adjoint::accumulate;
        touched[slot] = true;
        return Adjoint::store;
    };
    for (std::size_t run = plan.runs.size(); run-- > 0;) {
        const auto [begin, count] = std::pair{plan.runs[run].begin, plan.runs[run].instructions()};
        if (!plan.runs[run].active) continue;
        const bool adds = plan.runs[run].kind != Run::scalars;
        plan.stores_first = plan.stores_first && !adds;
        for (std::uint32_t i = begin + count; i-- > begin;) {
            interruption.check_at(i);
            const Instruction& instruction = program.instructions[i];
            if (adds) {
                for_each_operand(program, instruction, [&](Slot slot) { touched[slot] = true; });
                continue;
            }
            const Adjoint x = touch(instruction.x, has(instruction.op, Trait::zero_dx));
            const Adjoint y = touch(instruction.y, has(instruction.op, Trait::zero_dy));
            plan.adjoints[i] = adjoint_opcode(instruction.op, x, y);
        }
    }
}

class Planner {
 public:
    Planner(const Program& program, bool loops)
        : program_(program), loops_(loops), first_varying_(program.first_varying()), active_(program.slots()) {
        for (const Slot output : program.outputs) active_[output] = true;
        for (std::size_t i = program.instructions.size(); i-- > 0;) {
            interruption.check_at(i);
            const Instruction& instruction = program.instructions[i];
            if (!is_active(static_cast<std::uint32_t>(i)) || instruction.op == Opcode::input) continue;
            if (instruction.op == Opcode::dot) {
                for_each_operand(program, instruction, [&](Slot slot) { active_[slot] = true; });
                continue;
            }
            if (!has(instruction.op, Trait::zero_dx)) active_[instruction.x] = true;
            if (!has(instruction.op, Trait::zero_dy)) active_[instruction.y] = true;
        }
    }

    Plan make() {
        const auto count = static_cast<std::uint32_t>(program_.instructions.size());
        std::uint32_t i = 0;
        for (std::size_t step = 0; i < count; ++step) {
            interruption.check_at(step);
            const Opcode op = program_.instructions[i].op;
            if (op == Opcode::input) {
                ++i;
                continue;
            }
            if (is_varying(program_.first_result() + i) && !reached_varying_) {
                reached_varying_ = true;
                plan_.first_varying_run = plan_.runs.size();
            }
            Run run = op == Opcode::dot ? dots_from(i) : loops_ ? map_from(i) : single(Run::scalars, i);
            run.active = is_active(i);
            append(run);
            i += run.count;
        }
        if (!reached_varying_) plan_.first_varying_run = plan_.runs.size();
        return std::move(plan_);
    }

 private:
    bool is_varying(Slot slot) const { return slot >= first_varying_; }
    bool is_active(std::uint32_t i) const { return active_[program_.first_result() + i]; }

    // Whether instruction `i` can be in one run with an earlier one.
    bool is_alike(std::uint32_t earlier, std::uint32_t i) const {
        const Slot first = program_.first_result();
        return is_varying(first + i) == is_varying(first + earlier) && is_active(i) == is_active(earlier);
    }
    static Run single(Run::Kind kind, std::uint32_t i) { return {kind, Opcode::input, i, 1, true, 0, {}, {}, {}}; }

    void append(const Run& run) {
        const bool starts_section = plan_.runs.size() == plan_.first_varying_run && reached_varying_;
        if ((run.kind == Run::scalars || run.kind == Run::gathered) && !plan_.runs.empty() && !starts_section) {
            Run& last = plan_.runs.back();
            if (last.kind == run.kind && last.begin + last.count == run.begin && last.active == run.active &&
                last.count < longest_scalars) {
                last.count += run.count;
                return;
            }
        }
        if (run.kind == Run::dots && !plan_.runs.empty() && !starts_section && repeats(plan_.runs.back(), run))
            return;
        plan_.runs.push_back(run);
    }

    // Whether `next` repeats `run` with its factors further on; if so, merges it into `run`.
    bool repeats(Run& run, const Run& next) const {
        if (run.kind != Run::dots || run.count != next.count || run.terms != next.terms ||
            run.begin + run.instructions() != next.begin || run.active != next.active) {
            return false;
        }
        Run longer = run;
        const bool follows = is_again(longer.x, next.x, longer) && is_again(longer.y, next.y, longer) &&
                             is_again(longer.addend, next.addend, longer);
        if (!follows) return false;
        run = longer;
        ++run.vectors;
        return true;
    }

    bool is_again(Access& access, const Access& next, const Run& run) const {
        if (access.is_absent() || next.is_absent()) return access.is_absent() && next.is_absent();
        if (access.row_stride != next.row_stride || access.term_stride != next.term_stride ||
            access.varies != next.varies)
            return false;
        const auto away = static_cast<std::int64_t>(next.first) - access.first;
        if (run.vectors == 1) access.repeat_stride = static_cast<std::int32_t>(away);
        access.no_gradient = access.no_gradient && next.no_gradient;
        return away == static_cast<std::int64_t>(access.repeat_stride) * run.vectors &&
               is_before(last_slot(next, run), run.begin);
    }

    // The highest slot of one repeat.
    static Slot last_slot(const Access& access, const Run& run) {
        const std::int64_t rows = static_cast<std::int64_t>(access.row_stride) * (run.count - 1);
        const std::int64_t terms = static_cast<std::int64_t>(access.term_stride) * (run.terms - 1);
        return static_cast<Slot>(access.first + std::max<std::int64_t>(rows, 0) + std::max<std::int64_t>(terms, 0));
    }

    // Whether `slot` can be row `row` of an access; row 1 determines the stride.
    bool extend(Access& access, std::uint32_t row, Slot slot) const {
        if (access.is_absent() || is_varying(slot) != access.varies) return access.is_absent() && slot == no_slot;
        const auto away = static_cast<std::int64_t>(slot) - access.first;
        if (row == 1) {
            if (away != static_cast<std::int32_t>(away)) return false;
            access.row_stride = static_cast<std::int32_t>(away);
        } else if (away != static_cast<std::int64_t>(access.row_stride) * row) {
            return false;
        }
        access.no_gradient = access.no_gradient && program_.is_constant(slot);
        return true;
    }

    Access start(Slot slot) const {
        Access access;
        access.first = slot;
        access.varies = slot != no_slot && is_varying(slot);
        access.no_gradient = slot != no_slot && program_.is_constant(slot);
        return access;
    }

    Run map_from(std::uint32_t begin) const {
        const Instruction& head = program_.instructions[begin];
        const bool unary = is_unary(head.op);
        Run run{Run::map, head.op, begin, 1, true, 0, start(head.x), unary ? Access{} : start(head.y), {}};
        for (std::uint32_t i = begin + 1; i < program_.instructions.size(); ++i) {
            const Instruction& next = program_.instructions[i];
            if (next.op != head.op || !is_alike(begin, i)) break;
            Access x = run.x, y = run.y;
            if (!is_before(next.x, begin) || !extend(x, run.count, next.x)) break;
            if (!unary && (!is_before(next.y, begin) || !extend(y, run.count, next.y))) break;
            run.x = x;
            run.y = y;
            ++run.count;
        }
        if (run.count < shortest_map) return single(Run::scalars, begin);
        run.x.no_gradient = run.x.no_gradient || has(head.op, Trait::zero_dx);
        run.y.no_gradient = run.y.no_gradient || has(head.op, Trait::zero_dy);
        return run;
    }

    // Whether an operand is computed before the run begins: the rows of a run must not depend on each other.
    bool is_before(Slot slot, std::uint32_t begin) const { return slot < program_.first_result() + begin; }

    // The terms of one dot as an access, if they advance by a constant stride.
    bool terms(const std::vector<Slot>& slots, const Dot& d, Access& access) const {
        access = start(slots[d.first]);
        if (d.count > 1) {
            Access inner = access;
            for (std::uint32_t k = 1; k < d.count; ++k) {
                if (!extend(inner, k, slots[d.first + k])) return false;
            }
            access.term_stride = inner.row_stride;
            access.no_gradient = inner.no_gradient;
        }
        return true;
    }

    bool row(std::uint32_t i, Access& x, Access& y, Access& addend) const {
        const Dot& d = program_.dots[program_.instructions[i].x];
        addend = start(d.addend);
        return terms(program_.left, d, x) && terms(program_.right, d, y);
    }

    Run dots_from(std::uint32_t begin) const {
        Run run{Run::dots, Opcode::dot, begin, 1, true, program_.dots[program_.instructions[begin].x].count,
                {},        {},          {}};
        if (!row(begin, run.x, run.y, run.addend)) return single(Run::gathered, begin);
        for (std::uint32_t i = begin + 1; i < program_.instructions.size(); ++i) {
            const Instruction& next = program_.instructions[i];
            if (next.op != Opcode::dot || program_.dots[next.x].count != run.terms) break;
            if (!is_alike(begin, i)) break;
            Access x, y, addend;
            if (!row(i, x, y, addend) || x.term_stride != run.x.term_stride || y.term_stride != run.y.term_stride)
                break;
            bool before = true;
            for_each_operand(program_, next, [&](Slot slot) { before = before && is_before(slot, begin); });
            Access rows_x = run.x, rows_y = run.y, rows_addend = run.addend;
            if (!before || !extend(rows_x, run.count, x.first) || !extend(rows_y, run.count, y.first)) break;
            if (!extend(rows_addend, run.count, addend.first)) break;
            rows_x.no_gradient = run.x.no_gradient && x.no_gradient;
            rows_y.no_gradient = run.y.no_gradient && y.no_gradient;
            run.x = rows_x;
            run.y = rows_y;
            run.addend = rows_addend;
            ++run.count;
        }
        return run.count * run.terms >= fewest_terms ? run : single(Run::gathered, begin);
    }

    const Program& program_;
    const bool loops_;
    const Slot first_varying_;
    std::vector<bool> active_;  // slots that the gradient of some output reaches
    bool reached_varying_ = false;
    Plan plan_;
};

}  // namespace

Plan make_plan(const Program& program, bool loops) {
    Plan plan = Planner(program, loops).make();
    mark_adjoints(program, plan);
    return plan;
}

}  // namespace fastgrad::run
