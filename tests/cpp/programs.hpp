// Programs for the tests, written as text, and what they compute.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "ir/text.hpp"
#include "run/compile.hpp"

namespace fastgrad::test {

inline ir::Program parse(std::string_view text) { return ir::from_text(text).program; }

// Begins with an end of line, as a raw string does whose first line is empty.
inline std::string text_of(const ir::Program& program) { return "\n" + ir::to_text(program); }

// Numbers that a failed check shows. They are equal if their bits are; all nans are one.
struct Numbers : std::vector<double> {
    using vector::vector;
    friend bool operator==(const Numbers& a, const Numbers& b) {
        if (a.size() != b.size()) return false;
        for (std::size_t i = 0; i < a.size(); ++i) {
            const bool same_bits = std::bit_cast<std::uint64_t>(a[i]) == std::bit_cast<std::uint64_t>(b[i]);
            if (!same_bits && !(std::isnan(a[i]) && std::isnan(b[i]))) return false;
        }
        return true;
    }
    friend std::ostream& operator<<(std::ostream& out, const Numbers& numbers) {
        out << '{';
        for (std::size_t i = 0; i < numbers.size(); ++i) out << (i == 0 ? "" : ", ") << numbers[i];
        return out << '}';
    }
};

inline bool is_close(const Numbers& a, const Numbers& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (!(std::fabs(a[i] - b[i]) <= 1e-12 * (1.0 + std::fabs(b[i])))) return false;
    }
    return true;
}

inline std::unique_ptr<run::Executable> compiled(const ir::Program& program,
                                                 const std::vector<std::string>& passes = {}) {
    ir::Origin origin;
    return run::compile(program, origin, passes, "");
}

// The numbers of one call. Bound leaves have those of the capture, in its order, whatever order a pass gives them.
struct Call {
    Numbers bound = {}, inputs = {};  // inputs: a row for each sample
    std::size_t batch = 1;
    Numbers cotangents = {};  // a row for each sample; left out: all are 1
    unsigned threads = 1;
    run::Executable::Stops stops = [] { return false; };
};

struct Computed {
    run::Outcome outcome;
    Numbers outputs, input_gradients, bound_gradients;
};

inline Computed compute(const run::Executable& executable, const Call& call) {
    const ir::Program& program = executable.program();
    const std::size_t batch = call.batch, outputs = program.outputs.size();
    Computed computed{{}, Numbers(batch * outputs), Numbers(batch * program.inputs), Numbers(call.bound.size())};
    Numbers bound, bound_gradients(program.bound());
    for (const std::uint32_t leaf : program.leaves) bound.push_back(call.bound.at(leaf));
    const Numbers cotangents = call.cotangents.empty() ? Numbers(batch * outputs, 1.0) : call.cotangents;
    const run::Batch run{.bound = bound.data(),
                         .inputs = call.inputs.data(),
                         .batch = batch,
                         .outputs = computed.outputs.data(),
                         .cotangents = cotangents.data(),
                         .input_gradients = computed.input_gradients.data(),
                         .bound_gradients = bound_gradients.data(),
                         .threads = call.threads};
    computed.outcome = executable.run(run, call.stops);
    for (std::size_t i = 0; i < bound.size(); ++i) computed.bound_gradients[program.leaves[i]] = bound_gradients[i];
    return computed;
}

inline Computed compute(const ir::Program& program, const Call& call) { return compute(*compiled(program), call); }

}  // namespace fastgrad::test
