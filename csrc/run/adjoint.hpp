// How the reverse of an instruction updates the gradient of an operand.
#pragma once

#include <cstdint>

#include "ir/program.hpp"

namespace fastgrad::run {

using namespace ir;

// A gradient's first contribution is stored, which avoids waiting for the sum; later ones are added.
enum class Adjoint : std::uint8_t {
    accumulate,
    store,  // the first contribution
    skip    // the operand is a constant, or no gradient flows to it
};

// Encodes an operation together with how its reverse updates each operand's gradient.
constexpr std::uint16_t adjoint_opcode(Opcode op, Adjoint x, Adjoint y) {
    return static_cast<std::uint16_t>(9 * static_cast<int>(op) + 3 * static_cast<int>(x) + static_cast<int>(y));
}

}  // namespace fastgrad::run
