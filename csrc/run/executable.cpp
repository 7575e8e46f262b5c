#include "run/executable.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "run/interpreter.hpp"
#include "run/numbers.hpp"
#include "run/workers.hpp"

namespace fastgrad::run {

namespace {

// A batch is cut into the same shards for any number of threads, and their sums are added in order.
constexpr std::size_t smallest_shard = 256, most_shards = 64;
// A larger working set does not stay in the second-level cache.
constexpr std::size_t cache_bytes = 512 << 10;
// Idle workspaces that a graph keeps for later runs.
constexpr std::size_t most_idle = 16;

// Work between two readings of the clock: some milliseconds. Longer walks are cut.
constexpr std::size_t instructions_a_look = std::size_t{1} << 22, instructions_a_walk = std::size_t{1} << 20;
constexpr std::chrono::milliseconds between_questions{50};

// Adding to -0.0 gives the addend, to the last bit, so the first contribution to a gradient is in effect stored.
constexpr double nothing = -0.0;

}  // namespace

// A workspace leased for the lifetime of this object.
class Executable::LeasedWorkspace {
 public:
    explicit LeasedWorkspace(const Executable& executable) : executable_(executable) {
        {
            const std::lock_guard lock(executable.mutex_);
            if (!executable.idle_.empty()) {
                workspace_ = std::move(executable.idle_.back());
                executable.idle_.pop_back();
            }
        }
        if (!workspace_) workspace_ = std::make_unique<Workspace>(executable.program_);
    }
    ~LeasedWorkspace() {
        if (!workspace_) return;
        const std::lock_guard lock(executable_.mutex_);
        if (executable_.idle_.size() < most_idle) executable_.idle_.push_back(std::move(workspace_));
    }
    LeasedWorkspace(LeasedWorkspace&&) = default;
    Workspace& operator*() const { return *workspace_; }
    Workspace* operator->() const { return workspace_.get(); }

 private:
    const Executable& executable_;
    std::unique_ptr<Workspace> workspace_;
};

// Whether a run should stop: one thread asks, and all see the answer.
class Executable::InterruptPoll {
 public:
    explicit InterruptPoll(Stops stops) : stops_(stops) {}

    bool stopped() const { return stopped_.load(std::memory_order_relaxed); }

    // How much work one thread has done since it last read the clock.
    class Counter {
     public:
        explicit Counter(InterruptPoll& pace) : poll_(pace) {}
        bool stops_after(std::size_t instructions) {
            done_ += instructions;
            if (done_ < instructions_a_look) return false;
            done_ = 0;
            return poll_.stops();
        }

     private:
        InterruptPoll& poll_;
        std::size_t done_ = 0;
    };

    bool stops() {
        const auto now = std::chrono::steady_clock::now();
        if (std::this_thread::get_id() == caller_ && now - last_question_ >= between_questions && !stopped()) {
            last_question_ = now;
            if (stops_()) stopped_ = true;
        }
        return stopped();
    }

 private:
    const Stops stops_;
    const std::thread::id caller_ = std::this_thread::get_id();
    std::chrono::steady_clock::time_point last_question_;  // by the calling thread; unset before the first
    std::atomic<bool> stopped_ = false;
};

// One call, shared by all its threads.
class Executable::BatchRun {
 public:
    BatchRun(const Executable& executable, const Batch& batch, Stops stops)
        : poll_(stops),
          executable_(executable),
          program_(executable.program_),
          batch_(batch),
          first_varying_(executable.first_varying_),
          first_varying_run_(executable.plan_.first_varying_run),
          arrays_(*executable.kernels_.arrays),
          wants_gradients_(batch.cotangents != nullptr) {}

