// A vector whose numbers are not set before they are written.
#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace fastgrad::graph {

template <class T>
struct Uninitialised : std::allocator<T> {
    template <class U>
    struct rebind {
        using other = Uninitialised<U>;
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

using Numbers = std::vector<double, Uninitialised<double>>;

}  // namespace fastgrad::graph
