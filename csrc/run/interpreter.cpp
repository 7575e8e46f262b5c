#include "run/interpreter.hpp"

#include <algorithm>
#include <type_traits>

#include "core/compiler.hpp"
#include "core/rows.hpp"
#include "run/adjoint.hpp"
#include "run/kernels/lanes.hpp"

namespace fastgrad::run {

namespace {

// Operands that are not contiguous are copied to buffers of this many numbers, which stay in the first-level cache.
constexpr std::size_t buffer_size = 256;

// --- one sample, instruction by instruction: the eager engine's formulas in the eager engine's order

// A formula that calls a function is kept in a separate function: inlined, the call would spill the loop's registers
// for every operation.
template <Op op>
struct OutOfLine {
    static FASTGRAD_NOINLINE double value(double x, double y) { return Row<op>::value(x, y); }
    static FASTGRAD_NOINLINE double dx(double x, double y, double r) { return Row<op>::dx(x, y, r); }
    static FASTGRAD_NOINLINE double dy(double x, double y, double r) { return Row<op>::dy(x, y, r); }
};
template <Op op>
using ValueOf = std::conditional_t<has(op, Trait::value_calls), OutOfLine<op>, Row<op>>;
template <Op op>
using DerivativesOf = std::conditional_t<has(op, Trait::calls), OutOfLine<op>, Row<op>>;

void forward_scalars(const Program& program, const Run& run, double* values) {
    const Instruction* instruction = program.instructions.data() + run.begin;
    double* result = values + program.first_result() + run.begin;
    for (const double* end = result + run.count; result != end; ++result, ++instruction) {
        switch (instruction->op) {
#define FASTGRAD_UNARY(name, ...) \
    case Opcode::name: *result = ValueOf<Op::name>::value(values[instruction->x], 0.0); break;
#define FASTGRAD_BINARY(name, ...) \
    case Opcode::name: *result = ValueOf<Op::name>::value(values[instruction->x], values[instruction->y]); break;
            case Opcode::input:
            case Opcode::dot:
#include "ops.def"
                break;
        }
    }
}

template <Adjoint adjoint>
FASTGRAD_INLINE void contribute(double& gradient, double contribution) {
    if constexpr (adjoint == Adjoint::store) {
        gradient = contribution;
    } else {
        gradient += contribution;
    }
}

// One case for each combination of an operation and its operands' adjoints, because the dispatch has to be paid
// anyway. A case loads only what it uses: the fewer steps, the more of them the processor overlaps.
void reverse_scalars(const Program& program, const Plan& plan, const Run& run, const double* values,
                     double* gradients) {
    const Instruction* const first = program.instructions.data() + run.begin;
    const double* result = values + program.first_result() + run.begin + run.count;
    const double* gradient = gradients + program.first_result() + run.begin + run.count;
    const std::uint16_t* adjoint = plan.adjoints.data() + run.begin + run.count;
    for (const Instruction* instruction = first + run.count; instruction != first;) {
        --instruction;
        --result;
        const double g = *--gradient;
        switch (*--adjoint) {
#define FASTGRAD_CONTRIBUTION(name, adjoint, operand, derivative, zero)                 \
    if constexpr (Adjoint::adjoint != Adjoint::skip && !has(Op::name, Trait::zero)) {   \
        contribute<Adjoint::adjoint>(gradients[instruction->operand],                   \
                                     g * DerivativesOf<Op::name>::derivative(x, y, r)); \
    }
#define FASTGRAD_ADJOINTS(name, x_adjoint, y_adjoint)                                         \
    case adjoint_opcode(Opcode::name, Adjoint::x_adjoint, Adjoint::y_adjoint): {              \
        [[maybe_unused]] const double x = values[instruction->x], y = values[instruction->y]; \
        [[maybe_unused]] const double r = *result;                                            \
        FASTGRAD_CONTRIBUTION(name, x_adjoint, x, dx, zero_dx)                                \
        FASTGRAD_CONTRIBUTION(name, y_adjoint, y, dy, zero_dy)                                \
        break;                                                                                \
    }
#define FASTGRAD_UNARY(name, ...)             \
    FASTGRAD_ADJOINTS(name, accumulate, skip) \
    FASTGRAD_ADJOINTS(name, store, skip)
#define FASTGRAD_BINARY(name, ...)                  \
    FASTGRAD_ADJOINTS(name, accumulate, accumulate) \
    FASTGRAD_ADJOINTS(name, accumulate, store)      \
    FASTGRAD_ADJOINTS(name, accumulate, skip)       \
    FASTGRAD_ADJOINTS(name, store, accumulate)      \
    FASTGRAD_ADJOINTS(name, store, store)           \
    FASTGRAD_ADJOINTS(name, store, skip)            \
    FASTGRAD_ADJOINTS(name, skip, accumulate)       \
    FASTGRAD_ADJOINTS(name, skip, store)
#include "ops.def"
#undef FASTGRAD_ADJOINTS
#undef FASTGRAD_CONTRIBUTION
        }
    }
}

}  // namespace

// One walk over runs, with the number of lanes known at compile time.
template <std::size_t lanes>
class LaneInterpreter {
 public:
    LaneInterpreter(const Interpreter& interpreter, const Memory& memory)
        : program_(interpreter.program_),
          plan_(interpreter.plan_),
          kernels_(interpreter.kernels_),
          first_varying_(interpreter.first_varying_),
          memory_(memory) {}

