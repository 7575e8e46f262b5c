// A pass over marked nodes from the newest to the oldest, whatever order they are marked in, as long as each is
// marked before the pass reaches it: which holds for operands, since they are older than their results. It looks at
// the slots below its start alone; those of the dead bear no mark, because a marked node is reached by what is swept.
#pragma once

#include <cstddef>

#include "core/tape.hpp"

namespace fastgrad {

template <Node::Flag flag, Mark counter>
class BackwardScan {
 public:
    // Starts at `newest`; nothing is marked yet.
    explicit BackwardScan(Node* newest) : chunk_(Chunk::of(newest)), node_(newest + 1) {}
    // Leaves no mark behind, whatever happens.
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

    // The newest marked node, unmarked; null when none is left, or when `goes_on`, which is asked at each chunk but
    // the first, says no.
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
