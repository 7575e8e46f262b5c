// Exposes the table of operations, the state of the store and the build configuration, for documentation, tests and
// debugging.
#include <pybind11/stl.h>

#include <string>

#include "bind/oom.hpp"
#include "bind/registration.hpp"
#include "bind/value/object.hpp"
#include "bind/value/values.hpp"
#include "core/expand.hpp"
#include "core/op.hpp"
#include "core/sequence_table.hpp"
#include "core/tape.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

namespace {

std::string compiler() {
#if defined(__clang__)
    return "Clang " __clang_version__;
#elif defined(__GNUC__)
    return "GCC " __VERSION__;
#elif defined(_MSC_VER)
    return "MSVC " + std::to_string(_MSC_FULL_VER);
#else
    return "unknown";
#endif
}

constexpr int cxx_standard() {
#ifdef _MSVC_LANG
    return _MSVC_LANG / 100 % 100;  // MSVC's __cplusplus keeps the value of C++98
#else
    return __cplusplus / 100 % 100;
#endif
}

constexpr bool asserts() {
#ifdef NDEBUG
    return false;
#else
    return true;
#endif
}

// A pair of something for each derivative of a row.
template <class T>
py::tuple of_partials(const Operation& row, const T& dx, const T& dy) {
    return row.arity == 2 ? py::tuple(py::make_tuple(dx, dy)) : py::tuple(py::make_tuple(dx));
}

// A table as a tuple of its rows, which live as long as the process.
template <class Row>
py::tuple tuple_of(std::span<const Row> table) {
    py::list rows;
    for (const Row& row : table) rows.append(py::cast(&row, py::return_value_policy::reference));
    return py::tuple(rows);
}

const char* name_of(NodeKind kind) {
    switch (kind) {
        case NodeKind::leaf: return "leaf";
        case NodeKind::custom: return "custom";
        case NodeKind::scalar: return "scalar";
        case NodeKind::element: return "element";
        case NodeKind::sequence: return "sequence";
    }
    unreachable();
}

const char* name_of(Layout layout) {
    switch (layout) {
        case Layout::sequence: return "sequence";
        case Layout::pairs: return "pairs";
        case Layout::pairs_and_bias: return "pairs_and_bias";
        case Layout::sequence_and_target: return "sequence_and_target";
    }
    unreachable();
}

}  // namespace

