// The numbers that one thread uses while it runs a program.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

#include "run/executor.hpp"
#include "run/kernels/lanes.hpp"
#include "run/plan.hpp"

namespace fastgrad::run {

// Doubles that start at a cache line. Throws std::bad_alloc.
class Buffer {
 public:
    Buffer() = default;
    explicit Buffer(std::size_t count)
        : data_(static_cast<double*>(::operator new[](count * sizeof(double), alignment))) {}
    double* data() const { return data_.get(); }
    explicit operator bool() const { return data_ != nullptr; }

 private:
    static constexpr std::align_val_t alignment{64};
    struct Delete {
        void operator()(double* data) const { ::operator delete[](data, alignment); }
    };
    std::unique_ptr<double[], Delete> data_;
};

class Workspace {
 public:
    // Fills in the constants.
    explicit Workspace(const Program& program);

    void prepare_gradients();
    void prepare_lanes(Width width);

    Memory single() const;
    Memory lanes() const {
        return {values_.data(), lane_values_.data(), partial_sums_.data(), lane_gradients_.data()};
    }

    double* values() const { return values_.data(); }        // one for each slot
    double* gradients() const { return gradients_.data(); }  // one for each slot
    double* partial_sums() const { return partial_sums_.data(); }

    const std::size_t slots, first_varying;

 private:
    Buffer values_, gradients_, lane_values_, lane_gradients_, partial_sums_;
    std::size_t lane_capacity_ = 0;
};

}  // namespace fastgrad::run
