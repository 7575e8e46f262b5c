// Programs as text, for people, tests and diffs. from_text() reads what to_text() writes.
//
//   passes fold dce                 the passes that were asked for; left out if none
//   lowering loops vector_math      see Origin; left out if neither
//   captured 7 nodes 5 operations   before the passes; left out if unknown
//   %0 = bound 0.5 "w"              a bound leaf, with its number and label, which may be left out
//   %1 = constant 2.0
//   %2 = input 0
//   %3 = mul %0, %2
//   %4 = dot %0 * %2 + %1 * %3 + %2    the addend, if there is one, comes last
//   output %3, %4
//   guard %4 is true
//
// One statement a line; `#` begins a comment. Slots are numbered in order: bound leaves, constants, instructions.
// Numbers are the shortest that give the same bits; nans other than Python's are written nan(bits).
#pragma once

#include <string>
#include <string_view>

#include "ir/file.hpp"
#include "ir/program.hpp"

namespace fastgrad::ir {

// `bound` has a number for each bound leaf, or is empty. Throws std::bad_alloc and Interrupted.
std::string to_text(const Program& program, const Origin& origin = {}, const BoundLeaves& bound = {});

// A bound leaf without a number is 0. Throws std::invalid_argument, which names the line, for invalid text or an
// invalid program; std::bad_alloc; Interrupted. Does not check that labels are UTF-8.
SavedGraph from_text(std::string_view text);

}  // namespace fastgrad::ir
