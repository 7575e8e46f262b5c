// Runs saved graphs, each from several threads at once that share it, and compares with one thread, bit for bit.
//
//   g++ -std=c++20 -O1 -g -fsanitize=thread -ffp-contract=off -Wno-psabi -Icsrc tools/replay_threads.cpp
//       csrc/{core,ir,passes,run,run/kernels}/*.cpp -pthread -ldl -o replay_threads
//   ./replay_threads ROUNDS FILE ...
#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <thread>
#include <vector>

#include "graph_runs.hpp"
#include "ir/file.hpp"
#include "run/executable.hpp"

namespace {

using namespace fastgrad;
using namespace fastgrad::ir;

struct Case {
    std::size_t batch;
    unsigned threads;  // of the run itself
};

// One by one, in lanes, and in shards of several threads.
constexpr Case cases[] = {{1, 1}, {7, 1}, {41, 1}, {300, 2}, {700, 3}};

// Together with the threads of their runs, they use more workspaces at once than a graph keeps.
constexpr unsigned callers = 6;

// Large enough for a run to ask whether it should stop.
constexpr std::size_t interrupted_batch = 100'000;

bool stops_at_once() { return true; }

const Case& case_of(unsigned caller, std::size_t turn) { return cases[(turn + caller) % std::size(cases)]; }

std::size_t run_from_all_callers(const char* path, std::size_t rounds) {
    const SavedGraph saved = from_bytes(bytes_of(path));
    const std::vector<double>& bound = saved.bound.numbers;
    const std::vector<double> inputs = inputs_of(saved.program, interrupted_batch);
    const run::Executable executable(saved.program, saved.origin.loops, run::kernels("", saved.origin.vector_math));
    const std::size_t turns = rounds * std::size(cases);
    std::vector<std::vector<Results>> found(callers);
    {
        std::barrier start(callers);
        std::vector<std::jthread> threads;
        for (unsigned caller = 0; caller < callers; ++caller) {
            threads.emplace_back([&, caller] {
                start.arrive_and_wait();
                if (caller % 2) results_of(executable, bound, inputs, interrupted_batch, 2, stops_at_once);
                for (std::size_t turn = 0; turn < turns; ++turn) {
                    const auto [batch, own_threads] = case_of(caller, turn);
                    found[caller].push_back(results_of(executable, bound, inputs, batch, own_threads));
                }
            });
        }
    }
    // Only now, so that several threads ask at once for objects created on first use.
    for (unsigned caller = 0; caller < callers; ++caller) {
        for (std::size_t turn = 0; turn < turns; ++turn) {
            require(found[caller][turn] == results_of(executable, bound, inputs, case_of(caller, turn).batch), path);
        }
    }
    return callers * turns;
}

}  // namespace

int main(int count, char** arguments) {
    const std::size_t rounds = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 0;
    std::size_t runs = 0;
    for (int i = 2; i < count; ++i) runs += run_from_all_callers(arguments[i], rounds);
    std::printf("%zu runs of %d graphs in %u threads\n", runs, count - 2, callers);
}
