#include "run/workspace.hpp"

#include <algorithm>

namespace fastgrad::run {

// At least one slot, because the second operand of a unary instruction, slot 0, is loaded too.
Workspace::Workspace(const Program& program)
    : slots(std::max<std::size_t>(program.slots(), 1)), first_varying(program.first_varying()), values_(slots) {
    values_.data()[0] = 0.0;
    std::copy(program.constants.begin(), program.constants.end(), values_.data() + program.bound());
}

void Workspace::prepare_gradients() {
    if (!gradients_) gradients_ = Buffer(slots);
}

void Workspace::prepare_lanes(Width width) {
    const std::size_t count = lanes_of(width);
    if (lane_capacity_ >= count) return;
    const std::size_t varying = std::max<std::size_t>(slots - first_varying, 1);
    lane_values_ = Buffer(varying * count);
    lane_gradients_ = Buffer(varying * count);
    if (!partial_sums_) partial_sums_ = Buffer(std::max<std::size_t>(first_varying, 1) * lane_count);
    lane_capacity_ = count;
}

Memory Workspace::single() const {
    double* gradients = gradients_.data();
    return {values_.data(), values_.data() + first_varying, gradients,
            gradients ? gradients + first_varying : nullptr};
}

}  // namespace fastgrad::run
