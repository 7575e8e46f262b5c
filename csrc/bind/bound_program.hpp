// A program together with the Values that it is bound to. Capturing, reading and differentiating produce one, and
// compiling takes one.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bind/node_refs.hpp"
#include "bind/oom.hpp"
#include "ir/file.hpp"
#include "ir/program.hpp"

namespace fastgrad::bind {

struct BoundProgram : InitOnly {
    ir::Program program;
    ir::Origin origin;
    NodeRefs bound;                     // in the order of the program's bound leaves
    std::vector<std::uint32_t> shared;  // bound leaves with new numbers at each call; no_slot: unused
};

// Captures the nodes that `outputs` reach. `constants`: leaves that keep their current number. `shared`: as above.
// `guards`: pairs of a condition and its answer. `since`: interior nodes must be newer than this one, or None. Throws
// TypeError and ValueError for invalid arguments.
std::shared_ptr<BoundProgram> capture_program(const pybind11::sequence& outputs, const pybind11::sequence& inputs,
                                              const pybind11::sequence& constants, const pybind11::sequence& shared,
                                              const pybind11::sequence& guards, const pybind11::object& since);

// Binds a saved program to `parameters`, or, if these are None, to new leaves with the saved numbers and labels.
// Throws ValueError.
std::shared_ptr<BoundProgram> bind_saved(ir::SavedGraph saved, const pybind11::object& parameters);

}  // namespace fastgrad::bind