void register_operations(py::module_& module) {
    py::class_<Operation>(module, "Operation", checked_allocation(), "One row of the table of operations.")
        .def_property_readonly("name", [](const Operation& row) { return row.name; })
        .def_property_readonly("title", [](const Operation& row) { return row.title; })
        .def_property_readonly("symbol", [](const Operation& row) { return row.symbol; })
        .def_property_readonly("arity", [](const Operation& row) { return row.arity; })
        .def_property_readonly("value", [](const Operation& row) { return row.value; })
        .def_property_readonly("partials", [](const Operation& row) { return of_partials(row, row.dx, row.dy); })
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
        .def_property_readonly("error_kind", [](const Operation& row) { return row.error; })
        .def_property_readonly(
            "commutes", [](const Operation& row) { return has(row.op, Trait::commutes); },
            "Whether x and y may change places: the value keeps its bits.")
        .def_property_readonly(
            "zero_partials",
            [](const Operation& row) {
                return of_partials(row, has(row.op, Trait::zero_dx), has(row.op, Trait::zero_dy));
            },
            "For each derivative, whether it is zero everywhere: no gradient flows there.")
        .def_property_readonly(
            "value_calls", [](const Operation& row) { return has(row.op, Trait::value_calls); },
            "Whether the value calls a function: it is more than arithmetic and choices.")
        .def_property_readonly(
            "partials_call", [](const Operation& row) { return has(row.op, Trait::calls); },
            "Whether the derivatives that are not zero everywhere call a function.")
        .def_property_readonly(
            "has_vector_function", [](const Operation& row) { return has(row.op, Trait::vector); },
            "Whether the C library may compute the value on whole registers.")
        .def("__repr__", [](const Operation& row) { return "Operation(" + std::string(row.name) + ")"; });
    // The names that `from fastgrad import *` imports: it must not hide the builtins sum, max and min.
    const auto builtins = py::module_::import("builtins");
    py::list names;
    for (const Operation& row : operations()) names.append(row.name);
    for (const SequenceOperation& row : sequence_operations) {
        if (!py::hasattr(builtins, row.name.data())) names.append(row.name);
    }
    module.attr("__all__") = names;
    module.def("operations", [] { return tuple_of(operations()); }, "The table of operations, one row each.");

    py::class_<Constant>(module, "Constant", checked_allocation(), "A constant that formulas are written in.")
        .def_property_readonly("name", [](const Constant& row) { return row.name; })
        .def_property_readonly("value", [](const Constant& row) { return row.value; })
        .def_property_readonly("meaning", [](const Constant& row) { return row.meaning; })
        .def("__repr__", [](const Constant& row) { return "Constant(" + std::string(row.name) + ")"; });
    module.def("constants", [] { return tuple_of(constants()); }, "The constants that formulas are written in.");

    py::class_<Helper>(module, "Helper", checked_allocation(), "A function that formulas are written in.")
        .def_property_readonly("name", [](const Helper& row) { return row.name; })
        .def_property_readonly("parameters",
                               [](const Helper& row) {
                                   py::list names;
                                   for (const std::string_view name : row.parameters) {
                                       if (!name.empty()) names.append(name);
                                   }
                                   return py::tuple(names);
                               })
        .def_property_readonly("formula", [](const Helper& row) { return row.formula; })
        .def_property_readonly("meaning", [](const Helper& row) { return row.meaning; })
        .def("__repr__", [](const Helper& row) { return "Helper(" + std::string(row.name) + ")"; });
    module.def("helpers", [] { return tuple_of(helpers()); }, "The functions that formulas are written in.");

    py::class_<SequenceOperation>(module, "SequenceOperation", checked_allocation(),
                                  "One row of the table of operations on sequences.")
        .def_property_readonly("name", [](const SequenceOperation& row) { return row.name; })
        .def_property_readonly("title", [](const SequenceOperation& row) { return row.title; })
        .def_property_readonly("symbol", [](const SequenceOperation& row) { return row.symbol; })
        .def_property_readonly("layout", [](const SequenceOperation& row) { return name_of(row.layout); })
        .def_property_readonly(
            "parameters",
            [](const SequenceOperation& row) { return py::tuple(py::str(row.parameters).attr("split")(", ")); })
        .def_property_readonly("has_several_results",
                               [](const SequenceOperation& row) { return row.results == Results::each; })
        .def_property_readonly("value", [](const SequenceOperation& row) { return row.value; })
        .def("__repr__",
             [](const SequenceOperation& row) { return "SequenceOperation(" + std::string(row.name) + ")"; });
    module.def(
        "sequence_operations", [] { return tuple_of(std::span<const SequenceOperation>(sequence_operations)); },
        "The table of operations on sequences, one row each.");
    module.def(
        "node_kind",
        [](const py::object& value) {
            if (!is_value(value.ptr())) throw py::type_error("needs a Value");
            return name_of(kind_of(node_of(value.ptr())->op));
        },
        py::arg("value"),
        "What made a Value: 'leaf' (nothing), 'custom' (an operation of the program), 'scalar' or 'sequence' (a row\n"
        "of one of the tables), 'element' (it is one result of several).");
}

void register_expansion(py::module_& module) {
    module.def(
        "expanded",
        [](const py::object& value) {
            if (!is_value(value.ptr())) throw py::type_error("needs a Value");
            Node* root = node_of(value.ptr());
            Expansion expansion({&root, 1});
            return value_of(expansion[root]);
        },
        py::arg("value"),
        "The Value again, with every operation on a sequence taken apart into ordinary ones. What is older than all "
        "of\n"
        "these is shared, the rest has a twin, whose gradient is 0.");
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
            result["operand_blocks"] = memory.operand_blocks;
            result["operand_bytes"] = memory.operand_bytes;
            return result;
        },
        "What fastgrad.memory() tells.");
}

void register_build_info(py::module_& module) {
    module.def(
        "build_info",
        [] {
            py::dict result;
            result["compiler"] = compiler();
            result["standard"] = "C++" + std::to_string(cxx_standard());
            result["build_type"] = FASTGRAD_BUILD_TYPE;
            result["asserts"] = asserts();
            result["sanitizers"] = FASTGRAD_SANITIZERS;
            return result;
        },
        "The compiler, the C++ standard, the build type, whether asserts are checked, and the sanitizers, if any.");
}

}  // namespace fastgrad::bind
