// What the reverse of an instruction does to the gradient of an operand.
#pragma once

#include <cstdint>

#include "ir/program.hpp"

namespace fastgrad::run {

using namespace ir;

// A gradient's first contribution is stored, which saves the wait for the sum; later ones are added.
enum class Adjoint : std::uint8_t {
    accumulate,
    store,  // nothing is there yet
    skip    // the operand is a constant, or no gradient goes that way
};

// An operation together with what its reverse does to each operand's gradient.
constexpr std::uint16_t adjoint_opcode(Opcode op, Adjoint x, Adjoint y) {
    return static_cast<std::uint16_t>(9 * static_cast<int>(op) + 3 * static_cast<int>(x) + static_cast<int>(y));
}

}  // namespace fastgrad::run
