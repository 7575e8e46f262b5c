// Resets, measures and clips the gradients of a group of nodes.
#pragma once

#include <span>

#include "core/node.hpp"

namespace fastgrad {

void zero_gradients(std::span<Node* const> nodes);

// (|g1|^order + |g2|^order + ...)^(1 / order); for an infinite order, the largest |g|. No power overflows.
double gradient_norm(std::span<Node* const> nodes, double order);

// Scales the gradients so that their norm is at most `most`, given their current norm, as
// torch.nn.utils.clip_grads_with_norm_.
void limit_gradient_norm(std::span<Node* const> nodes, double norm, double most);

// Clips each gradient to [-most, most], as torch.nn.utils.clip_grad_value_; nan stays nan.
void limit_gradients(std::span<Node* const> nodes, double most);

}  // namespace fastgrad
