// Elementwise loops over contiguous numbers, for each instruction set.
#include "core/rows.hpp"
#include "run/kernels/instruction_sets.hpp"
#include "run/kernels/lanes.hpp"

#define FASTGRAD_KERNELS "run/kernels/map_kernels.inc"
#include "run/kernels/for_each_instruction_set.inc"