    // Runs one sample forwards, and backwards if gradients are wanted; gradients of what does not vary add up in the
    // workspace. False if the run should stop or a guard failed.
    bool sample(Workspace& workspace, std::size_t row, InterruptPoll::Counter& counter) {
        double* values = workspace.values();
        for (std::uint32_t i = 0; i < program_.inputs; ++i) {
            const auto [first, stride] = column(i);
            values[executable_.input_slots_[i]] = first[row * stride];
        }
        const Memory memory = workspace.single();
        if (!forward(Width::one, memory, counter)) return false;
        const auto number_at = [values](Slot slot) { return values[slot]; };
        if (!program_.guards.empty() && !has_answers(row, number_at)) return false;
        const std::size_t outputs = program_.outputs.size();
        for (std::size_t i = 0; i < outputs; ++i) batch_.outputs[row * outputs + i] = values[program_.outputs[i]];
        if (!wants_gradients_) return true;
        double* gradients = workspace.gradients();
        if (executable_.plan_.stores_first) {
            for (const Slot slot : program_.outputs) {
                if (slot >= first_varying_) gradients[slot] = nothing;  // the others add up over the samples
            }
            for (const Slot slot : executable_.input_slots_) gradients[slot] = nothing;
        } else {
            arrays_.fill(gradients + first_varying_, nothing, workspace.slots - first_varying_);
        }
        for (std::size_t i = 0; i < program_.outputs.size(); ++i) {
            gradients[program_.outputs[i]] += cotangent(row, i);
        }
        if (!reverse(Width::one, memory, counter)) return false;
        if (!batch_.input_gradients) return true;
        for (std::uint32_t i = 0; i < program_.inputs; ++i) {
            batch_.input_gradients[row * program_.inputs + i] = gradients[executable_.input_slots_[i]];
        }
        return true;
    }

    bool lanes(Workspace& workspace, Width width, std::size_t row, InterruptPoll::Counter& counter) {
        const std::size_t lanes = lanes_of(width), inputs = program_.inputs, outputs = program_.outputs.size();
        const Memory memory = workspace.lanes();
        for (std::size_t i = 0; i < inputs; ++i) {
            double* to = memory.varying + (executable_.input_slots_[i] - first_varying_) * lanes;
            const auto [first, stride] = column(i);
            const double* from = first + row * stride;
            for (std::size_t l = 0; l < lanes; ++l) to[l] = from[l * stride];
        }
        if (!forward(width, memory, counter)) return false;
        for (std::size_t l = 0; !program_.guards.empty() && l < lanes; ++l) {
            const auto number_at = [&](Slot slot) {
                return slot < first_varying_ ? memory.fixed[slot]
                                             : memory.varying[(slot - first_varying_) * lanes + l];
            };
            if (!has_answers(row + l, number_at)) return false;
        }
        for (std::size_t i = 0; i < outputs; ++i) {
            const Slot slot = program_.outputs[i];
            double* to = batch_.outputs + row * outputs + i;
            for (std::size_t l = 0; l < lanes; ++l) {
                to[l * outputs] =
                    slot < first_varying_ ? memory.fixed[slot] : memory.varying[(slot - first_varying_) * lanes + l];
            }
        }
        if (!wants_gradients_) return true;
        arrays_.fill(memory.varying_gradients, nothing, (workspace.slots - first_varying_) * lanes);
        for (std::size_t i = 0; i < program_.outputs.size(); ++i) {
            const Slot slot = program_.outputs[i];
            for (std::size_t l = 0; l < lanes; ++l) {
                if (slot < first_varying_) {
                    memory.fixed_gradients[slot * lane_count + l % lane_count] += cotangent(row + l, i);
                } else {
                    memory.varying_gradients[(slot - first_varying_) * lanes + l] += cotangent(row + l, i);
                }
            }
        }
        if (!reverse(width, memory, counter)) return false;
        if (!batch_.input_gradients) return true;
        for (std::size_t i = 0; i < inputs; ++i) {
            const double* from = memory.varying_gradients + (executable_.input_slots_[i] - first_varying_) * lanes;
            double* to = batch_.input_gradients + row * inputs + i;
            for (std::size_t l = 0; l < lanes; ++l) to[l * inputs] = from[l];
        }
        return true;
    }

