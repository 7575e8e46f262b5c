// In the eager engine a leaf's gradient is a sum that starts at 0.0, so it is never -0.0. Gradients computed in other
// ways go through this function to match.
#pragma once

namespace fastgrad {

inline double begin_with_zero(double gradient) { return 0.0 + gradient; }

}  // namespace fastgrad
