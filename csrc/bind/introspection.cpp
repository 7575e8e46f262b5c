// The table of operations and the state of the store, for documentation, tests and the curious.
#include <pybind11/stl.h>

#include "bind/registration.hpp"
#include "core/op.hpp"
#include "core/tape.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

void register_operations(py::module_& module) {
    py::class_<Operation>(module, "Operation", "One row of the table of operations.")
        .def_property_readonly("name", [](const Operation& row) { return row.name; })
        .def_property_readonly("title", [](const Operation& row) { return row.title; })
        .def_property_readonly("symbol", [](const Operation& row) { return row.symbol; })
        .def_property_readonly("arity", [](const Operation& row) { return row.arity; })
        .def_property_readonly("value", [](const Operation& row) { return row.value; })
        .def_property_readonly("partials",
                               [](const Operation& row) {
                                   return row.arity == 2 ? py::tuple(py::make_tuple(row.dx, row.dy))
                                                         : py::tuple(py::make_tuple(row.dx));
                               })
        .def_property_readonly("parameter",
                               [](const Operation& row) -> std::optional<std::string_view> {
                                   if (row.parameter.empty()) return std::nullopt;
                                   return row.parameter;
                               })
        .def_property_readonly("default",
                               [](const Operation& row) -> std::optional<double> {
                                   if (row.parameter.empty()) return std::nullopt;
                                   return row.default_value;
                               })
        .def_property_readonly("fault", [](const Operation& row) { return row.fault; })
        .def("__repr__", [](const Operation& row) { return "Operation(" + std::string(row.name) + ")"; });
    py::list names;
    for (const Operation& row : operations()) names.append(row.name);
    module.attr("__all__") = names;
    module.def(
        "operations",
        [] {
            py::list rows;
            for (const Operation& row : operations()) rows.append(py::cast(&row, py::return_value_policy::reference));
            return py::tuple(rows);
        },
        "The table of operations, one row each.");
}

void register_memory(py::module_& module) {
    module.def(
        "memory",
        [] {
            const Tape::Memory memory = tape.memory();
            py::dict result;
            result["live_nodes"] = memory.live_nodes;
            result["live_leaves"] = memory.live_leaves;
            result["chunks"] = memory.chunks;
            result["free_chunks"] = memory.free_chunks;
            result["bytes"] = memory.bytes;
            result["peak_bytes"] = memory.peak_bytes;
            return result;
        },
        "Nodes alive, chunks of memory that hold them or wait for more, the bytes of all chunks, and their peak.");
}

}  // namespace fastgrad::bind