    // Runs the rows [from, to) in blocks as wide as they fit; gradients of what does not vary go to `sums`. They are
    // incomplete if the run should stop or a guard failed.
    void shard(Workspace& workspace, Width widest, std::size_t from, std::size_t to, double* sums,
               InterruptPoll::Counter& counter) {
        if (wants_gradients_) {
            arrays_.fill(workspace.gradients(), nothing, first_varying_);
            arrays_.fill(workspace.partial_sums(), nothing, first_varying_ * lane_count);
        }
        const std::size_t instructions = program_.instructions.size();
        std::size_t row = from;
        for (const Width width : {Width::lanes128, Width::lanes32, Width::lanes8}) {
            if (width > widest) continue;
            for (; row + lanes_of(width) <= to; row += lanes_of(width)) {
                if (!lanes(workspace, width, row, counter)) return;
                if (counter.stops_after(instructions * lanes_of(width))) return;
            }
        }
        for (; row < to; ++row) {
            if (!sample(workspace, row, counter) || counter.stops_after(instructions)) return;
        }
        if (!wants_gradients_) return;
        std::copy_n(workspace.gradients(), first_varying_, sums);
        arrays_.add_partial_sums(sums, workspace.partial_sums(), first_varying_);
    }

    bool run() {
        LeasedWorkspace first(executable_);
        InterruptPoll::Counter counter(poll_);
        prepare(*first, Width::one);
        std::copy_n(batch_.bound, program_.bound(), first->values());
        const Memory memory = first->single();
        if (!forward(Width::one, memory, counter, 0, first_varying_run_)) return false;
        const Width widest = widest_lanes();
        if (widest == Width::one) {
            if (wants_gradients_) arrays_.fill(first->gradients(), nothing, first_varying_);
            const std::size_t instructions = program_.instructions.size();
            for (std::size_t row = 0; row < batch_.batch; ++row) {
                if (!sample(*first, row, counter) || counter.stops_after(instructions)) return false;
            }
        } else {
            run_shards(*first, widest);
            if (poll_.stopped() || failed_row_ != no_row) return false;
        }
        if (!wants_gradients_) return true;
        if (!reverse(Width::one, memory, counter, 0, first_varying_run_)) return false;
        std::copy_n(first->gradients(), program_.bound(), batch_.bound_gradients);
        return true;
    }

    Outcome outcome(bool is_whole) const {
        if (is_whole) return {};
        if (failed_row_ == no_row) return {.kind = Outcome::stopped};
        return {.kind = Outcome::guard_failed, .row = failed_row_ / guards(), .guard = failed_row_ % guards()};
    }

 private:
    static constexpr std::size_t no_row = static_cast<std::size_t>(-1);
    std::size_t guards() const { return program_.guards.size(); }

    // Whether a sample answers the guards as the recording did. Each shard continues to its own first failing sample,
    // so that the first of all is the same for any number of threads.
    template <class NumberAt>
    bool has_answers(std::size_t row, NumberAt number_at) {
        for (std::size_t i = 0; i < guards(); ++i) {
            const Guard& guard = program_.guards[i];
            if ((number_at(guard.condition) != 0.0) == guard.expected) continue;
            const std::size_t failed = row * guards() + i;
            std::size_t first = failed_row_;
            while (failed < first && !failed_row_.compare_exchange_weak(first, failed)) {
            }
            return false;
        }
        return true;
    }

    bool forward(Width width, const Memory& memory, InterruptPoll::Counter& counter) const {
        return forward(width, memory, counter, first_varying_run_, executable_.plan_.runs.size());
    }
    bool forward(Width width, const Memory& memory, InterruptPoll::Counter& counter, std::size_t from,
                 std::size_t to) const {
        if (from == to) return true;  // most programs of one sample have nothing that does not vary
        for (; to - from > executable_.runs_a_walk_; from += executable_.runs_a_walk_) {
            executable_.executor_->forward(width, memory, from, from + executable_.runs_a_walk_);
            if (counter.stops_after(instructions_a_walk * lanes_of(width))) return false;
        }
        executable_.executor_->forward(width, memory, from, to);
        return true;
    }
    bool reverse(Width width, const Memory& memory, InterruptPoll::Counter& counter) const {
        return reverse(width, memory, counter, first_varying_run_, executable_.plan_.runs.size());
    }
    bool reverse(Width width, const Memory& memory, InterruptPoll::Counter& counter, std::size_t from,
                 std::size_t to) const {
        if (from == to) return true;
        for (; to - from > executable_.runs_a_walk_; to -= executable_.runs_a_walk_) {
            executable_.executor_->reverse(width, memory, to - executable_.runs_a_walk_, to);
            if (counter.stops_after(instructions_a_walk * lanes_of(width))) return false;
        }
        executable_.executor_->reverse(width, memory, from, to);
        return true;
    }

