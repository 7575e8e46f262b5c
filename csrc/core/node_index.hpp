// Maps some nodes to numbers by address, using 4 bytes a slot in each chunk that holds any of these nodes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "core/chunk.hpp"

namespace fastgrad {

class NodeIndex {
 public:
    static constexpr std::uint32_t absent = 0xffffffff;

    std::uint32_t& operator[](const Node* node) {
        Chunk* chunk = Chunk::of(node);
        if (chunk != last_chunk_) {
            auto& numbers = chunks_[chunk];
            if (!numbers) {
                numbers = std::make_unique<std::uint32_t[]>(nodes_per_chunk);
                std::fill_n(numbers.get(), nodes_per_chunk, absent);
            }
            last_chunk_ = chunk;
            last_numbers_ = numbers.get();
        }
        return last_numbers_[node - chunk->begin()];
    }

 private:
    std::unordered_map<const Chunk*, std::unique_ptr<std::uint32_t[]>> chunks_;
    const Chunk* last_chunk_ = nullptr;
    std::uint32_t* last_numbers_ = nullptr;
};

}  // namespace fastgrad
