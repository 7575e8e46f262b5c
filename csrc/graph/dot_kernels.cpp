// Sums of products. Compiled with contraction: a product and its sum may be one multiply-add, and sums are taken in
// another order than the eager engine's.
#include "core/compiler.hpp"
#include "graph/instruction_sets.hpp"
#include "graph/lanes.hpp"

#define FASTGRAD_KERNELS "graph/dot_kernels.inc"
#include "graph/for_each_instruction_set.inc"