    Column column(std::size_t input) const {
        return batch_.columns ? batch_.columns[input] : Column{batch_.inputs + input, program_.inputs};
    }

    double cotangent(std::size_t row, std::size_t output) const {
        return batch_.cotangents[(batch_.one_cotangent_row ? 0 : row) * program_.outputs.size() + output];
    }

    void prepare(Workspace& workspace, Width widest) const {
        if (wants_gradients_) workspace.prepare_gradients();
        if (widest != Width::one) workspace.prepare_lanes(widest);
    }

    Width widest_lanes() const {
        if (batch_.batch < lanes_of(Width::lanes8)) return Width::one;
        const std::size_t bytes_a_lane = (program_.slots() - first_varying_) * 2 * sizeof(double);
        for (const Width width : {Width::lanes128, Width::lanes32}) {
            if (bytes_a_lane * lanes_of(width) <= cache_bytes && batch_.batch >= lanes_of(width)) return width;
        }
        return Width::lanes8;
    }

    void run_shards(Workspace& first, Width widest) {
        const std::size_t least = std::max(smallest_shard, (batch_.batch + most_shards - 1) / most_shards);
        const std::size_t size = (least + 127) / 128 * 128;
        const std::size_t shards = (batch_.batch + size - 1) / size;
        Numbers sums(wants_gradients_ ? shards * first_varying_ : 0);

        const auto threads = static_cast<unsigned>(std::min<std::size_t>(batch_.threads, shards));
        std::vector<LeasedWorkspace> others;
        for (unsigned i = 1; i < threads; ++i) {
            others.emplace_back(executable_);
            prepare(*others.back(), widest);
            std::copy_n(first.values(), first_varying_, others.back()->values());
        }
        prepare(first, widest);

        std::atomic<std::size_t> next_shard = 0;
        std::atomic<std::size_t> next_workspace = 0;
        const auto work = [&] {
            const std::size_t mine = next_workspace++;
            Workspace& workspace = mine == 0 ? first : *others[mine - 1];
            InterruptPoll::Counter counter(poll_);
            for (std::size_t i = next_shard++; i < shards && !poll_.stopped(); i = next_shard++) {
                shard(workspace, widest, i * size, std::min(batch_.batch, (i + 1) * size),
                      sums.data() + i * first_varying_, counter);
            }
        };
        run_in_parallel(threads - 1, work, [this] { poll_.stops(); });
        if (!wants_gradients_) return;
        double* gradients = first.gradients();
        std::copy_n(sums.data(), first_varying_, gradients);
        for (std::size_t i = 1; i < shards; ++i) {
            arrays_.add(gradients, sums.data() + i * first_varying_, first_varying_);
        }
    }

    InterruptPoll poll_;
    const Executable& executable_;
    const Program& program_;
    const Batch& batch_;
    const std::size_t first_varying_, first_varying_run_;
    const ArrayKernels& arrays_;
    const bool wants_gradients_;
    std::atomic<std::size_t> failed_row_ = no_row;  // times the number of guards, plus the guard
};

Executable::Executable(Program program, bool loops, const Kernels& kernels)
    : program_(std::move(program)),
      plan_(make_plan(program_, loops)),
      kernels_(kernels),
      first_varying_(program_.first_varying()),
      executor_(std::make_unique<Interpreter>(program_, plan_, kernels_)),
      runs_a_walk_(std::max<std::size_t>(
          1, static_cast<std::size_t>(static_cast<double>(plan_.runs.size()) * instructions_a_walk /
                                      static_cast<double>(std::max<std::size_t>(1, program_.instructions.size()))))),
      input_slots_(program_.inputs) {
    idle_.reserve(most_idle);  // returning a workspace must not throw
    Slot slot = program_.first_result();
    for (const Instruction& instruction : program_.instructions) {
        if (instruction.op == Opcode::input) input_slots_[instruction.x] = slot;
        ++slot;
    }
}

Outcome Executable::run(const Batch& batch, Stops stops) const {
    BatchRun run(*this, batch, stops);
    const bool is_whole = run.run();
    return run.outcome(is_whole);
}

std::size_t Executable::bytes() const { return program_.bytes() + plan_.runs.capacity() * sizeof(Run); }

}  // namespace fastgrad::run
