// Whoever in C++ keeps references to nodes for longer than one call, so that a check can account for each of them.
#pragma once

#include <vector>

#include "core/node.hpp"

namespace fastgrad {

class Holder {
 public:
    // A node as often as it is referred to.
    virtual std::vector<Node*> held() const = 0;

    static const Holder* first() { return first_; }
    const Holder* next() const { return next_; }

 protected:
    Holder() : next_(first_) {
        if (next_) next_->previous_ = this;
        first_ = this;
    }
    Holder(const Holder&) : Holder() {}
    Holder& operator=(const Holder&) { return *this; }
    ~Holder() {
        (previous_ ? previous_->next_ : first_) = next_;
        if (next_) next_->previous_ = previous_;
    }

 private:
    static inline Holder* first_ = nullptr;
    Holder *previous_ = nullptr, *next_;
};

}  // namespace fastgrad
