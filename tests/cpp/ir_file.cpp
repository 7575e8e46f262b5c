// Files: what to_bytes() writes, from_bytes() reads; files of the first version too.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "interrupting.hpp"
#include "ir/file.hpp"
#include "programs.hpp"
#include "test.hpp"

using namespace fastgrad;
using namespace fastgrad::ir;
using namespace fastgrad::test;

namespace {

constexpr std::size_t version_at = 16;

SavedGraph example() {
    return from_text(R"(
passes dce hoist
lowering loops
captured 9 nodes 6 operations
%0 = bound 0.5 "β"
%1 = bound -0.0
%2 = bound inf "w"
%3 = constant 2.0
%4 = input 0
%5 = dot %0 * %4 + %1 * %3
%6 = dot %4 * %4 + %5
%7 = sub %6, %2
output %7, %0
guard %6 is true
guard %5 is false
)");
}

std::string bytes_of(const SavedGraph& saved) { return to_bytes(saved.program, saved.origin, saved.bound); }
std::string text_of(const SavedGraph& saved) { return '\n' + to_text(saved.program, saved.origin, saved.bound); }

// What from_bytes() says against some bytes.
std::string complaint(std::string_view bytes) {
    try {
        from_bytes(bytes);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "it was read";
}

// Files of version 1; FASTGRAD_TEST_DATA is the folder tests/data.
std::vector<std::filesystem::path> first_version() {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(FASTGRAD_TEST_DATA "/graphs")) {
        paths.push_back(entry.path());
    }
    return paths;
}

std::string contents(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

SavedGraph first_version(const std::string& name) {
    return from_bytes(contents(std::filesystem::path(FASTGRAD_TEST_DATA "/graphs") / (name + ".graph")));
}

}  // namespace

TEST("what was written is read: program, passes, numbers and labels") {
    const SavedGraph saved = example();
    const std::string bytes = bytes_of(saved);
    const SavedGraph twin = from_bytes(bytes);
    CHECK_EQUAL(text_of(twin), text_of(saved));
    CHECK_EQUAL(bytes_of(twin), bytes);
    CHECK_EQUAL(bytes[version_at], 2);
}

TEST("bytes that are cut off anywhere are refused") {
    const std::string bytes = bytes_of(example());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        CHECK_THROWS(std::invalid_argument, from_bytes(std::string_view(bytes).substr(0, size)));
    }
    CHECK(complaint(std::string_view(bytes).substr(0, 100))
              .ends_with("it is cut short (100 of " + std::to_string(bytes.size()) + " bytes)"));
    CHECK(complaint(bytes + "x").find("something follows its end") != std::string::npos);
}

TEST("a bit that is flipped anywhere is found") {
    const std::string bytes = bytes_of(example());
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        std::string damaged = bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
        CHECK_THROWS(std::invalid_argument, from_bytes(damaged));
    }
}

TEST("other files and newer versions are refused by name") {
    std::string bytes = bytes_of(example());
    CHECK_EQUAL(complaint("a text"), "not a fastgrad graph");
    bytes[version_at] = 3;
    CHECK_EQUAL(complaint(bytes), "a fastgrad graph in a newer format (version 3; this is 2): update fastgrad");
}

TEST("a program that is not valid is refused, though its checksum fits") {
    SavedGraph saved = example();
    saved.program.outputs.push_back(saved.program.slots());
    CHECK(complaint(bytes_of(saved)).find("something is used before it is computed") != std::string::npos);
}

TEST("each file of the first version can be read, and is the same in the present one") {
    CHECK(!first_version().empty());
    for (const std::filesystem::path& path : first_version()) {
        const std::string bytes = contents(path);
        CHECK_EQUAL(bytes[version_at], 1);
        const SavedGraph saved = from_bytes(bytes);
        CHECK_EQUAL(text_of(from_bytes(bytes_of(saved))), text_of(saved));
    }
}

TEST("a file of the first version has its passes under their present names") {
    CHECK_EQUAL(text_of(first_version("sums")), R"(
passes gather_dots
captured 12 nodes 8 operations
%0 = bound 0.5 "a"
%1 = bound -2.0 "β"
%2 = constant 2.0
%3 = input 0
%4 = input 1
%5 = dot %0 * %3 + %1 * %4 + %3 * %4 + %3
%6 = exp %0
%7 = add %6, %2
output %5, %7
)");
    CHECK(first_version("chain").origin.passes == std::vector<std::string>{"fold", "strength_reduction", "cse", "dce",
                                                                           "gather_dots", "hoist", "reroll",
                                                                           "vector_math"});
}

TEST("a file of the first version computes what it did") {
    const SavedGraph plain = first_version("plain");  // relu(a * x + b) ** 2
    const Computed computed = compute(plain.program, {.bound = {0.5, -2.0}, .inputs = {8.0}});
    CHECK_EQUAL(computed.outputs, Numbers{4.0});
    CHECK_EQUAL(computed.input_gradients, Numbers{2.0});
    CHECK_EQUAL(computed.bound_gradients, (Numbers{32.0, 4.0}));
}

TEST("Ctrl-C ends reading and writing") {
    const SavedGraph saved = example();
    const std::string bytes = bytes_of(saved);
    const Interrupting interrupting;
    CHECK_THROWS(Interrupted, bytes_of(saved));
    CHECK_THROWS(Interrupted, from_bytes(bytes));
}
