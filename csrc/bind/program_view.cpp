// Graph.program: the arrays of a compiled program and of its plan, which NumPy reads without a copy. The layouts are
// those of ir/program.hpp and run/plan.hpp.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstddef>
#include <memory>
#include <type_traits>

#include "bind/captured_graph.hpp"
#include "bind/registration.hpp"
#include "bind/value/values.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

namespace {

struct ProgramView : InitOnly {
    explicit ProgramView(std::shared_ptr<CapturedGraph> of) : graph(std::move(of)) {}

    const std::shared_ptr<CapturedGraph> graph;

    const ir::Program& program() const { return graph->program(); }
};

struct Field {
    const char* name;
    py::object format;
    std::size_t offset;
};

py::dtype record(std::size_t size, std::initializer_list<Field> fields) {
    py::list names, formats, offsets;
    for (const Field& field : fields) {
        names.append(field.name);
        formats.append(field.format);
        offsets.append(field.offset);
    }
    return {names, formats, offsets, static_cast<py::ssize_t>(size)};
}

// The NumPy type of a member; an enum becomes its number.
template <class T>
py::dtype format_of() {
    if constexpr (std::is_enum_v<T>) {
        return py::dtype::of<std::underlying_type_t<T>>();
    } else {
        return py::dtype::of<T>();
    }
}

#define FASTGRAD_FIELD(type, member) \
    Field { #member, format_of<decltype(type::member)>(), offsetof(type, member) }

py::dtype type_of(const ir::Instruction*) {
    using T = ir::Instruction;
    return record(sizeof(T), {FASTGRAD_FIELD(T, op), FASTGRAD_FIELD(T, x), FASTGRAD_FIELD(T, y)});
}
py::dtype type_of(const ir::Dot*) {
    using T = ir::Dot;
    return record(sizeof(T), {FASTGRAD_FIELD(T, first), FASTGRAD_FIELD(T, count), FASTGRAD_FIELD(T, addend)});
}
py::dtype type_of(const ir::Guard*) {
    using T = ir::Guard;
    return record(sizeof(T), {FASTGRAD_FIELD(T, condition), FASTGRAD_FIELD(T, expected)});
}
py::dtype type_of_access() {
    using T = run::Access;
    return record(sizeof(T),
                  {FASTGRAD_FIELD(T, first), FASTGRAD_FIELD(T, row_stride), FASTGRAD_FIELD(T, term_stride),
                   FASTGRAD_FIELD(T, repeat_stride), FASTGRAD_FIELD(T, varies), FASTGRAD_FIELD(T, no_gradient)});
}
py::dtype type_of(const run::Run*) {
    using T = run::Run;
    const py::dtype access = type_of_access();
    return record(sizeof(T), {FASTGRAD_FIELD(T, kind),
                              FASTGRAD_FIELD(T, op),
                              FASTGRAD_FIELD(T, begin),
                              FASTGRAD_FIELD(T, count),
                              FASTGRAD_FIELD(T, active),
                              FASTGRAD_FIELD(T, terms),
                              FASTGRAD_FIELD(T, vectors),
                              {"x", access, offsetof(T, x)},
                              {"y", access, offsetof(T, y)},
                              {"addend", access, offsetof(T, addend)}});
}
#undef FASTGRAD_FIELD

template <class T>
py::dtype type_of(const T*) {
    return py::dtype::of<T>();
}

// A read-only array that keeps the graph alive.
template <class T>
py::array view(const py::object& self, const std::vector<T>& elements) {
    const py::array array(type_of(elements.data()), {static_cast<py::ssize_t>(elements.size())},
                          {static_cast<py::ssize_t>(sizeof(T))}, elements.data(), self);
    py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
    return array;
}

template <class Member>
auto array_of(Member member) {
    return [member](const py::object& self) { return view(self, self.cast<const ProgramView&>().program().*member); };
}

py::dict opcodes() {
    py::dict names;
    names[py::int_(static_cast<int>(ir::Opcode::input))] = "input";
    for (const Operation& row : operations()) names[py::int_(static_cast<int>(ir::opcode_of(row.op)))] = row.name;
    names[py::int_(static_cast<int>(ir::Opcode::dot))] = "dot";
    return names;
}

}  // namespace

void register_program_view(py::module_& module) {
    using ir::Program;
    py::class_<ProgramView, std::shared_ptr<ProgramView>>(
        module, "Program", checked_allocation(),
        "The instructions of a graph, and how they run, as read-only NumPy arrays that share its "
        "memory.\n\n"
        "Slots are numbered: bound leaves, then constants, then one for each instruction. An\n"
        "instruction is an operation of `opcodes` with the slots of its operands, `x` and `y` (0 if\n"
        "it has one operand). An \"input\" is the number `x` of those given at each run; a \"dot\" is\n"
        "the row `x` of `dots`: the sum of left[i] * right[i] over `count` terms from `first`, and\n"
        "of the slot `addend`, unless that is 2**32 - 1.")
        .def_property_readonly(
            "inputs", [](const ProgramView& self) { return self.program().inputs; },
            "How many numbers are given at each run.")
        .def_property_readonly(
            "bound", [](const ProgramView& self) { return self.program().bound(); },
            "How many bound leaves there are: the first slots.")
        .def_property_readonly(
            "first_result", [](const ProgramView& self) { return self.program().first_result(); },
            "The slot of the first instruction.")
        .def_property_readonly(
            "first_varying", [](const ProgramView& self) { return self.program().first_varying(); },
            "The slot of the first input: what lies before is the same for all samples.")
        .def_property_readonly("constants", array_of(&Program::constants), "float64.")
        .def_property_readonly("instructions", array_of(&Program::instructions), "Fields op, x, y.")
        .def_property_readonly("dots", array_of(&Program::dots), "Fields first, count, addend.")
        .def_property_readonly("left", array_of(&Program::left), "The slots of the dots' left factors.")
        .def_property_readonly("right", array_of(&Program::right), "The slots of the dots' right factors.")
        .def_property_readonly("outputs", array_of(&Program::outputs), "The slots of the outputs.")
        .def_property_readonly("guards", array_of(&Program::guards),
                               "Fields condition, a slot, and expected: the program holds for inputs where each\n"
                               "condition is nonzero, or zero, as expected.")
        .def_property_readonly(
            "runs",
            [](const py::object& self) { return view(self, self.cast<const ProgramView&>().graph->plan().runs); },
            "The plan: instructions [begin, begin + count * vectors) run together. Fields kind (0: scalars, 1: dots\n"
            "with terms anywhere, 2: one operation over rows, 3: dots over rows), op, begin, count, active (whether\n"
            "a gradient goes through), terms and vectors of dots, and for x, y and addend the slots: first + row *\n"
            "row_stride + term * term_stride + vector * repeat_stride.")
        .def_property_readonly_static(
            "opcodes", [](const py::object&) { return opcodes(); },
            "The name of each operation, by the number that instructions have.");
    auto graph =
        py::reinterpret_borrow<py::class_<CapturedGraph, std::shared_ptr<CapturedGraph>>>(module.attr("Graph"));
    graph.def_property_readonly(
        "program", [](std::shared_ptr<CapturedGraph> self) { return std::make_shared<ProgramView>(std::move(self)); },
        "The instructions of the graph, as read-only NumPy arrays.");
}

}  // namespace fastgrad::bind
