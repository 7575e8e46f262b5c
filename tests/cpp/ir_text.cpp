// Programs as text: what to_text() writes, from_text() reads.
#include <limits>
#include <stdexcept>
#include <utility>

#include "interrupting.hpp"
#include "ir/text.hpp"
#include "programs.hpp"
#include "test.hpp"

using namespace fastgrad;
using namespace fastgrad::ir;
using namespace fastgrad::test;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// What from_text() says against a text.
std::string complaint(std::string_view text) {
    try {
        from_text(text);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "it was read";
}

// A constant, written and read again.
double through_text(double number) {
    Program program;
    program.constants = {number};
    program.outputs = {0};
    return parse(to_text(program)).constants[0];
}

}  // namespace

TEST("a text is written as it was read, with all that a file keeps") {
    const std::string text = R"(passes cse "a pass of tomorrow"
lowering loops vector_math
captured 7 nodes 5 operations
%0 = bound 0.5 "the \"w\" of a\\b\n"
%1 = bound -2.0
%2 = constant 2.0
%3 = input 0
%4 = mul %0, %3
%5 = dot %0 * %3 + %2 * %4 + %3
%6 = tanh %5
output %6, %1, %6
guard %4 is true
guard %3 is false
)";
    const SavedGraph saved = from_text(text);
    CHECK_EQUAL(to_text(saved.program, saved.origin, saved.bound), text);
    CHECK(saved.origin.passes == std::vector<std::string>{"cse", "a pass of tomorrow"});
    CHECK_EQUAL(saved.bound.labels[0].second, "the \"w\" of a\\b\n");
}

TEST("every operation round-trips under its name") {
    for (const Operation& row : operations()) {
        const std::string text = "\n%0 = input 0\n%1 = input 1\n%2 = " + std::string(row.name) +
                                 (row.arity == 1 ? " %1" : " %1, %0") + "\noutput %2\n";
        const Program program = parse(text);
        CHECK_EQUAL(text_of(program), text);
        CHECK(program.instructions[2].op == opcode_of(row.op));
    }
}

TEST("comments, spaces, empty lines and the numbers of bound leaves may vary") {
    CHECK_EQUAL(text_of(parse("# a comment\n\n  %0=bound # no number: 0\r\n\t%1 = input 0\n"
                              "%2 = dot %0*%1 +%1\noutput %2,%1")),
                R"(
%0 = bound
%1 = input 0
%2 = dot %0 * %1 + %1
output %2, %1
)");
}

TEST("numbers keep their bits") {
    const double payload = std::bit_cast<double>(std::uint64_t{0xfff8'0000'dead'beef});
    for (const double number : {0.0, -0.0, 0.1, 1.0 / 3.0, 1e22, 5e-324, -1.7976931348623157e308, infinity, -infinity,
                                std::numeric_limits<double>::quiet_NaN(), payload}) {
        CHECK_EQUAL(std::bit_cast<std::uint64_t>(through_text(number)), std::bit_cast<std::uint64_t>(number));
    }
}

TEST("numbers are the shortest that keep their bits") {
    Program program;
    program.constants = {1.0, 0.1, 1e100, -infinity};
    program.outputs = {0};
    CHECK_EQUAL(text_of(program), R"(
%0 = constant 1.0
%1 = constant 0.1
%2 = constant 1e+100
%3 = constant -inf
output %0
)");
}

TEST("a text that is no program is refused, with the line and the reason") {
    const std::pair<const char*, const char*> refused[] = {
        {"", "it has no output"},
        {"hello", "line 1: unknown statement 'hello'"},
        {"passes cse,dce", "line 1: expected the name of a pass"},
        {"lowering magic", "line 1: expected 'vector_math'"},
        {"captured many nodes", "line 1: expected a whole number, not 'many'"},
        {"%1 = input 0", "line 1: slot %1 where %0 comes next"},
        {"%0 is input 0", "line 1: expected '='"},
        {"%0 = input -1", "line 1: expected a whole number, not '-1'"},
        {"%0 = input 0\n%1 = bound", "line 2: bound leaves come first"},
        {"%0 = input 0\n%1 = constant 1.0", "line 2: constants come before instructions"},
        {"%0 = input 0\n\n%1 = magic %0", "line 3: no operation is called 'magic'"},
        {"%0 = input 0\n%1 = add %0", "line 2: expected ','"},
        {"%0 = input 0\n%1 = exp %0, %0", "line 2: unexpected ', %0'"},
        {"%0 = input 0\n%1 = dot %0 * 3", "line 2: expected a slot, such as %3"},
        {"%0 = input 0\n%1 = dot %0\noutput %1", "a sum has no terms"},
        {"%0 = input 0\n%1 = neg %1\noutput %1", "something is used before it is computed"},
        {"%0 = input 0\noutput %0\nguard %0 is maybe", "line 3: expected 'false'"},
        {"%0 = bound \"w", "line 1: a label does not end"},
        {"%0 = constant one", "line 1: expected a number, not 'one'"},
        {"%0 = constant 1e999", "line 1: expected a number, not '1e999'"},
        {"%0 = constant INF", "line 1: expected a number, not 'INF'"},
        {"%0 = constant -nan", "line 1: expected a number, not '-nan'"},
        {"%0 = constant nan(7)", "line 1: expected a number, not 'nan(7)'"},
    };
    for (const auto& [text, why] : refused) CHECK_EQUAL(complaint(text), why);
}

TEST("Ctrl-C ends reading and writing") {
    const std::string text = "%0 = input 0\noutput %0\n";
    std::string long_text = text;
    for (int i = 0; i < 70'000; ++i) long_text += "\n";
    const Program program = parse(text);
    const Interrupting interrupting;
    CHECK_THROWS(Interrupted, to_text(program));
    CHECK_THROWS(Interrupted, from_text(long_text));
}
