// Every pass of passes.def keeps what its row promises, and every rewrite of rewrites.def is applied. A new row of
// either table is tested here without an edit, unless none of the programs has something for it.
#include <utility>

#include "interrupting.hpp"
#include "ir/verify.hpp"
#include "passes/passes.hpp"
#include "programs.hpp"
#include "test.hpp"

using namespace fastgrad;
using namespace fastgrad::ir;
using namespace fastgrad::test;

namespace {

// Two inputs and two bound leaves each, and something for every pass.
const char* const programs[] = {
    // constants, neutral operands, powers, equal and dead operations, and a guard
    R"(
%0 = bound
%1 = bound
%2 = constant 1.0
%3 = constant 2.0
%4 = constant 0.5
%5 = input 0
%6 = input 1
%7 = mul %2, %3
%8 = mul %5, %2
%9 = pow %8, %3
%10 = pow %9, %4
%11 = exp %0
%12 = mul %11, %10
%13 = exp %0
%14 = mul %10, %13
%15 = tan %6
%16 = sub %12, %7
%17 = add %16, %14
%18 = less %4, %6
output %17, %14
guard %18 is true
)",
    // sums of products, one of which is an operand twice
    R"(
%0 = bound
%1 = bound
%2 = constant 0.0
%3 = input 0
%4 = input 1
%5 = mul %0, %3
%6 = add %5, %2
%7 = mul %1, %4
%8 = add %6, %7
%9 = add %8, %0
%10 = tanh %9
%11 = mul %10, %10
%12 = add %11, %3
output %12
)",
    // an input that nothing needs, an output that is an input, and one that no input changes
    R"(
%0 = bound
%1 = bound
%2 = input 0
%3 = input 1
%4 = mul %0, %1
%5 = sin %4
output %5, %3, %0
)",
    // what can be lined up in loops
    R"(
%0 = bound
%1 = bound
%2 = input 0
%3 = input 1
%4 = exp %2
%5 = mul %4, %0
%6 = exp %3
%7 = mul %6, %1
%8 = exp %5
%9 = exp %7
%10 = dot %8 * %2 + %9 * %3 + %4
%11 = dot %8 * %3 + %9 * %2 + %6
output %10, %11
)",
};

// Eight samples side by side, and one alone.
constexpr std::size_t batch = 9;
const Call call{.bound = {0.75, -1.25},
                .inputs = {0.6, 1.1, 0.9, 0.8, 1.3, 0.7, 1.0, 1.2, 0.7, 0.9, 1.4, 0.6, 0.8, 1.0, 1.1, 1.3, 0.9, 0.8},
                .batch = batch};

// A pass as compile() runs it, so that choices of plan and kernels are tried too.
void check_keeps(const passes::Pass& pass, const Program& program) {
    const Computed before = compute(program, call);
    const auto executable = compiled(program, {std::string(pass.name)});
    CHECK_EQUAL(error_in(executable->program()), "");
    const Computed after = compute(*executable, call);
    CHECK(after.outcome.kind == before.outcome.kind);
    CHECK(is_close(after.outputs, before.outputs));
    CHECK(is_close(after.input_gradients, before.input_gradients));
    CHECK(is_close(after.bound_gradients, before.bound_gradients));
    if (pass.keeps <= Keeps::values) CHECK_EQUAL(after.outputs, before.outputs);
    if (pass.keeps == Keeps::bits) {
        CHECK_EQUAL(after.input_gradients, before.input_gradients);
        CHECK_EQUAL(after.bound_gradients, before.bound_gradients);
    }
}

// The operation of a rule on x, as a program.
Program of_rule(const Rewrite::Row& row) {
    Program program;
    program.inputs = 1;
    const auto is_number = [](const RuleOperand& operand) { return operand.kind == RuleOperand::number; };
    if (is_number(row.x)) program.constants.push_back(row.x.value);
    if (is_number(row.y)) program.constants.push_back(row.y.value);
    const Slot input = program.first_result();
    Slot constant = 0;
    const auto slot = [&](const RuleOperand& operand) {
        return operand.kind == RuleOperand::absent ? 0 : is_number(operand) ? constant++ : input;
    };
    const Slot x = slot(row.x), y = slot(row.y);
    program.instructions = {{Opcode::input, 0, 0}, {opcode_of(row.op), x, y}};
    program.outputs = {input + 1};
    return program;
}

}  // namespace

TEST("every pass keeps values and gradients as its row promises") {
    for (const passes::Pass& pass : passes::table()) {
        for (const char* text : programs) check_keeps(pass, parse(text));
    }
}

TEST("all passes together keep values and gradients up to rounding") {
    std::vector<std::string> all;
    for (const passes::Pass& pass : passes::table()) all.emplace_back(pass.name);
    for (const char* text : programs) {
        const Computed before = compute(parse(text), call), after = compute(*compiled(parse(text), all), call);
        CHECK(is_close(after.outputs, before.outputs));
        CHECK(is_close(after.input_gradients, before.input_gradients));
        CHECK(is_close(after.bound_gradients, before.bound_gradients));
    }
}

TEST("every pass but a choice of kernels changes one of the programs") {
    for (const passes::Pass& pass : passes::table()) {
        bool changes = false;
        for (const char* text : programs) {
            Program program = parse(text);
            passes::Selection(std::vector{std::string(pass.name)}).run(program);
            changes |= text_of(program) != text_of(parse(text));
        }
        CHECK_EQUAL(std::string(changes ? "" : pass.name), pass.run ? "" : std::string(pass.name));
    }
}

TEST("passes run in the order of the table, whatever the order of their names; unknown names are passed over") {
    Program program = parse("%0 = constant 2.0\n%1 = input 0\n%2 = pow %1, %0\n%3 = mul %1, %1\noutput %2, %3\n");
    passes::Selection(std::vector<std::string>{"cse", "one of tomorrow", "strength_reduction"}).run(program);
    CHECK_EQUAL(text_of(program), R"(
%0 = constant 2.0
%1 = input 0
%2 = mul %1, %1
output %2, %2
)");
}

TEST("Ctrl-C ends every pass") {
    const Program program = parse("%0 = input 0\n%1 = exp %0\noutput %1");
    const Interrupting interrupting;
    for (const passes::Pass& pass : passes::table()) {
        if (!pass.run) continue;
        Program changed = program;
        CHECK_THROWS(Interrupted, pass.run(changed));
    }
}

TEST("every rewrite that keeps bits is one of fold's, every other one of strength_reduction's") {
    for (const Rewrite& rule : rewrites()) {
        const bool keeps_bits = rule.keeps == Keeps::bits;
        const std::pair<void (*)(Program&), bool> expected[] = {{passes::fold, keeps_bits},
                                                                {passes::strength_reduction, !keeps_bits}};
        for (const auto& [run, applies] : expected) {
            const Program before = of_rule(rule.pattern);
            Program after = before;
            run(after);
            CHECK_EQUAL(error_in(after), "");
            CHECK_EQUAL(text_of(after) != text_of(before), applies);
            const Numbers x{0.75};
            CHECK(is_close(compute(after, {.inputs = x}).outputs, compute(before, {.inputs = x}).outputs));
            CHECK(is_close(compute(after, {.inputs = x}).input_gradients,
                           compute(before, {.inputs = x}).input_gradients));
        }
    }
}
