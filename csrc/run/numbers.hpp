// A vector that does not initialize its numbers, for numbers that are written before they are read.
#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace fastgrad::run {

template <class T>
struct Uninitialized : std::allocator<T> {
    template <class U>
    struct rebind {
        using other = Uninitialized<U>;
    };
    template <class U>
    void construct(U* at) noexcept {
        ::new (static_cast<void*>(at)) U;
    }
    template <class U, class... Args>
    void construct(U* at, Args&&... args) {
        ::new (static_cast<void*>(at)) U(std::forward<Args>(args)...);
    }
};

using Numbers = std::vector<double, Uninitialized<double>>;

}  // namespace fastgrad::run