    void forward(const Run& run) {
        switch (run.kind) {
            case Run::scalars:
                if constexpr (lanes == 1) {
                    forward_scalars(program_, run, memory_.fixed);
                } else {
                    for (std::uint32_t i = run.begin; i < run.begin + run.count; ++i) forward_map(single(i));
                }
                break;
            case Run::gathered:
                for (std::uint32_t i = run.begin; i < run.begin + run.count; ++i) forward_gathered(i);
                break;
            case Run::map: forward_map(run); break;
            case Run::dots: dots().forward(rows(run)); break;
        }
    }

    void reverse(const Run& run) {
        switch (run.kind) {
            case Run::scalars:
                if constexpr (lanes == 1) {
                    reverse_scalars(program_, plan_, run, memory_.fixed, memory_.fixed_gradients);
                } else {
                    for (std::uint32_t i = run.begin + run.count; i-- > run.begin;) reverse_map(single(i));
                }
                break;
            case Run::gathered:
                for (std::uint32_t i = run.begin + run.count; i-- > run.begin;) reverse_gathered(i);
                break;
            case Run::map: reverse_map(run); break;
            case Run::dots: dots().reverse(rows(run)); break;
        }
    }

 private:
    const DotKernels& dots() const {
        return kernels_.dot(lanes == 1    ? Width::one
                            : lanes == 8  ? Width::lanes8
                            : lanes == 32 ? Width::lanes32
                                          : Width::lanes128);
    }
    Slot result_slot(const Run& run) const { return program_.first_result() + run.begin; }
    bool varies(Slot slot) const { return slot >= first_varying_; }

    // --- addresses of slots

    double* value(Slot slot) const {
        return lanes == 1 || !varies(slot) ? memory_.fixed + slot : memory_.varying + (slot - first_varying_) * lanes;
    }
    double* gradient(Slot slot) const {
        if constexpr (lanes == 1) return memory_.fixed_gradients + slot;
        return varies(slot) ? memory_.varying_gradients + (slot - first_varying_) * lanes
                            : memory_.fixed_gradients + std::size_t{slot} * lane_count;
    }
    // Null if gradients are not wanted, because memory has none then.
    double* gradient_if_any(Slot slot) const { return memory_.fixed_gradients ? gradient(slot) : nullptr; }

    bool is_contiguous(const Access& access) const { return access.row_stride == 1 && (lanes == 1 || access.varies); }

    // --- maps

    Run single(std::uint32_t i) const {
        const Instruction& instruction = program_.instructions[i];
        Run run{Run::map, instruction.op, i, 1, true, 0, access(instruction.x), {}, {}};
        if (!is_unary(instruction.op)) run.y = access(instruction.y);
        run.x.no_gradient = run.x.no_gradient || has(instruction.op, Trait::zero_dx);
        run.y.no_gradient = run.y.no_gradient || has(instruction.op, Trait::zero_dy);
        return run;
    }
    Access access(Slot slot) const { return {slot, 1, 0, 0, varies(slot), program_.is_constant(slot)}; }

