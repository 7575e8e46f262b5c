#include "core/chunk_pool.hpp"

#include <algorithm>
#include <memory>
#include <new>

#include "core/pages.hpp"

namespace fastgrad {

Chunk* ChunkPool::take() {
    Region* region = first_ && first_->free != 0 ? first_ : map_region();
    Chunk* chunk = region->free_list;
    if (chunk) {
        region->free_list = chunk->older;
    } else {
        chunk = new (region->memory + region->fresh++ * Chunk::size) Chunk{};
        chunk->region = region;
    }
    --free_;
    if (--region->free == 0) {
        unlink(region);
        link_last(region);
    }
    return chunk;
}

void ChunkPool::give_back(Chunk* chunk) {
    Region* region = chunk->region;
    chunk->older = region->free_list;
    region->free_list = chunk;
    ++free_;
    if (region->free++ == 0) {
        unlink(region);
        link_first(region);
    }
    if (region->free < Region::chunks || free_ <= warm_limit) return;
    if (!pages::unmap(region->memory, Region::size)) return;
    unlink(region);
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
    link_first(region.get());
    return region.release();
}

void ChunkPool::link_first(Region* region) {
    region->previous = nullptr;
    region->next = first_;
    (first_ ? first_->previous : last_) = region;
    first_ = region;
}

void ChunkPool::link_last(Region* region) {
    region->previous = last_;
    region->next = nullptr;
    (last_ ? last_->next : first_) = region;
    last_ = region;
}

void ChunkPool::unlink(Region* region) {
    (region->previous ? region->previous->next : first_) = region->next;
    (region->next ? region->next->previous : last_) = region->previous;
}

}  // namespace fastgrad
