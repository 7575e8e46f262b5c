// Visits marked nodes from the newest to the oldest, in whatever order they are marked, as long as each is marked
// before the scan reaches it. This holds for operands, because they are older than their results. The scan only looks
// at slots below its start; dead slots have no mark, because every marked node is held by the graph being swept.
#pragma once

#include <cstddef>

#include "core/tape.hpp"

namespace fastgrad {

template <Node::Flag flag, Mark counter>
class BackwardScan {
 public:
    // Starts at `newest`; nothing is marked yet.
    explicit BackwardScan(Node* newest) : chunk_(Chunk::of(newest)), node_(newest + 1) {}
    // Removes all remaining marks.
    ~BackwardScan() {
        while (next([] { return true; })) {
        }
    }
    BackwardScan(const BackwardScan&) = delete;
    BackwardScan& operator=(const BackwardScan&) = delete;

    void mark(Node* node) {
        node->flags |= flag;
        ++count_of(Chunk::of(node));
        ++remaining_;
    }

    // Unmarks and returns the newest marked node; null if none is left, or if `goes_on`, which is called at each
    // chunk except the first, returns false.
    template <class GoesOn>
    Node* next(GoesOn goes_on) {
        if (remaining_ == 0) return nullptr;
        if (count_of(chunk_) == 0) {
            do {
                chunk_ = chunk_->older;
            } while (count_of(chunk_) == 0);
            node_ = chunk_->end();
            if (!goes_on()) return nullptr;
        }
        do {
            --node_;
        } while (!node_->has(flag));
        node_->flags &= static_cast<std::uint8_t>(~flag);
        --count_of(chunk_);
        --remaining_;
        return node_;
    }

    bool is_done() const { return remaining_ == 0; }

 private:
    static std::uint32_t& count_of(Chunk* chunk) { return chunk->marked[static_cast<int>(counter)]; }

    Chunk* chunk_;
    Node* node_;
    std::size_t remaining_ = 0;
};

}  // namespace fastgrad
