// A user-defined operation: its operands, and either their local gradients or a callback that adds to them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/node.hpp"

namespace fastgrad {

// Adds to the operands' gradients. Returns false if it failed; the caller that supplied it knows the error.
class BackwardCallback {
 public:
    virtual ~BackwardCallback() = default;
    virtual bool run() = 0;
    // Leaves that the callback keeps alive and adds to, besides the operands.
    virtual std::span<Node* const> leaves() const { return {}; }
};

class CustomOperation {
 public:
    std::string symbol;
    std::vector<Node*> operands;          // owned references
    std::vector<double> local_gradients;  // empty, or one for each operand
    std::shared_ptr<BackwardCallback> callback;
};

}  // namespace fastgrad
