#include "core/pages.hpp"

#include <cstdint>
#include <new>

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <sys/mman.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#else
#define __lsan_register_root_region(address, size)
#define __lsan_unregister_root_region(address, size)
#endif
#endif

namespace fastgrad::pages {

#ifdef _WIN32

// Windows allocates address space in units of 64 KiB; larger alignments are found by trying.
void* map_aligned(std::size_t size) {
    for (int attempt = 0; attempt < 64; ++attempt) {
        char* probe = static_cast<char*>(VirtualAlloc(nullptr, 2 * size, MEM_RESERVE, PAGE_NOACCESS));
        if (!probe) break;
        const auto start = (reinterpret_cast<std::uintptr_t>(probe) + size - 1) & ~(size - 1);
        VirtualFree(probe, 0, MEM_RELEASE);
        void* chunk = VirtualAlloc(reinterpret_cast<void*>(start), size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
        if (chunk) return chunk;
    }
    throw std::bad_alloc();
}

bool unmap(void* address, std::size_t) noexcept { return VirtualFree(address, 0, MEM_RELEASE) != 0; }

#else

namespace {

char* map(std::size_t size) {
    void* address = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED) throw std::bad_alloc();
    return static_cast<char*>(address);
}

}  // namespace

void* map_aligned(std::size_t size) {
    // Mappings are placed side by side, so after the first aligned one most are already aligned.
    char* address = map(size);
    if (const std::size_t off = reinterpret_cast<std::uintptr_t>(address) & (size - 1); off != 0) {
        munmap(address, size);
        address = map(2 * size);
        const std::size_t before = -reinterpret_cast<std::uintptr_t>(address) & (size - 1);
        if (before) munmap(address, before);
        address += before;
        munmap(address + size, size - before);
    }
#ifdef MADV_HUGEPAGE
    madvise(address, size, MADV_HUGEPAGE);  // a hint: if it is refused, small pages work too
#endif
    // LeakSanitizer searches the heap for pointers, but searches mappings only if they are registered.
    __lsan_register_root_region(address, size);
    return address;
}

bool unmap(void* address, std::size_t size) noexcept {
    if (munmap(address, size) != 0) return false;
    __lsan_unregister_root_region(address, size);
    return true;
}

#endif

}  // namespace fastgrad::pages
