#include "core/compiler.hpp"
#include "core/formulas.hpp"
#include "graph/instruction_sets.hpp"

#define FASTGRAD_KERNELS "graph/map_kernels.inc"
#include "graph/for_each_instruction_set.inc"
