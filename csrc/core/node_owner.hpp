// Base of every C++ class that keeps references to nodes across calls, so that a check can account for each of them.
#pragma once

#include <vector>

#include "core/node.hpp"

namespace fastgrad {

class NodeOwner {
 public:
    // The nodes it refers to, each once for every reference.
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
