// The verifier: each way in which a program can be wrong, as one change of a program that is right.
#include "interrupting.hpp"
#include "ir/verify.hpp"
#include "programs.hpp"
#include "test.hpp"

using namespace fastgrad;
using namespace fastgrad::ir;
using namespace fastgrad::test;

namespace {

// Slots 0 and 1 are bound, 2 is a constant, 3 and 4 are inputs; 5 to 7 are computed.
Program valid() {
    return parse(R"(
%0 = bound
%1 = bound
%2 = constant 2.0
%3 = input 0
%4 = input 1
%5 = dot %0 * %3 + %1 * %4 + %2
%6 = exp %5
%7 = sub %6, %3
output %7
guard %6 is true
)");
}

struct Fault {
    const char* error;
    void (*make)(Program&);
};

constexpr Opcode unknown = static_cast<Opcode>(static_cast<int>(Opcode::dot) - 1);

const Fault faults[] = {
    {"an operation is unknown", [](Program& p) { p.instructions[3].op = unknown; }},
    {"an operation is unknown", [](Program& p) { p.instructions[3].op = opcode_of(Op::custom); }},
    {"an operation has an operand that it does not take", [](Program& p) { p.instructions[3].y = 1; }},
    {"something is used before it is computed", [](Program& p) { p.instructions[4].x = 7; }},
    {"something is used before it is computed", [](Program& p) { p.instructions[4].y = no_slot; }},
    {"something is used before it is computed", [](Program& p) { p.left[1] = 5; }},
    {"something is used before it is computed", [](Program& p) { p.dots[0].addend = 6; }},
    {"something is used before it is computed", [](Program& p) { p.outputs[0] = 8; }},
    {"something is used before it is computed", [](Program& p) { p.guards[0].condition = 8; }},
    {"it has no output", [](Program& p) { p.outputs.clear(); }},
    {"an input is there twice, or not counted", [](Program& p) { p.instructions[1].x = 0; }},
    {"an input is there twice, or not counted", [](Program& p) { p.inputs = 1; }},
    {"an input is missing", [](Program& p) { p.inputs = 3; }},
    {"an input is missing", [](Program& p) { p.inputs = 0xffffffff; }},
    {"an input has an operand", [](Program& p) { p.instructions[0].y = 1; }},
    {"a sum is missing", [](Program& p) { p.instructions[2].x = 1; }},
    {"a sum is missing", [](Program& p) { p.right.pop_back(); }},
    {"a sum has no terms", [](Program& p) { p.dots[0].count = 0; }},
    {"a sum's terms are missing", [](Program& p) { p.dots[0].count = 3; }},
    {"a sum's terms are missing", [](Program& p) { p.dots[0].first = 1; }},
    {"a sum's terms are missing", [](Program& p) { p.dots[0].first = ~std::uint64_t{0}; }},
    {"a sum's terms are missing", [](Program& p) { p.instructions[4] = p.instructions[2]; }},  // one dot twice
};

}  // namespace

TEST("a valid program has no error, nor has the smallest") {
    CHECK_EQUAL(error_in(valid()), "");
    Program smallest;
    smallest.leaves = {0};
    smallest.outputs = {0};
    CHECK_EQUAL(error_in(smallest), "");
}

TEST("each fault is found and named") {
    for (const Fault& fault : faults) {
        Program program = valid();
        fault.make(program);
        CHECK_EQUAL(error_in(program), fault.error);
    }
}

TEST("the rows of ops.def, inputs and dots are opcodes, and nothing else is") {
    std::size_t known = 0;
    for (int number = 0; number < 256; ++number) known += is_opcode(static_cast<std::uint8_t>(number));
    CHECK_EQUAL(known, operations().size() + 2);
    for (const Operation& row : operations()) CHECK(is_opcode(static_cast<std::uint8_t>(row.op)));
    CHECK(is_opcode(static_cast<std::uint8_t>(Opcode::input)));
    CHECK(is_opcode(static_cast<std::uint8_t>(Opcode::dot)));
    CHECK(!is_opcode(static_cast<std::uint8_t>(Op::custom)));
}

TEST("Ctrl-C ends the verification") {
    const Program program = valid();
    const Interrupting interrupting;
    CHECK_THROWS(Interrupted, error_in(program));
}
