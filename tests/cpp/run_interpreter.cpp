// The interpreter behind Executable::run(): values, gradients, batches, guards, and runs that are stopped.
#include "ir/builder.hpp"
#include "programs.hpp"
#include "test.hpp"

using namespace fastgrad;
using namespace fastgrad::run;
using namespace fastgrad::test;

namespace {

// tanh(w x + b) * y, and w w, which no input changes.
ir::Program neuron() {
    return parse(R"(
%0 = bound
%1 = bound
%2 = input 0
%3 = input 1
%4 = mul %0, %2
%5 = add %4, %1
%6 = tanh %5
%7 = mul %6, %3
%8 = mul %0, %0
output %7, %8
)");
}

Numbers samples(std::size_t count) {
    Numbers numbers;
    for (std::size_t i = 0; i < count; ++i) numbers.push_back(static_cast<double>(i % 23) / 8.0 - 1.0);
    return numbers;
}

// -(-(-x...)), whose gradient is 1 if it is even.
ir::Program chain(std::size_t length) {
    ir::Builder builder;
    auto slot = builder.input();
    for (std::size_t i = 0; i < length; ++i) slot = builder.append({ir::Opcode::neg, slot, 0});
    builder.program().outputs = {slot};
    return builder.finish(0);
}

int questions = 0;
bool asked() {
    ++questions;
    return true;
}

// How a run ends if it is to stop as soon as it asks.
Outcome::Kind stopped(const ir::Program& program, std::size_t batch) {
    questions = 0;
    return compute(program, {.inputs = Numbers(batch, 1.0), .batch = batch, .stops = asked}).outcome.kind;
}

}  // namespace

TEST("one sample: outputs, and the gradients of their sum") {
    const Computed computed = compute(neuron(), {.bound = {2.0, 1.0}, .inputs = {-0.5, 3.0}});
    CHECK(computed.outcome.kind == Outcome::done);
    CHECK_EQUAL(computed.outputs, (Numbers{0.0, 4.0}));
    CHECK_EQUAL(computed.input_gradients, (Numbers{2.0 * 3.0, 0.0}));
    CHECK_EQUAL(computed.bound_gradients, (Numbers{-0.5 * 3.0 + 2.0 * 2.0, 3.0}));
}

TEST("cotangents weigh the outputs") {
    const Computed computed =
        compute(neuron(), {.bound = {2.0, 1.0}, .inputs = {-0.5, 3.0}, .cotangents = {10.0, 100.0}});
    CHECK_EQUAL(computed.input_gradients, (Numbers{10.0 * 6.0, 0.0}));
    CHECK_EQUAL(computed.bound_gradients, (Numbers{10.0 * -1.5 + 100.0 * 4.0, 10.0 * 3.0}));
}

TEST("outputs alone can be computed, and inputs be given by columns") {
    const auto executable = compiled(neuron());
    const double bound[] = {2.0, 1.0}, x[] = {-0.5, 99.0, 0.5}, y = 3.0;
    const Column columns[] = {{x, 2}, {&y, 0}};
    Numbers outputs(4);
    const Batch batch{.bound = bound, .columns = columns, .batch = 2, .outputs = outputs.data()};
    CHECK(executable->run(batch, [] { return false; }).kind == Outcome::done);
    CHECK_EQUAL(outputs, (Numbers{0.0, 4.0, std::tanh(2.0) * 3.0, 4.0}));
}

TEST("a program without inputs runs") {
    const Computed computed = compute(parse("%0 = bound\n%1 = mul %0, %0\noutput %1"), {.bound = {3.0}});
    CHECK_EQUAL(computed.outputs, Numbers{9.0});
    CHECK_EQUAL(computed.bound_gradients, Numbers{6.0});
}

TEST("a row of a batch of any size is that sample run alone; bound gradients add up") {
    const auto executable = compiled(neuron());
    for (const std::size_t batch : {2, 7, 8, 9, 33, 169}) {
        const Numbers inputs = samples(2 * batch);
        const Computed together = compute(*executable, {.bound = {0.5, -0.25}, .inputs = inputs, .batch = batch});
        Computed alone{{}, {}, {}, Numbers(2)};
        for (std::size_t i = 0; i < batch; ++i) {
            const Computed one =
                compute(*executable, {.bound = {0.5, -0.25}, .inputs = {inputs[2 * i], inputs[2 * i + 1]}});
            alone.outputs.insert(alone.outputs.end(), one.outputs.begin(), one.outputs.end());
            alone.input_gradients.insert(alone.input_gradients.end(), one.input_gradients.begin(),
                                         one.input_gradients.end());
            for (std::size_t k = 0; k < 2; ++k) alone.bound_gradients[k] += one.bound_gradients[k];
        }
        CHECK_EQUAL(together.outputs, alone.outputs);
        CHECK_EQUAL(together.input_gradients, alone.input_gradients);
        CHECK(is_close(together.bound_gradients, alone.bound_gradients));
    }
}

