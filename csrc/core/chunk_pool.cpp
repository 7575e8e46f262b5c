#include "core/chunk_pool.hpp"

#include <algorithm>
#include <memory>
#include <new>

#include "core/pages.hpp"

namespace fastgrad {

Chunk* ChunkPool::take() {
    Region* region = with_room_ ? with_room_ : map_region();
    Chunk* chunk = region->free_list;
    if (chunk) {
        region->free_list = chunk->older;
    } else {
        chunk = new (region->memory + region->fresh++ * Chunk::size) Chunk{};
        chunk->region = region;
    }
    --free_;
    if (--region->free == 0) unlink(region);
    return chunk;
}

void ChunkPool::give_back(Chunk* chunk) {
    Region* region = chunk->region;
    chunk->older = region->free_list;
    region->free_list = chunk;
    ++free_;
    if (region->free++ == 0) link(region);
    if (region->free < Region::chunks || free_ <= warm_limit) return;
    unlink(region);
    if (!pages::unmap(region->memory, Region::size)) {
        link(region);
        return;
    }
    free_ -= Region::chunks;
    --regions_;
    delete region;
}

Region* ChunkPool::map_region() {
    auto region = std::make_unique<Region>();
    region->memory = static_cast<char*>(pages::map_aligned(Region::size));
    region->free = Region::chunks;
    free_ += Region::chunks;
    peak_regions_ = std::max(peak_regions_, ++regions_);
    link(region.get());
    return region.release();
}

void ChunkPool::link(Region* region) {
    region->previous = nullptr;
    region->next = with_room_;
    if (with_room_) with_room_->previous = region;
    with_room_ = region;
}

void ChunkPool::unlink(Region* region) {
    (region->previous ? region->previous->next : with_room_) = region->next;
    if (region->next) region->next->previous = region->previous;
}

}  // namespace fastgrad
