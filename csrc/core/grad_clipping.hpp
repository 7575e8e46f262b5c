// The gradients of some nodes together: set to 0, measured, and kept within limits.
#pragma once

#include <span>

#include "core/node.hpp"

namespace fastgrad {

void zero_gradients(std::span<Node* const> nodes);

// (|g1|^order + |g2|^order + ...)^(1 / order), which is the largest for an infinite order. No power overflows.
double gradient_norm(std::span<Node* const> nodes, double order);

// Scales all of them down to the norm `most`, given the one that they have, as torch.nn.utils.clip_grads_with_norm_.
void limit_gradient_norm(std::span<Node* const> nodes, double norm, double most);

// Each into [-most, most], as torch.nn.utils.clip_grad_value_; nan stays.
void limit_gradients(std::span<Node* const> nodes, double most);

}  // namespace fastgrad
