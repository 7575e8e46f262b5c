// Compiling: from a program to a plan and its kernels.
#include <stdexcept>

#include "interrupting.hpp"
#include "programs.hpp"
#include "run/compile.hpp"
#include "run/report.hpp"
#include "test.hpp"

using namespace fastgrad;
using namespace fastgrad::run;
using namespace fastgrad::test;

namespace {

// w[i] * x as many times, each with a sine: without dots, a loop of products and a loop of sines.
ir::Program rows(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "%" + std::to_string(i) + " = bound\n";
    int slot = count;
    const std::string input = "%" + std::to_string(slot++);
    text += input + " = input 0\n";
    const int product = slot;
    for (int i = 0; i < count; ++i) {
        text += "%" + std::to_string(slot++) + " = mul %" + std::to_string(i) + ", " + input + "\n";
    }
    const int sine = slot;
    for (int i = 0; i < count; ++i) {
        text += "%" + std::to_string(slot++) + " = sin %" + std::to_string(product + i) + "\n";
    }
    for (int i = 0; i < count; ++i) text += "output %" + std::to_string(sine + i) + "\n";
    return parse(text);
}

std::string listing(const ir::Program& program, const std::vector<std::string>& passes) {
    return listing_of(compiled(program, passes)->plan());
}

}  // namespace

TEST("compiling runs the passes that are named") {
    const ir::Program program = parse("%0 = input 0\n%1 = exp %0\n%2 = sin %0\noutput %2");
    CHECK_EQUAL(compiled(program)->program().instructions.size(), 3u);
    CHECK_EQUAL(compiled(program, {"dce"})->program().instructions.size(), 2u);
}

TEST("an origin gains what compiling did, and keeps what was done before") {
    ir::Origin origin{.passes = {"dce"}, .nodes = 7, .instructions = 5};
    compile(rows(8), origin, {"vector_math", "dce"}, "");
    CHECK(origin.passes == std::vector<std::string>{"dce", "vector_math"});
    CHECK(origin.vector_math && !origin.loops);
    compile(rows(8), origin, {"reroll"}, "");
    CHECK(origin.passes == std::vector<std::string>{"dce", "vector_math", "reroll"});
    CHECK(origin.vector_math && origin.loops);
    compile(rows(8), origin, {}, "");
    CHECK(origin.vector_math && origin.loops);
    CHECK_EQUAL(origin.nodes, 7u);
}

TEST("instructions of one kind become loops, if the program was rerolled") {
    CHECK_EQUAL(listing(rows(8), {}), "16 operations\n");
    CHECK_EQUAL(listing(rows(8), {"reroll"}), "8 x mul f0+1i v8\n8 x sin v9+1i\n");
    CHECK_EQUAL(listing(rows(7), {"reroll"}), "14 operations\n");  // too short
}

TEST("a matrix times a vector is one loop of dots") {
    ir::Program program;
    program.inputs = 4;
    for (ir::Slot leaf = 0; leaf < 16; ++leaf) program.leaves.push_back(leaf);
    for (ir::Slot input = 0; input < 4; ++input) program.instructions.push_back({ir::Opcode::input, input, 0});
    for (ir::Slot row = 0; row < 4; ++row) {
        program.instructions.push_back({ir::Opcode::dot, row, 0});
        program.dots.push_back({4 * std::uint64_t{row}, 4, ir::no_slot});
        program.outputs.push_back(20 + row);
        for (ir::Slot term = 0; term < 4; ++term) {
            program.left.push_back(4 * row + term);
            program.right.push_back(16 + term);
        }
    }
    CHECK_EQUAL(listing(program, {}), "4 x dot of 4 f0+4i+1k v16+1k\n");
    const Stats stats = stats_of(compiled(program)->plan());
    CHECK_EQUAL(stats.loops, 1u);
    CHECK_EQUAL(stats.instructions_in_loops, 4u);
}

TEST("what no input changes is a run of its own, before the others") {
    const auto executable =
        compiled(parse("%0 = bound\n%1 = input 0\n%2 = exp %0\n%3 = mul %1, %2\noutput %3"), {"hoist"});
    CHECK_EQUAL(listing_of(executable->plan()), "1 operations\n1 operations\n");
    CHECK_EQUAL(executable->plan().first_varying_run, 1u);
}

TEST("a machine's instruction sets give the same bits; an unknown one is refused") {
    const Call call{.bound = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0}, .inputs = Numbers(9, 0.3), .batch = 9};
    const Computed expected = compute(*compiled(rows(8), {"reroll"}), call);
    for (const std::string_view set : instruction_sets()) {
        ir::Origin origin;
        const auto executable = compile(rows(8), origin, {"reroll"}, set);
        CHECK_EQUAL(executable->kernels().name, set);
        CHECK_EQUAL(compute(*executable, call).outputs, expected.outputs);
        CHECK_EQUAL(compute(*executable, call).input_gradients, expected.input_gradients);
    }
    ir::Origin origin;
    CHECK_THROWS(std::invalid_argument, compile(rows(8), origin, {}, "abacus"));
}

TEST("Ctrl-C ends compiling") {
    const ir::Program program = rows(8);
    const Interrupting interrupting;
    CHECK_THROWS(Interrupted, compiled(program));
}
