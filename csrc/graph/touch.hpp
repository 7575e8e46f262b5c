// What the reverse of an instruction does to the gradient of an operand.
#pragma once

#include <cstdint>

#include "core/op.hpp"

namespace fastgrad::graph {

// A gradient's first contribution is stored, which saves the wait for the sum; later ones are added.
enum class Touch : std::uint8_t {
    adds,
    stores,  // nothing is there yet
    nothing  // the operand is a constant, or no gradient goes that way
};

// An operation together with its touches.
constexpr std::uint16_t reverse_of(Op op, Touch x, Touch y) {
    return static_cast<std::uint16_t>(9 * static_cast<int>(op) + 3 * static_cast<int>(x) + static_cast<int>(y));
}

}  // namespace fastgrad::graph
