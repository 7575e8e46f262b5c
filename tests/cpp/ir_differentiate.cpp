// Differentiation: the program of a program's gradients, against gradients by hand and against the interpreter's.
#include "interrupting.hpp"
#include "ir/differentiate.hpp"
#include "ir/verify.hpp"
#include "programs.hpp"
#include "test.hpp"

using namespace fastgrad;
using namespace fastgrad::ir;
using namespace fastgrad::test;

namespace {

constexpr Wanted all_gradients{.bound_gradients = true};

struct ByHand {
    const char* program;
    Numbers bound, inputs;
    Numbers gradients;  // of the inputs, then of the bound leaves
};

const ByHand by_hand[] = {
    // x, which is an output itself
    {"%0 = input 0\noutput %0", {}, {5.0}, {1.0}},
    // x, of an output that does not depend on it
    {"%0 = constant 3.0\n%1 = input 0\noutput %0", {}, {5.0}, {0.0}},
    // w x
    {"%0 = bound\n%1 = input 0\n%2 = mul %0, %1\noutput %2", {3.0}, {5.0}, {3.0, 5.0}},
    // x x + x
    {"%0 = input 0\n%1 = mul %0, %0\n%2 = add %1, %0\noutput %2", {}, {5.0}, {11.0}},
    // x / y
    {"%0 = input 0\n%1 = input 1\n%2 = div %0, %1\noutput %2", {}, {3.0, 2.0}, {0.5, -0.75}},
    // x ** 3
    {"%0 = constant 3.0\n%1 = input 0\n%2 = pow %1, %0\noutput %2", {}, {2.0}, {12.0}},
    // exp(2 x)
    {"%0 = constant 2.0\n%1 = input 0\n%2 = mul %0, %1\n%3 = exp %2\noutput %3", {}, {0.0}, {2.0}},
    // relu(-x)
    {"%0 = input 0\n%1 = neg %0\n%2 = relu %1\noutput %2", {}, {3.0}, {0.0}},
    {"%0 = input 0\n%1 = neg %0\n%2 = relu %1\noutput %2", {}, {-3.0}, {-1.0}},
    // floor(x) y
    {"%0 = input 0\n%1 = input 1\n%2 = floor %0\n%3 = mul %2, %1\noutput %3", {}, {2.5, 7.0}, {0.0, 2.0}},
    // w x + b y + 2 x + y, as one sum of products
    {"%0 = bound\n%1 = bound\n%2 = constant 2.0\n%3 = input 0\n%4 = input 1\n"
     "%5 = dot %0 * %3 + %1 * %4 + %2 * %3 + %4\noutput %5",
     {3.0, 5.0},
     {7.0, 11.0},
     {5.0, 6.0, 7.0, 11.0}},
    // the inputs in another order
    {"%0 = input 1\n%1 = input 0\n%2 = sub %0, %1\noutput %2", {}, {3.0, 5.0}, {-1.0, 1.0}},
};

Program of_row(const Operation& row) {
    return parse("%0 = input 0\n%1 = input 1\n%2 = " + std::string(row.name) + (row.arity == 1 ? " %0" : " %0, %1") +
                 "\noutput %2\n");
}

// The interpreter may give -0.0, a gradient program does not.
Numbers without_negative_zeros(Numbers numbers) {
    for (double& number : numbers) number += 0.0;
    return numbers;
}

}  // namespace

TEST("gradients are those by hand") {
    for (const ByHand& row : by_hand) {
        const Program gradient = differentiate(parse(row.program), all_gradients);
        CHECK_EQUAL(error_in(gradient), "");
        const Computed computed = compute(gradient, {.bound = row.bound, .inputs = row.inputs});
        CHECK_EQUAL(computed.outputs, row.gradients);
    }
}

TEST("the gradient of every operation has the bits of the interpreter's") {
    for (const Operation& row : operations()) {
        const Program program = of_row(row), gradient = differentiate(program);
        for (const Numbers& inputs : {Numbers{0.3, 0.7}, {1.5, 2.5}, {-0.4, 1.0}, {0.0, -0.0}, {2.0, 2.0}}) {
            const Numbers expected = compute(program, {.inputs = inputs}).input_gradients;
            const Numbers found = compute(gradient, {.inputs = inputs}).outputs;
            CHECK_EQUAL(found, without_negative_zeros(expected));
        }
    }
}

TEST("a gradient program has the program's instructions, then the reverse; dce drops what is not wanted") {
    CHECK_EQUAL(text_of(differentiate(parse("%0 = bound\n%1 = input 0\n%2 = mul %0, %1\n%3 = sin %2\noutput %3"))),
                R"(
%0 = bound
%1 = constant 0.0
%2 = input 0
%3 = mul %0, %2
%4 = sin %3
%5 = cos %3
%6 = mul %5, %2
%7 = mul %5, %0
%8 = add %7, %1
output %8
)");
}

TEST("the values are wanted or not, and come first") {
    const Program program = parse("%0 = bound\n%1 = input 0\n%2 = mul %0, %1\noutput %2");
    const Call call{.bound = {3.0}, .inputs = {5.0}};
    CHECK_EQUAL(compute(differentiate(program, {.outputs = true}), call).outputs, (Numbers{15.0, 3.0}));
    const Wanted only_bound{.input_gradients = false, .bound_gradients = true};
    CHECK_EQUAL(compute(differentiate(program, only_bound), call).outputs, Numbers{5.0});
}

TEST("several outputs have a cotangent each, behind the inputs") {
    const Program gradient = differentiate(parse("%0 = input 0\n%1 = mul %0, %0\n%2 = neg %0\noutput %1, %2, %0"));
    CHECK_EQUAL(gradient.inputs, 4u);
    const Call call{.inputs = {5.0, 100.0, 10.0, 1.0}};
    CHECK_EQUAL(compute(gradient, call).outputs, Numbers{1000.0 - 10.0 + 1.0});
}

TEST("a gradient can be differentiated again") {
    const Program cube = parse("%0 = input 0\n%1 = mul %0, %0\n%2 = mul %1, %0\noutput %2");
    const Program first = differentiate(cube), second = differentiate(first), third = differentiate(second);
    const Call call{.inputs = {5.0}};
    CHECK_EQUAL(compute(first, call).outputs, Numbers{75.0});
    CHECK_EQUAL(compute(second, call).outputs, Numbers{30.0});
    CHECK_EQUAL(compute(third, call).outputs, Numbers{6.0});
}

TEST("guards and bound leaves are those of the program") {
    Program program = parse("%0 = bound\n%1 = bound\n%2 = input 0\n%3 = less %2, %0\noutput %2\nguard %3 is true");
    program.leaves = {1, 0};  // as a pass may leave them
    const Program gradient = differentiate(program);
    CHECK(gradient.leaves == program.leaves);
    const Call call{.bound = {100.0, 4.0}, .inputs = {3.0, 5.0}, .batch = 2};
    const run::Outcome outcome = compute(gradient, call).outcome;
    CHECK(outcome.kind == run::Outcome::guard_failed);
    CHECK_EQUAL(outcome.row, 1u);
}

TEST("Ctrl-C ends the differentiation") {
    const Program program = parse("%0 = input 0\noutput %0");
    const Interrupting interrupting;
    CHECK_THROWS(Interrupted, differentiate(program));
}
