// The computing loops, compiled for several instruction sets. The best set that this machine has is chosen once.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "core/op.hpp"

namespace fastgrad::run {

// One operation over contiguous numbers. Derivatives, times the gradient g of r, are added to the existing gradients.
struct MapKernels {
    void (*value)(const double* x, const double* y, double* r, std::size_t count);
    void (*dx)(const double* x, const double* y, const double* r, const double* g, double* to, std::size_t count);
    void (*dy)(const double* x, const double* y, const double* r, const double* g, double* to, std::size_t count);
};

struct ArrayKernels {
    void (*fill)(double* to, double value, std::size_t count);
    void (*add)(double* to, const double* from, std::size_t count);
    double (*sum)(const double* from, std::size_t count);
    void (*add_partial_sums)(double* to, const double* from, std::size_t count);  // eight for each number
};

// One factor of a run of dots, or their addend: row i, term k of repeat j is at i * row_stride + k * term_stride + j
// * repeat_stride.
struct Factor {
    const double* values = nullptr;  // null if absent
    double* gradients = nullptr;     // null if not wanted
    std::ptrdiff_t row_stride = 0, term_stride = 0, repeat_stride = 0;
    bool varies = false;  // from lane to lane
};

// Rows of dots. For one sample, strides count doubles, for gradients too. For lanes, a factor that varies has `lanes`
// doubles a slot; one that does not has one double a slot, and eight partial sums of its gradient.
struct DotRows {
    std::size_t rows, terms, vectors;
    Factor x, y, addend;
    double* results;
    const double* result_gradients;
};

struct DotKernels {
    void (*forward)(const DotRows&);
    void (*reverse)(const DotRows&);
};

// The number of samples that run side by side.
enum class Width : unsigned char { one, lanes8, lanes32, lanes128 };
constexpr std::size_t lanes_of(Width width) {
    constexpr std::size_t lanes[] = {1, 8, 32, 128};
    return lanes[static_cast<int>(width)];
}

struct Kernels {
    std::string_view name;
    const MapKernels* maps;  // by row of ops.def
    const ArrayKernels* arrays;
    const DotKernels* dots;  // by width

    const MapKernels& map(Op op) const { return maps[row_of(op)]; }
    const DotKernels& dot(Width width) const { return dots[static_cast<int>(width)]; }
};

// The names of the sets that this machine can run, best first.
std::vector<std::string_view> instruction_sets();

// The operations that the C library computes on whole registers, for the best of the sets.
std::vector<std::string_view> vector_functions();

// The kernels of one of these sets, or of the best. `vector_math`: elementary functions use whole registers if the C
// library supports them. Throws std::invalid_argument for a set that this machine lacks.
const Kernels& kernels(std::string_view instruction_set, bool vector_math);

}  // namespace fastgrad::run
