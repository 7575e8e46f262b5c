// The builder: a program made instruction by instruction, before its numbers of leaves and constants are known.
#include "ir/builder.hpp"
#include "ir/verify.hpp"
#include "programs.hpp"
#include "test.hpp"

using namespace fastgrad;
using namespace fastgrad::ir;
using namespace fastgrad::test;

TEST("finishing puts bound leaves first, then constants, then instructions") {
    Builder builder;
    const auto x = builder.input();
    const auto product = builder.append({Opcode::mul, x, Builder::bound(1)});
    const auto sum = builder.append({Opcode::add, product, builder.constant(2.5)});
    builder.program().outputs = {builder.append({Opcode::exp, sum, 0})};
    const Program program = builder.finish(2);
    CHECK_EQUAL(text_of(program), R"(
%0 = bound
%1 = bound
%2 = constant 2.5
%3 = input 0
%4 = mul %3, %1
%5 = add %4, %2
%6 = exp %5
output %6
)");
    CHECK_EQUAL(error_in(program), "");
}

TEST("inputs are counted, and bound leaves numbered as in the capture") {
    Builder builder;
    const auto x = builder.input(), y = builder.input();
    builder.program().outputs = {y, x};
    const Program program = builder.finish(3);
    CHECK_EQUAL(program.inputs, 2u);
    CHECK(program.leaves == std::vector<std::uint32_t>{0, 1, 2});
    CHECK(program.outputs == std::vector<Slot>{4, 3});
}

TEST("a dot has the terms that were added last, and an addend or none") {
    Builder builder;
    const auto x = builder.input(), y = builder.input();
    Program& program = builder.program();
    program.left = {x, y};
    program.right = {Builder::bound(0), Builder::bound(1)};
    const auto plain = builder.append_dot(0, no_slot);
    program.left.push_back(plain);
    program.right.push_back(builder.constant(2.0));
    program.outputs = {builder.append_dot(2, x)};
    CHECK_EQUAL(text_of(builder.finish(2)), R"(
%0 = bound
%1 = bound
%2 = constant 2.0
%3 = input 0
%4 = input 1
%5 = dot %3 * %0 + %4 * %1
%6 = dot %5 * %2 + %3
output %6
)");
}

TEST("equal constants share a slot, and are told apart by their bits") {
    Builder builder;
    const auto zero = builder.constant(0.0);
    CHECK_EQUAL(builder.constant(0.0), zero);
    CHECK(builder.constant(-0.0) != zero);
    CHECK_EQUAL(builder.constant(std::nan("")), builder.constant(std::nan("")));
}

TEST("any number of constants keep their numbers") {
    Builder builder;
    for (int i = 0; i < 1000; ++i) builder.program().outputs.push_back(builder.constant(i));
    for (int i = 0; i < 1000; ++i) builder.program().outputs.push_back(builder.constant(i));
    const Program program = builder.finish(0);
    for (std::size_t i = 0; i < 2000; ++i) {
        CHECK_EQUAL(program.constant(program.outputs[i]), static_cast<double>(i % 1000));
    }
}

TEST("guards move with everything else") {
    Builder builder;
    const auto x = builder.input();
    const auto condition = builder.append({Opcode::less, x, builder.constant(0.0)});
    builder.program().outputs = {x};
    builder.program().guards = {{condition, false}};
    CHECK_EQUAL(text_of(builder.finish(0)), R"(
%0 = constant 0.0
%1 = input 0
%2 = less %1, %0
output %1
guard %2 is false
)");
}