    // Rows [begin, begin + count) of an operand, contiguous: in place if they already are, else copied to the buffer.
    const double* gather(const Access& access, std::size_t begin, std::size_t count, double* buffer) const {
        if (access.is_absent()) return nullptr;
        auto slot =
            static_cast<std::ptrdiff_t>(access.first) + static_cast<std::ptrdiff_t>(begin) * access.row_stride;
        if (is_contiguous(access)) return value(static_cast<Slot>(slot));
        if (access.row_stride == 0 && (lanes == 1 || !access.varies)) {
            kernels_.arrays->fill(buffer, *value(access.first), count * lanes);
            return buffer;
        }
        for (std::size_t i = 0; i < count; ++i, slot += access.row_stride) {
            const double* from = value(static_cast<Slot>(slot));
            if (lanes == 1) {
                buffer[i] = *from;
            } else if (access.varies) {
                std::copy_n(from, lanes, buffer + i * lanes);
            } else {
                kernels_.arrays->fill(buffer + i * lanes, *from, lanes);
            }
        }
        return buffer;
    }

    // Adds to the gradients of such rows when they are not contiguous.
    void scatter(const Access& access, std::size_t begin, std::size_t count, const double* from) const {
        auto slot =
            static_cast<std::ptrdiff_t>(access.first) + static_cast<std::ptrdiff_t>(begin) * access.row_stride;
        if (lanes == 1 && access.row_stride == 0) {
            *gradient(access.first) += kernels_.arrays->sum(from, count);
            return;
        }
        for (std::size_t i = 0; i < count; ++i, slot += access.row_stride, from += lanes) {
            double* to = gradient(static_cast<Slot>(slot));
            if (access.varies || lanes == 1) {
                for (std::size_t l = 0; l < lanes; ++l) to[l] += from[l];
            } else {
                for (std::size_t chunk = 0; chunk < lanes; chunk += lane_count) {
                    for (std::size_t l = 0; l < lane_count; ++l) to[l] += from[chunk + l];
                }
            }
        }
    }

    // All rows at once if both operands are contiguous, else one buffer at a time.
    std::size_t step_of(const Run& run) const {
        const bool in_place = is_contiguous(run.x) && (run.y.is_absent() || is_contiguous(run.y));
        return in_place ? run.count : buffer_size / lanes;
    }

    void forward_map(const Run& run) const {
        const MapKernels& kernel = kernels_.map(op_of(run.op));
        double buffers[2][buffer_size];
        const std::size_t step = step_of(run);
        for (std::size_t begin = 0; begin < run.count; begin += step) {
            const std::size_t count = std::min<std::size_t>(step, run.count - begin);
            const double* x = gather(run.x, begin, count, buffers[0]);
            const double* y = gather(run.y, begin, count, buffers[1]);
            kernel.value(x, y, value(result_slot(run)) + begin * lanes, count * lanes);
        }
    }

    void reverse_map(const Run& run) const {
        const MapKernels& kernel = kernels_.map(op_of(run.op));
        double buffers[3][buffer_size];
        const std::size_t step = step_of(run);
        for (std::size_t begin = 0; begin < run.count; begin += step) {
            const std::size_t count = std::min<std::size_t>(step, run.count - begin);
            const double* x = gather(run.x, begin, count, buffers[0]);
            const double* y = gather(run.y, begin, count, buffers[1]);
            const double* r = value(result_slot(run)) + begin * lanes;
            const double* g = gradient(result_slot(run)) + begin * lanes;
            const auto add = [&](auto derivative, const Access& access) {
                if (access.no_gradient) return;
                if (is_contiguous(access)) {
                    const auto slot = access.first + static_cast<Slot>(begin);
                    derivative(x, y, r, g, gradient(slot), count * lanes);
                } else {
                    kernels_.arrays->fill(buffers[2], -0.0, count * lanes);
                    derivative(x, y, r, g, buffers[2], count * lanes);
                    scatter(access, begin, count, buffers[2]);
                }
            };
            add(kernel.dx, run.x);
            if (y) add(kernel.dy, run.y);
        }
    }

