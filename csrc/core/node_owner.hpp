// Whoever in C++ keeps references to nodes for longer than one call, so that a check can account for each of them.
#pragma once

#include <vector>

#include "core/node.hpp"

namespace fastgrad {

class NodeOwner {
 public:
    // A node as often as it is referred to.
    virtual std::vector<Node*> held() const = 0;

    static const NodeOwner* first() { return first_; }
    const NodeOwner* next() const { return next_; }

 protected:
    NodeOwner() : next_(first_) {
        if (next_) next_->previous_ = this;
        first_ = this;
    }
    NodeOwner(const NodeOwner&) : NodeOwner() {}
    NodeOwner& operator=(const NodeOwner&) { return *this; }
    ~NodeOwner() {
        (previous_ ? previous_->next_ : first_) = next_;
        if (next_) next_->previous_ = previous_;
    }

 private:
    static inline NodeOwner* first_ = nullptr;
    NodeOwner *previous_ = nullptr, *next_;
};

}  // namespace fastgrad
