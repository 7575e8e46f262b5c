// A sweep's claim to the marks in the store, which can hold the marks of only one sweep at a time.
//
// Several sweeps can be in progress, because a callback may start one, or let another thread run that does, so sweeps
// may end in any order. The marks in the store belong to one sweep, the active one; those of the others are set
// aside. If the callback itself started the other sweep, partial gradients are restored afterwards, because that
// sweep may have overwritten them. While another thread sweeps, the callback may go on adding to them, so they are
// not restored.
#pragma once

#include <algorithm>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "core/interruption.hpp"
#include "core/sequence_table.hpp"
#include "core/tape.hpp"

namespace fastgrad {

// The gradients of the node's results; empty unless there are several.
inline std::span<double> cotangents_of(Node* node) {
    return has_several_results(node->op) ? node->x.list->cotangents() : std::span<double>();
}

class SweepMarks {
 public:
    SweepMarks() {
        activate();
        older_ = newest_;
        newest_ = this;
        if (older_) older_->newer_ = this;
    }
    // The active sweep must have no mark left in the store.
    ~SweepMarks() {
        (newer_ ? newer_->older_ : newest_) = older_;
        if (older_) older_->newer_ = newer_;
        if (active_ != this) return;
        active_ = nullptr;
        if (newest_) newest_->activate();  // the callback that started this sweep may add to the outer one
    }
    SweepMarks(const SweepMarks&) = delete;
    SweepMarks& operator=(const SweepMarks&) = delete;

    static bool any() { return newest_ != nullptr; }

    bool run(BackwardCallback& callback) {
        const bool succeeded = callback.run();
        if (active_ != this) activate();
        return succeeded;
    }
    // A signal handler may do whatever a callback may. Not inlined, because the sweep needs the registers.
    FASTGRAD_NOINLINE bool goes_on() {
        const bool stops = interruption.stops();
        if (active_ != this) activate();
        return !stops;
    }

 private:
    // Throws std::bad_alloc if another sweep is active; then nothing has changed.
    void activate() {
        if (active_) active_->set_aside(active_->thread_ == thread_);
        active_ = this;
        for (const auto& [node, grad, cotangents] : aside_) {
            if (restores_gradients_) {
                node->grad = grad;
                std::copy(cotangents.begin(), cotangents.end(), cotangents_of(node).begin());
            }
            node->flags |= Node::accumulates;
            ++reached(Chunk::of(node));
        }
        aside_.clear();
    }

    void set_aside(bool restore_gradients) {
        std::vector<Gradient> marked;
        for_each_mark([&](Chunk*, Node* node) {
            const std::span<const double> cotangents = cotangents_of(node);
            marked.push_back({node, node->grad, {cotangents.begin(), cotangents.end()}});
        });
        for_each_mark([](Chunk* chunk, Node* node) {
            node->flags &= static_cast<std::uint8_t>(~Node::accumulates);
            --reached(chunk);
        });
        aside_ = std::move(marked);
        restores_gradients_ = restore_gradients;
    }

    template <class Visit>
    static void for_each_mark(Visit visit) {
        for (Chunk* chunk = tape.newest(); chunk; chunk = chunk->older) {
            auto left = reached(chunk);
            for (Node* node = chunk->begin(); left != 0; ++node) {
                if (!node->has(Node::accumulates)) continue;
                --left;
                visit(chunk, node);
            }
        }
    }
    static std::uint32_t& reached(Chunk* chunk) { return chunk->marked[static_cast<int>(Mark::reached)]; }

    static inline SweepMarks *active_ = nullptr, *newest_ = nullptr;
    const std::thread::id thread_ = std::this_thread::get_id();
    struct Gradient {
        Node* node;
        double grad;
        std::vector<double> cotangents;
    };
    std::vector<Gradient> aside_;
    bool restores_gradients_ = false;
    SweepMarks *older_ = nullptr, *newer_ = nullptr;
};

}  // namespace fastgrad
