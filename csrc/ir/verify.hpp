// What every program must satisfy so that passes and executors need no checks of their own: what is read from a file
// or from text is verified before anything else sees it.
#pragma once

#include <cstdint>
#include <string>

#include "ir/program.hpp"

namespace fastgrad::ir {

// What is wrong with a program, or an empty text. Operands must be computed before they are used, each input must
// stand there once, opcodes must be known, every slot must exist, and there must be an output. Throws std::bad_alloc
// and Interrupted.
std::string error_in(const Program& program);

// Whether a number is that of an instruction.
bool is_opcode(std::uint8_t number);

}  // namespace fastgrad::ir
