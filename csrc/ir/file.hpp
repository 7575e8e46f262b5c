// A captured graph as bytes, for files and pickle.
//
// In this order, with u8 to u64 for unsigned integers and f64 for IEEE 754 doubles, all little-endian, and texts as
// u64 length and UTF-8:
//
//   "fastgrad graph\r\n", u32 version of the format, u32 rows of ops.def at writing, u64 size of everything
//   u64 nodes and u64 instructions before the passes, u8 options (1: loops, 2: vector math), u64 count and
//     texts: the passes
//   u64 count and f64 numbers of the bound leaves; u64 count and (u32 leaf, text): their labels, ascending
//   u64 count and f64 constants
//   u32 inputs, u64 count and (u8 op, u32 x, u32 y) instructions; that of a dot is (255, terms, addend or 2^32 - 1),
//     with (u32 left, u32 right) for each term right behind it
//   u64 count and u32 slots of the outputs
//   u64 count and (u32 condition, u8 expected answer): the guards
//   u32 CRC-32 of all that
//
// Version 1 has no guards. In their place it has a u32 that counts how many of the last outputs are conditions; these
// are read as plain outputs. Four of its passes have other names.
//
// The checksum detects accidental changes. An attacker can make it fit, so nothing else relies on it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ir/program.hpp"

namespace fastgrad::ir {

// How a program was made.
struct Origin {
    std::vector<std::string> passes;
    bool loops = false;                         // see make_plan
    bool vector_math = false;                   // see kernels
    std::uint64_t nodes = 0, instructions = 0;  // before the passes, not counting inputs
};

// The bound leaves' numbers and labels at saving.
struct BoundLeaves {
    std::vector<double> numbers;
    std::vector<std::pair<std::uint32_t, std::string>> labels;  // ascending; leaves without a label are left out
};

// Throws std::bad_alloc and Interrupted.
std::string to_bytes(const Program& program, const Origin& origin, const BoundLeaves& bound);

struct SavedGraph {
    Program program;  // with its leaves numbered in order
    Origin origin;
    BoundLeaves bound;
};

// Throws std::bad_alloc, Interrupted, and std::invalid_argument for bytes that `to_bytes` does not write. Any program
// that it returns can run; it takes a few times the memory of the bytes. Does not check that texts are UTF-8.
SavedGraph from_bytes(std::string_view bytes);

}  // namespace fastgrad::ir
