// Memory straight from the operating system, so that freed memory really leaves the process.
#pragma once

#include <cstddef>

namespace fastgrad::pages {

// `size` bytes aligned to `size`, a power of two of at least 64 KiB. Throws std::bad_alloc.
void* map_aligned(std::size_t size);

// False if the system refused, for example at its limit of mappings; the memory then remains ours.
bool unmap(void* address, std::size_t size) noexcept;

}  // namespace fastgrad::pages
