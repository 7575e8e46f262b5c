// Runs all tests, or those of the named files (core_tape), and checks the store after each: it must be consistent,
// and hold as many nodes as before.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include "core/check.hpp"
#include "core/tape.hpp"
#include "test.hpp"

namespace {

using namespace fastgrad;

// The failure as text; empty if the test passed.
std::string failure_of(const test::Test& test) {
    const std::size_t before = tape.memory().live_nodes;
    try {
        test.run();
        check_store([](const Node*) { return true; });
    } catch (const test::Failure& failure) {
        return failure.message;
    } catch (const std::exception& error) {
        return error.what();
    }
    const std::size_t after = tape.memory().live_nodes;
    return after == before ? "" : std::to_string(after - before) + " nodes are left";
}

}  // namespace

int main(int count, char** files) {
    int run = 0, failed = 0;
    for (const test::Test& test : test::all_tests()) {
        bool is_named = count == 1;
        for (int i = 1; i < count; ++i) is_named |= std::filesystem::path(test.file).stem() == files[i];
        if (!is_named) continue;
        ++run;
        const std::string failure = failure_of(test);
        if (failure.empty()) continue;
        ++failed;
        std::printf("FAILED %s\n  %s\n", test.name, failure.c_str());
    }
    std::printf("%d tests, %d failed\n", run, failed);
    return run == 0 || failed != 0;
}
