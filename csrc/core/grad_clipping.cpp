#include "core/grad_clipping.hpp"

#include <algorithm>
#include <cmath>

namespace fastgrad {

namespace {

// nan if any gradient is nan.
double largest_gradient(std::span<Node* const> nodes) {
    double largest = 0.0;
    for (const Node* node : nodes) {
        if (std::isnan(node->grad)) return node->grad;
        largest = std::max(largest, std::fabs(node->grad));
    }
    return largest;
}

}  // namespace

void zero_gradients(std::span<Node* const> nodes) {
    for (Node* node : nodes) node->grad = 0.0;
}

double gradient_norm(std::span<Node* const> nodes, double order) {
    const double largest = largest_gradient(nodes);
    if (largest == 0.0 || !std::isfinite(largest) || std::isinf(order)) return largest;
    const double unit = std::ldexp(1.0, std::ilogb(largest));  // a power of two: dividing by it is exact
    double sum = 0.0;
    for (const Node* node : nodes) {
        const double size = std::fabs(node->grad) / unit;
        sum += order == 2.0 ? size * size : std::pow(size, order);
    }
    return unit * (order == 2.0 ? std::sqrt(sum) : std::pow(sum, 1.0 / order));
}

void limit_gradient_norm(std::span<Node* const> nodes, double norm, double most) {
    const double ratio = most / (norm + 1e-6);
    const double scale = ratio > 1.0 ? 1.0 : ratio;  // nan if the norm is nan, as in PyTorch
    for (Node* node : nodes) node->grad *= scale;
}

void limit_gradients(std::span<Node* const> nodes, double most) {
    for (Node* node : nodes) node->grad = std::clamp(node->grad, -most, most);
}

}  // namespace fastgrad