TEST("threads change no bit") {
    const auto executable = compiled(neuron(), {"gather_dots", "reroll"});
    Call call{.bound = {0.5, -0.25}, .inputs = samples(2000), .batch = 1000};
    const Computed one = compute(*executable, call);
    for (call.threads = 2; call.threads <= 5; ++call.threads) {
        const Computed several = compute(*executable, call);
        CHECK_EQUAL(several.outputs, one.outputs);
        CHECK_EQUAL(several.input_gradients, one.input_gradients);
        CHECK_EQUAL(several.bound_gradients, one.bound_gradients);
    }
}

TEST("a run leaves nothing behind for the next") {
    const auto executable = compiled(neuron());
    const Call call{.bound = {0.5, -0.25}, .inputs = samples(18), .batch = 9};
    const Computed first = compute(*executable, call);
    compute(*executable, {.bound = {1e300, 1e300}, .inputs = Numbers(18, std::nan("")), .batch = 9});
    const Computed again = compute(*executable, call);
    CHECK_EQUAL(again.outputs, first.outputs);
    CHECK_EQUAL(again.bound_gradients, first.bound_gradients);
}

// --- guards

TEST("a guard that fails names the first such sample, and its first such guard, for any number of threads") {
    const auto executable = compiled(parse(R"(
%0 = constant 10.0
%1 = input 0
%2 = less %1, %0
output %1
guard %1 is true
guard %2 is true
)"));
    Numbers inputs(1000, 1.0);
    inputs[700] = 0.0;   // against the first guard
    inputs[300] = 20.0;  // against the second
    for (const unsigned threads : {1u, 4u}) {
        const Outcome outcome = compute(*executable, {.inputs = inputs, .batch = 1000, .threads = threads}).outcome;
        CHECK(outcome.kind == Outcome::guard_failed);
        CHECK_EQUAL(outcome.row, 300u);
        CHECK_EQUAL(outcome.guard, 1u);
    }
    inputs[300] = 2.0;
    const Outcome outcome = compute(*executable, {.inputs = inputs, .batch = 1000}).outcome;
    CHECK_EQUAL(outcome.row, 700u);
    CHECK_EQUAL(outcome.guard, 0u);
    inputs[700] = -1.0;
    CHECK(compute(*executable, {.inputs = inputs, .batch = 1000}).outcome.kind == Outcome::done);
}

TEST("a condition is true unless it is 0, of either sign; nan is true") {
    const ir::Program program = parse("%0 = input 0\noutput %0\nguard %0 is true");
    CHECK(compute(program, {.inputs = {0.0}}).outcome.kind == Outcome::guard_failed);
    CHECK(compute(program, {.inputs = {-0.0}}).outcome.kind == Outcome::guard_failed);
    CHECK(compute(program, {.inputs = {-1e-310}}).outcome.kind == Outcome::done);
    CHECK(compute(program, {.inputs = {std::nan("")}}).outcome.kind == Outcome::done);
}

TEST("a guard may expect false") {
    const ir::Program program = parse("%0 = input 0\noutput %0\nguard %0 is false");
    CHECK(compute(program, {.inputs = {0.0}}).outcome.kind == Outcome::done);
    CHECK(compute(program, {.inputs = {1.0}}).outcome.kind == Outcome::guard_failed);
}

// --- stopping

TEST("a run that takes no time does not ask whether it is to stop") {
    CHECK(stopped(chain(10), 100) == Outcome::done);
    CHECK_EQUAL(questions, 0);
}

TEST("a long batch is stopped between its blocks of samples") {
    const ir::Program program = chain(1 << 12);
    CHECK(stopped(program, 1 << 11) == Outcome::stopped);
    CHECK_EQUAL(questions, 1);
}

TEST("samples that run one by one are stopped between them") {
    CHECK(stopped(chain(1 << 20), 5) == Outcome::stopped);
}

TEST("one long sample is stopped between its runs, before its output is written") {
    const Computed computed = compute(chain(5 << 20), {.inputs = {1.0}, .stops = asked});
    CHECK(computed.outcome.kind == Outcome::stopped);
    CHECK_EQUAL(computed.outputs, Numbers{0.0});
}

TEST("a run that was stopped leaves nothing behind for the next") {
    const auto executable = compiled(chain(1 << 12));
    const Call call{.inputs = samples(1 << 11), .batch = 1 << 11};
    Call stopping = call;
    stopping.stops = asked;
    CHECK(compute(*executable, stopping).outcome.kind == Outcome::stopped);
    const Computed computed = compute(*executable, call);
    CHECK(computed.outcome.kind == Outcome::done);
    CHECK_EQUAL(computed.outputs, call.inputs);
    CHECK_EQUAL(computed.input_gradients, Numbers(1 << 11, 1.0));
}
