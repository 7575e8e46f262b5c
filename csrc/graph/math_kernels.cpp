// Elementary functions of the C library's vector half (glibc's libmvec), where the machine has one: within 4 units in
// the last place of the exact value, where the scalar functions are within 1.
#include <cstring>

#include "core/compiler.hpp"
#include "graph/instruction_sets.hpp"
#include "graph/lanes.hpp"

#define FASTGRAD_KERNELS "graph/math_kernels.inc"
#include "graph/for_each_instruction_set.inc"
