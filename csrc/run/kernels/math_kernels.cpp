// Elementary functions from the vector half of the C library (glibc's libmvec), if the machine has one. They are
// within 4 units in the last place of the exact value; the scalar functions are within 1.
#include <cstring>

#include "core/compiler.hpp"
#include "run/kernels/instruction_sets.hpp"
#include "run/kernels/lanes.hpp"

#define FASTGRAD_KERNELS "run/kernels/math_kernels.inc"
#include "run/kernels/for_each_instruction_set.inc"
