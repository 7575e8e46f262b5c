// A leaf's gradient is a sum that begins with 0.0, so that none of its zeros is negative: for gradients that come
// about in another way.
#pragma once

namespace fastgrad {

inline double begin_with_zero(double gradient) { return 0.0 + gradient; }

}  // namespace fastgrad