    // --- dots

    Factor factor(const Access& access) const {
        if (access.is_absent()) return {};
        return {value(access.first),  access.no_gradient ? nullptr : gradient_if_any(access.first),
                access.row_stride,    access.term_stride,
                access.repeat_stride, access.varies};
    }

    DotRows rows(const Run& run) const {
        return {run.count,
                run.terms,
                run.vectors,
                factor(run.x),
                factor(run.y),
                factor(run.addend),
                value(result_slot(run)),
                gradient_if_any(result_slot(run))};
    }

    // A dot with scattered terms: for one sample they are added up here; for lanes the kernels handle each term.

    void forward_gathered(std::uint32_t instruction) const {
        const Dot& d = program_.dots[program_.instructions[instruction].x];
        const Slot *left = program_.left.data() + d.first, *right = program_.right.data() + d.first;
        double* const result = value(program_.first_result() + instruction);
        if constexpr (lanes == 1) {
            double sum = d.addend == no_slot ? 0.0 : *value(d.addend);
            for (std::uint32_t k = 0; k < d.count; ++k) sum += *value(left[k]) * *value(right[k]);
            *result = sum;
        } else {
            Factor sum = factor_at(d.addend);
            for (std::uint32_t k = 0; k < d.count; ++k) {
                dots().forward({1, 1, 1, factor_at(left[k]), factor_at(right[k]), sum, result, nullptr});
                sum = {result, nullptr, 0, 0, 0, true};
            }
        }
    }

    void reverse_gathered(std::uint32_t instruction) const {
        const Dot& d = program_.dots[program_.instructions[instruction].x];
        const Slot *left = program_.left.data() + d.first, *right = program_.right.data() + d.first;
        const Slot result = program_.first_result() + instruction;
        const double* g = gradient(result);
        if constexpr (lanes == 1) {
            for (std::uint32_t k = 0; k < d.count; ++k) {
                *gradient(left[k]) += *g * *value(right[k]);
                *gradient(right[k]) += *g * *value(left[k]);
            }
            if (d.addend != no_slot) *gradient(d.addend) += *g;
        } else {
            Factor addend = factor_at(d.addend);
            for (std::uint32_t k = 0; k < d.count; ++k) {
                dots().reverse({1, 1, 1, factor_at(left[k]), factor_at(right[k]), addend, value(result), g});
                addend = {};
            }
        }
    }
    Factor factor_at(Slot slot) const { return factor(slot == no_slot ? Access{} : access(slot)); }

    const Program& program_;
    const Plan& plan_;
    const Kernels& kernels_;
    const Slot first_varying_;
    const Memory memory_;
};

void Interpreter::forward(Width width, const Memory& memory, std::size_t from, std::size_t to) const {
    const auto go = [&](auto walk) {
        for (std::size_t i = from; i < to; ++i) walk.forward(plan_.runs[i]);
    };
    switch (width) {
        case Width::one: return go(LaneInterpreter<1>(*this, memory));
        case Width::lanes8: return go(LaneInterpreter<8>(*this, memory));
        case Width::lanes32: return go(LaneInterpreter<32>(*this, memory));
        case Width::lanes128: return go(LaneInterpreter<128>(*this, memory));
    }
}

void Interpreter::reverse(Width width, const Memory& memory, std::size_t from, std::size_t to) const {
    const auto go = [&](auto walk) {
        for (std::size_t i = to; i-- > from;) {
            if (plan_.runs[i].active) walk.reverse(plan_.runs[i]);
        }
    };
    switch (width) {
        case Width::one: return go(LaneInterpreter<1>(*this, memory));
        case Width::lanes8: return go(LaneInterpreter<8>(*this, memory));
        case Width::lanes32: return go(LaneInterpreter<32>(*this, memory));
        case Width::lanes128: return go(LaneInterpreter<128>(*this, memory));
    }
}

}  // namespace fastgrad::run
