// What every program must satisfy. A program read from a file or from text is verified first, so that passes and
// executors need no checks.
#pragma once

#include <cstdint>
#include <string>

#include "ir/program.hpp"

namespace fastgrad::ir {

// The error in a program, or an empty string. Operands must be computed before they are used, each input must appear
// once, opcodes must be known, every slot must exist, and there must be an output. Throws std::bad_alloc and
// Interrupted.
std::string error_in(const Program& program);

// Whether a number is a known opcode.
bool is_opcode(std::uint8_t number);

}  // namespace fastgrad::ir
