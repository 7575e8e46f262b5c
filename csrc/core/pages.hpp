// Memory straight from the operating system, so that what is given back really leaves the process.
#pragma once

#include <cstddef>

namespace fastgrad::pages {

// `size` bytes aligned to `size`, a power of two of at least 64 KiB. Throws std::bad_alloc.
void* map_aligned(std::size_t size);

// False: the system could not (a map count limit, say), and the memory is still ours.
bool unmap(void* address, std::size_t size) noexcept;

}  // namespace fastgrad::pages
