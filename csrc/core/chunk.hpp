// A chunk: 64 KiB of nodes behind one header, aligned to its size so that a node's address gives its chunk.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/node.hpp"

namespace fastgrad {

// What a traversal counts per chunk, so that it can skip chunks that hold nothing for it.
enum class Mark : std::uint8_t { reached, visited };

struct Region;

struct alignas(64) Chunk {
    static constexpr std::size_t size = 64 * 1024;

    Chunk* older;  // neighbors in creation order; for leaf chunks, neighbors among those with a free slot
    Chunk* newer;
    Node* free_list;         // leaf chunks: dead slots, linked through Node::x
    std::uint64_t position;  // grows from older to newer chunks
    std::uint32_t live;
    std::uint32_t used;  // leaf chunks: slots handed out at least once
    std::uint32_t marked[2];
    Region* region;

    Node* begin() { return reinterpret_cast<Node*>(this + 1); }
    Node* end();

    static Chunk* of(const Node* node) {
        return reinterpret_cast<Chunk*>(reinterpret_cast<std::uintptr_t>(node) & ~(size - 1));
    }
};

inline constexpr std::uint32_t nodes_per_chunk = (Chunk::size - sizeof(Chunk)) / sizeof(Node);
static_assert(sizeof(Chunk) == 64);

inline Node* Chunk::end() { return begin() + nodes_per_chunk; }

}  // namespace fastgrad
