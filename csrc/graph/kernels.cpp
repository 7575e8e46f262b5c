#include "graph/kernels.hpp"

#include <stdexcept>
#include <string>

#include "graph/instruction_sets.hpp"

namespace fastgrad::graph {

namespace {

#if defined(__x86_64__) && (defined(__clang__) || defined(__GNUC__))
bool runs_avx512() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}
bool runs_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif
bool runs_baseline() { return true; }

struct Choice {
    bool (*runs)();
    Kernels kernels;
};

const Choice choices[] = {
#define FASTGRAD_CHOICE(set) {runs_##set, {#set, set::map_kernels, &set::array_kernels, set::dot_kernels}},
    FASTGRAD_FOR_EACH_INSTRUCTION_SET(FASTGRAD_CHOICE)
#undef FASTGRAD_CHOICE
};

}  // namespace

std::vector<std::string_view> instruction_sets() {
    std::vector<std::string_view> names;
    for (const Choice& choice : choices) {
        if (choice.runs()) names.push_back(choice.kernels.name);
    }
    return names;
}

const Kernels& kernels(std::string_view instruction_set) {
    for (const Choice& choice : choices) {
        if ((instruction_set.empty() || instruction_set == choice.kernels.name) && choice.runs()) {
            return choice.kernels;
        }
    }
    throw std::invalid_argument("this machine has no instruction set '" + std::string(instruction_set) + "'");
}

}  // namespace fastgrad::graph
