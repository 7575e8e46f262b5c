// Shared by the programs that run saved graphs without Python.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "run/executable.hpp"

namespace fastgrad {

inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

inline std::string bytes_of(const char* path) {
    std::ifstream file(path, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    require(!bytes.empty(), path);
    return bytes;
}

inline bool is_same(double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) || (std::isnan(a) && std::isnan(b));
}

inline std::vector<double> inputs_of(const ir::Program& program, std::size_t batch) {
    std::vector<double> inputs;
    for (std::size_t i = 0; i < batch * program.inputs; ++i) {
        inputs.push_back(std::ldexp(static_cast<double>(i % 7) - 3.0, static_cast<int>(i % 5) - 2));
    }
    return inputs;
}

struct Results {
    std::vector<double> outputs, input_gradients, bound_gradients;

    bool operator==(const Results& other) const {
        const auto same = [](const std::vector<double>& a, const std::vector<double>& b) {
            for (std::size_t i = 0; i < a.size(); ++i) {
                if (!is_same(a[i], b[i])) return false;
            }
            return a.size() == b.size();
        };
        return same(outputs, other.outputs) && same(input_gradients, other.input_gradients) &&
               same(bound_gradients, other.bound_gradients);
    }
};

inline bool never_stops() { return false; }

// Computes the outputs alone, and then again with the gradients of their sum.
inline Results results_of(const run::Executable& executable, const std::vector<double>& bound,
                          const std::vector<double>& inputs, std::size_t batch, unsigned threads = 1,
                          run::Executable::Stops stops = never_stops) {
    const ir::Program& program = executable.program();
    const std::vector<double> cotangents(batch * program.outputs.size(), 1.0);
    Results results{std::vector<double>(batch * program.outputs.size()), std::vector<double>(batch * program.inputs),
                    std::vector<double>(bound.size())};
    run::Batch call;
    call.bound = bound.data();
    call.inputs = inputs.data();
    call.batch = batch;
    call.outputs = results.outputs.data();
    call.threads = threads;
    executable.run(call, stops);
    call.cotangents = cotangents.data();
    call.input_gradients = results.input_gradients.data();
    call.bound_gradients = results.bound_gradients.data();
    executable.run(call, stops);
    return results;
}

}  // namespace fastgrad
