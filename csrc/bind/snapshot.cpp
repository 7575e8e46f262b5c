// Pickling and deep copies: reduces Values and restores them. The core defines the bytes.
#include "core/snapshot.hpp"

#include <memory>
#include <stdexcept>

#include "bind/oom.hpp"
#include "bind/registration.hpp"
#include "bind/value/copying.hpp"
#include "bind/value/object.hpp"
#include "bind/value/values.hpp"
#include "core/custom_operation.hpp"
#include "core/tape.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

namespace {

struct PythonSnapshot final : Snapshot, InitOnly {
    using Snapshot::Snapshot;
};

std::shared_ptr<PythonSnapshot> read_snapshot(const py::bytes& data, const py::list& shared_nodes) {
    std::vector<Node*> nodes;
    for (const py::handle value : shared_nodes) {
        if (!is_value(value.ptr())) throw std::invalid_argument("not a snapshot of a graph: it refers to no Value");
        nodes.push_back(node_of(value.ptr()));
    }
    auto snapshot = std::make_shared<PythonSnapshot>(std::string_view(data), nodes);
    for (const Node* node : snapshot->nodes()) {
        if (node->has(Node::labeled)) require_unicode(tape.label(node));
        if (node->op == Op::custom) require_unicode(node->x.custom->symbol);
    }
    for (const py::handle value : shared_nodes) hold_if_subclass(value.ptr());
    return snapshot;
}

py::tuple reduce(const PythonSnapshot& snapshot) {
    py::list shared_nodes;
    for (Node* node : snapshot.shared_nodes()) shared_nodes.append(value_of(node));
    return py::make_tuple(py::type::of<PythonSnapshot>(), py::make_tuple(new_bytes(snapshot.bytes()), shared_nodes));
}

// A leaf that has a Python object is reduced separately, so that it remains one object however it is reached.
bool is_reduced_by_itself(const Node* node) {
    if (!is_copyable(node)) throw py::error_already_set();
    return node->is_leaf() && node->object;
}

// Any other node is a position in a graph: in a graph that pickle or deepcopy already holds, if the node is part of
// one.
py::object pickle_position(const py::object& value) {
    if (!is_value(value.ptr())) throw py::type_error("needs a Value");
    Node* node = node_of(value.ptr());
    if (const Snapshot* found = Snapshot::find(node)) {
        const auto* snapshot = static_cast<const PythonSnapshot*>(found);
        return py::make_tuple(py::cast(snapshot, py::return_value_policy::reference), snapshot->position(node));
    }
    if (node->is_leaf()) return py::none();
    auto snapshot = std::make_shared<PythonSnapshot>(node, is_reduced_by_itself);
    const std::uint32_t position = snapshot->position(node);
    return py::make_tuple(py::cast(std::move(snapshot)), position);
}

}  // namespace

void register_snapshot(py::module_& module) {
    py::class_<PythonSnapshot, std::shared_ptr<PythonSnapshot>>(module, "Snapshot", checked_allocation(),
                                                                "A graph on its way through pickle or deepcopy.")
        .def(py::init(&read_snapshot), py::arg("data"), py::arg("shared_nodes"))
        .def(
            "value",
            [](const PythonSnapshot& snapshot, std::size_t position) {
                if (position >= snapshot.nodes().size())
                    throw py::index_error("the graph has no Value at this position");
                return value_of(snapshot.nodes()[position]);
            },
            py::arg("position"), "The Value at a position.")
        .def("__reduce__", &reduce);
    module.def("pickle_position", &pickle_position, py::arg("value"),
               "The snapshot of a Value's graph and the Value's position in it; None for a leaf of no snapshot.");
}

}  // namespace fastgrad::bind
