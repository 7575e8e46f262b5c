#include "run/kernels/kernels.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <stdexcept>
#include <string>

#include "run/kernels/instruction_sets.hpp"
#include "run/kernels/lanes.hpp"

#if defined(__linux__) && defined(FASTGRAD_VECTOR_EXTENSIONS)
#define FASTGRAD_LIBMVEC  // whose functions take and return vectors
#include <dlfcn.h>
#endif

namespace fastgrad::run {

namespace {

#if defined(__x86_64__) && (defined(__clang__) || defined(__GNUC__))
bool runs_avx512() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}
bool runs_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif
bool runs_baseline() { return true; }

// The C library's function with the row's name, for the kind of register given by the prefix; null if there is none.
VectorFunction find_vector_function(std::string_view prefix, const Operation& row) {
#ifdef FASTGRAD_LIBMVEC
    static void* const library = dlopen("libmvec.so.1", RTLD_NOW | RTLD_LOCAL);
    const std::string name = std::string(prefix) + std::string(row.name);
    return library ? reinterpret_cast<VectorFunction>(dlsym(library, name.c_str())) : nullptr;
#else
    static_cast<void>(prefix);
    static_cast<void>(row);
    return nullptr;
#endif
}

struct Choice {
    bool (*runs)();
    Kernels kernels;
    decltype(&baseline::use_vector_functions) use_vector_functions;
};

constexpr Choice choices[] = {
#define FASTGRAD_CHOICE(set) \
    {runs_##set, {#set, set::map_kernels, &set::array_kernels, set::dot_kernels}, set::use_vector_functions},
    FASTGRAD_FOR_EACH_INSTRUCTION_SET(FASTGRAD_CHOICE)
#undef FASTGRAD_CHOICE
};
constexpr std::size_t choice_count = std::size(choices);

const Choice& choose(std::string_view instruction_set) {
    for (const Choice& choice : choices) {
        if ((instruction_set.empty() || instruction_set == choice.kernels.name) && choice.runs()) return choice;
    }
    throw std::invalid_argument("this machine has no instruction set '" + std::string(instruction_set) + "'");
}

// The kernels of each choice, with vector functions instead of scalar ones.
struct VectorKernels {
    std::array<std::array<MapKernels, row_count>, choice_count> maps;
    std::array<Kernels, choice_count> kernels;

    VectorKernels() {
        for (std::size_t i = 0; i < choice_count; ++i) {
            kernels[i] = choices[i].kernels;
            std::copy_n(kernels[i].maps, row_count, maps[i].begin());
            kernels[i].maps = maps[i].data();
            if (choices[i].runs()) choices[i].use_vector_functions(maps[i].data(), find_vector_function);
        }
    }
};

}  // namespace

std::vector<std::string_view> instruction_sets() {
    std::vector<std::string_view> names;
    for (const Choice& choice : choices) {
        if (choice.runs()) names.push_back(choice.kernels.name);
    }
    return names;
}

std::vector<std::string_view> vector_functions() {
    const Kernels &scalar = kernels("", false), &vector = kernels("", true);
    std::vector<std::string_view> names;
    for (const Operation& row : operations()) {
        if (vector.map(row.op).value != scalar.map(row.op).value) names.push_back(row.name);
    }
    return names;
}

const Kernels& kernels(std::string_view instruction_set, bool vector_math) {
    const Choice& choice = choose(instruction_set);
    if (!vector_math) return choice.kernels;
    static const VectorKernels vector_kernels;
    return vector_kernels.kernels[static_cast<std::size_t>(&choice - choices)];
}

}  // namespace fastgrad::run
