// Sums of products. Compiled with contraction: a product and its sum may become one multiply-add, and terms are added
// in a different order from the eager engine's.
#include "core/compiler.hpp"
#include "run/kernels/instruction_sets.hpp"
#include "run/kernels/lanes.hpp"

#define FASTGRAD_KERNELS "run/kernels/dot_kernels.inc"
#include "run/kernels/for_each_instruction_set.inc"
