// Feeds bytes to the reader of graph files, writes accepted graphs again, and runs them: forwards and backwards,
// single samples and lanes.
//
// With libFuzzer, which extends the corpus in its first directory:
//   clang++ -std=c++20 -O2 -g1 -fsanitize=address,undefined,fuzzer -fno-sanitize-recover=all -ffp-contract=off -Icsrc
//       tools/fuzz_graph_file.cpp csrc/{core,ir,passes,run,run/kernels}/*.cpp -pthread -ldl -o fuzz
//   mkdir found && ./fuzz -max_len=700 found tests/data/graphs
// -DFASTGRAD_READ_ONLY leaves out the runs: 50,000 files a second instead of 2,000.
//
// With any compiler, -DFASTGRAD_REPLAY and `-fsanitize` without "fuzzer" build a program that feeds the given files,
// and random changes of them: ./replay CHANGES FILE ...
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "graph_runs.hpp"
#include "ir/evaluate.hpp"
#include "ir/file.hpp"
#include "ir/text.hpp"
#include "run/executable.hpp"

namespace {

using namespace fastgrad;
using namespace fastgrad::ir;

constexpr std::size_t version_position = 16, rows_position = 20, size_position = 24, header_size = 32;

template <class T>
void put(std::string& bytes, std::size_t position, T value) {
    std::memcpy(bytes.data() + position, &value, sizeof value);
}

// Branchless, because libFuzzer records each comparison and would spend half of its time on those of a checksum.
std::uint32_t crc32(const std::string& bytes, std::size_t size) {
    std::uint32_t sum = 0xffffffff;
    for (const char byte : std::string_view(bytes).substr(0, size)) {
        sum ^= static_cast<std::uint8_t>(byte);
        for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (0xedb88320 & -(sum & 1));
    }
    return ~sum;
}

// Corrects size and checksum, so that the later checks are reached.
void seal(std::string& bytes) {
    if (bytes.size() < header_size + 4) return;
    put<std::uint64_t>(bytes, size_position, bytes.size());
    put<std::uint32_t>(bytes, bytes.size() - 4, crc32(bytes, bytes.size() - 4));
}

// The outputs of one sample, computed in the simplest way. Sums of products are added in another order there.
std::vector<double> reference(const Program& program, const std::vector<double>& bound, const double* inputs) {
    std::vector<double> values(bound);
    values.insert(values.end(), program.constants.begin(), program.constants.end());
    for (const Instruction& instruction : program.instructions) {
        values.push_back(instruction.op == Opcode::input
                             ? inputs[instruction.x]
                             : evaluate(instruction.op, values[instruction.x],
                                        is_unary(instruction.op) ? 0.0 : values[instruction.y]));
    }
    std::vector<double> outputs;
    for (const Slot output : program.outputs) outputs.push_back(values[output]);
    return outputs;
}

// A graph has exactly one form in the current version, and its text says the same.
void write_again(const SavedGraph& saved, const std::string& bytes) {
    std::string again = to_bytes(saved.program, saved.origin, saved.bound);
    const SavedGraph from_its_text = from_text(to_text(saved.program, saved.origin, saved.bound));
    require(to_bytes(from_its_text.program, from_its_text.origin, from_its_text.bound) == again,
            "the text of the graph says something else");
    if (bytes[version_position] == 1) {
        const SavedGraph twin = from_bytes(again);
        require(to_bytes(twin.program, twin.origin, twin.bound) == again,
                "written in this version, the graph differs");
        return;
    }
    require(again.size() == bytes.size(), "written again, the graph has another size");
    std::memcpy(again.data() + rows_position, bytes.data() + rows_position, sizeof(std::uint32_t));
    seal(again);
    require(again == bytes, "written again, the graph differs");
}

void run_alone_and_in_lanes(const SavedGraph& saved, std::size_t choice) {
    Program program = saved.program;
    program.guards.clear();  // random inputs do not satisfy them
    const std::vector<double> inputs = inputs_of(program, 169);
    const std::vector<double>& bound = saved.bound.numbers;
    const std::vector<std::string_view> sets = run::instruction_sets();
    const run::Kernels& with = run::kernels(sets[choice % sets.size()], saved.origin.vector_math);
    const run::Executable executable(program, saved.origin.loops, with);
    const bool is_exact = program.dots.empty() && !saved.origin.vector_math;
    for (const std::size_t batch : {1, 7, 8, 41, 169}) {  // 41 and 169: lanes of every width, and one
        const Results results = results_of(executable, bound, inputs, batch);
        require(results == results_of(executable, bound, inputs, batch), "a second run has other results");
        for (std::size_t i = 0; is_exact && i < batch; ++i) {
            const std::vector<double> expected = reference(program, bound, inputs.data() + i * program.inputs);
            for (std::size_t j = 0; j < expected.size(); ++j) {
                require(is_same(expected[j], results.outputs[i * expected.size() + j]), "an output is wrong");
            }
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    SavedGraph saved;
    try {
        saved = from_bytes(bytes);
    } catch (const std::invalid_argument&) {
        return 0;
    }
    write_again(saved, bytes);
#ifndef FASTGRAD_READ_ONLY
    run_alone_and_in_lanes(saved, bytes.size());
#endif
    return 0;
}

#ifndef FASTGRAD_REPLAY

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t largest);

// libFuzzer's own changes; one in sixteen keeps a wrong size or checksum and is refused.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t largest,
                                               unsigned int seed) {
    size = LLVMFuzzerMutate(data, size, largest);
    if (seed % 16 == 0) return size;
    std::string bytes(reinterpret_cast<const char*>(data), size);
    seal(bytes);
    bytes.copy(reinterpret_cast<char*>(data), size);
    return size;
}

#else

namespace {

std::string changed(std::string bytes, std::mt19937_64& random) {
    constexpr std::uint32_t numbers[] = {0,       1,          2,          7,          8,         0xff,
                                         0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    for (std::uint64_t changes = 1 + random() % 4; changes != 0; --changes) {
        if (bytes.size() < 8) return bytes;
        const std::size_t at = random() % bytes.size();
        switch (random() % 5) {
            case 0: bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8); break;
            case 1: bytes[at] = static_cast<char>(random()); break;
            case 2: put(bytes, std::min(at, bytes.size() - 4), numbers[random() % std::size(numbers)]); break;
            case 3: bytes.insert(at, bytes, random() % bytes.size(), random() % 32); break;
            case 4: bytes.erase(at, random() % 32); break;
        }
    }
    return bytes;
}

}  // namespace

int main(int count, char** arguments) {
    const long changes = count > 1 ? std::strtol(arguments[1], nullptr, 10) : 0;
    for (int i = 2; i < count; ++i) {
        const std::string bytes = bytes_of(arguments[i]);
        std::mt19937_64 random(static_cast<std::uint64_t>(i));
        for (long change = 0; change <= changes; ++change) {
            std::string fed = change == 0 ? bytes : changed(bytes, random);
            if (change % 16 != 0) seal(fed);
            LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(fed.data()), fed.size());
        }
    }
}

#endif
