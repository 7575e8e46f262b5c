// What each pass makes of a small program, as text. A test's name begins with that of its pass.
#include <algorithm>

#include "ir/verify.hpp"
#include "passes/passes.hpp"
#include "programs.hpp"
#include "test.hpp"

using namespace fastgrad;
using namespace fastgrad::test;

namespace {

// Texts begin and end with an end of line.
void check_pass(const std::string& pass, const std::string& before, const std::string& after) {
    ir::Program program = parse(before);
    CHECK_EQUAL(text_of(program), before);
    passes::Selection(std::vector{pass}).run(program);
    CHECK_EQUAL(ir::error_in(program), "");
    CHECK_EQUAL(text_of(program), after);
}

void check_same(const std::string& pass, const std::string& program) { check_pass(pass, program, program); }

}  // namespace

TEST("every pass has a test here") {
    for (const passes::Pass& pass : passes::table()) {
        const std::string prefix = std::string(pass.name) + ' ';
        const bool is_tested = std::ranges::any_of(all_tests(), [&](const Test& test) {
            return std::string_view(test.file) == __FILE__ && std::string_view(test.name).starts_with(prefix);
        });
        CHECK_EQUAL(is_tested ? "" : prefix, "");
    }
}

TEST("fold computes what depends on constants alone") {
    check_pass("fold", R"(
%0 = constant 2.0
%1 = constant 3.0
%2 = input 0
%3 = mul %0, %1
%4 = add %3, %0
%5 = mul %2, %4
output %5
)",
               R"(
%0 = constant 2.0
%1 = constant 3.0
%2 = constant 6.0
%3 = constant 8.0
%4 = input 0
%5 = mul %4, %3
output %5
)");
}

TEST("fold drops operations that change nothing, from either side") {
    check_pass("fold", R"(
%0 = constant 1.0
%1 = constant -0.0
%2 = input 0
%3 = mul %2, %0
%4 = mul %0, %3
%5 = add %4, %1
%6 = div %5, %0
output %6
guard %6 is true
)",
               R"(
%0 = constant 1.0
%1 = constant -0.0
%2 = input 0
output %2
guard %2 is true
)");
}

TEST("fold keeps what would lose a sign: 0 + x, and 1 / x") {
    check_same("fold", R"(
%0 = constant 0.0
%1 = constant 1.0
%2 = input 0
%3 = add %2, %0
%4 = div %1, %3
output %4
)");
}

TEST("strength_reduction makes powers cheaper") {
    check_pass("strength_reduction", R"(
%0 = constant 2.0
%1 = constant 0.5
%2 = constant 3.0
%3 = input 0
%4 = pow %3, %0
%5 = pow %4, %1
%6 = pow %5, %2
output %6
)",
               R"(
%0 = constant 2.0
%1 = constant 0.5
%2 = constant 3.0
%3 = input 0
%4 = mul %3, %3
%5 = sqrt %4
%6 = pow %5, %2
output %6
)");
}

TEST("cse computes equal operations once, and what follows from them") {
    check_pass("cse", R"(
%0 = input 0
%1 = input 1
%2 = mul %0, %1
%3 = mul %1, %0
%4 = exp %2
%5 = exp %3
%6 = add %4, %5
output %6, %5
)",
               R"(
%0 = input 0
%1 = input 1
%2 = mul %0, %1
%3 = exp %2
%4 = add %3, %3
output %4, %3
)");
}

TEST("cse tells operands apart where their order matters") {
    check_same("cse", R"(
%0 = input 0
%1 = input 1
%2 = sub %0, %1
%3 = sub %1, %0
%4 = div %2, %3
output %4
)");
}

TEST("dce drops what neither an output nor a guard needs, but no input") {
    check_pass("dce", R"(
%0 = input 0
%1 = input 1
%2 = exp %0
%3 = sin %2
%4 = cos %0
%5 = tan %0
output %4
guard %5 is true
)",
               R"(
%0 = input 0
%1 = input 1
%2 = cos %0
%3 = tan %0
output %2
guard %3 is true
)");
}

TEST("gather_dots makes a sum of products one instruction, with the rest of the sum as its addend") {
    check_pass("gather_dots", R"(
%0 = bound
%1 = bound
%2 = bound
%3 = input 0
%4 = input 1
%5 = mul %0, %3
%6 = mul %1, %4
%7 = add %5, %6
%8 = add %7, %2
output %8
)",
               R"(
%0 = bound
%1 = bound
%2 = bound
%3 = input 0
%4 = input 1
%5 = dot %0 * %3 + %1 * %4 + %2
output %5
)");
}

TEST("gather_dots leaves the 0 out that Python's sum() begins with") {
    check_pass("gather_dots", R"(
%0 = constant 0.0
%1 = input 0
%2 = mul %1, %1
%3 = add %2, %0
output %3
)",
               R"(
%0 = constant 0.0
%1 = input 0
%2 = mul %1, %1
output %2
)");
}

TEST("gather_dots leaves one addition, and a product that is used elsewhere") {
    check_same("gather_dots", R"(
%0 = input 0
%1 = input 1
%2 = mul %0, %1
%3 = add %2, %0
output %3, %2
)");
}

TEST("hoist moves what depends on no input before the inputs") {
    check_pass("hoist", R"(
%0 = bound
%1 = input 0
%2 = exp %0
%3 = mul %1, %2
%4 = sin %2
%5 = add %3, %4
output %5
)",
               R"(
%0 = bound
%1 = exp %0
%2 = sin %1
%3 = input 0
%4 = mul %3, %1
%5 = add %4, %2
output %5
)");
}

TEST("reroll lines up instructions of one kind") {
    check_pass("reroll", R"(
%0 = input 0
%1 = input 1
%2 = exp %0
%3 = sin %2
%4 = exp %1
%5 = sin %4
output %3, %5
)",
               R"(
%0 = input 0
%1 = input 1
%2 = exp %0
%3 = exp %1
%4 = sin %2
%5 = sin %3
output %4, %5
)");
}

TEST("reroll orders leaves by their first use, which the program notes, and fills up a cache line") {
    ir::Program program =
        parse("%0 = bound\n%1 = bound\n%2 = input 0\n%3 = mul %1, %2\n%4 = add %3, %0\noutput %4\n");
    passes::reroll(program);
    CHECK(program.leaves == std::vector<std::uint32_t>{1, 0});
    CHECK_EQUAL(program.first_result(), 8u);
    CHECK_EQUAL(text_of(program).substr(text_of(program).find("%8")), R"(%8 = input 0
%9 = mul %0, %8
%10 = add %9, %1
output %10
)");
}

TEST("vector_math is a choice of kernels: the program stays") {
    check_same("vector_math", R"(
%0 = input 0
%1 = exp %0
output %1
)");
}
