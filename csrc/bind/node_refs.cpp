#include "bind/node_refs.hpp"

#include <cstdint>
#include <string>

#include "bind/value/object.hpp"
#include "bind/value/values.hpp"
#include "core/node_index.hpp"
#include "core/tape.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

NodeRefs::NodeRefs(std::vector<Node*> nodes) : nodes_(std::move(nodes)) {
    for (Node* node : nodes_) {
        Tape::retain(node);
        if (node->object) hold_if_subclass(static_cast<PyObject*>(node->object));
    }
}

NodeRefs::~NodeRefs() {
    for (Node* node : nodes_) tape.release_slot(node);
}

py::tuple NodeRefs::values() const {
    py::tuple values = new_tuple(nodes_.size());
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        PyTuple_SET_ITEM(values.ptr(), static_cast<Py_ssize_t>(i), value_of(nodes_[i]).release().ptr());
    }
    return values;
}

std::vector<Node*> nodes_of(const py::sequence& values, const char* what, const char* hint) {
    std::vector<Node*> nodes;
    nodes.reserve(values.size());
    for (const py::handle value : values) {
        if (!is_value(value.ptr())) {
            PyErr_Format(PyExc_TypeError, "%s must be Values, not %.200R%s", what, value.ptr(), hint);
            throw py::error_already_set();
        }
        nodes.push_back(node_of(value.ptr()));
    }
    return nodes;
}

void require_distinct_leaves(const std::vector<Node*>& nodes, const char* what) {
    NodeIndex position;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (!nodes[i]->is_leaf()) {
            throw py::value_error(std::string(what) + " " + std::to_string(i) + ", " +
                                  std::string(py::repr(value_of(nodes[i]))) +
                                  ", is not a leaf: name what it was computed from");
        }
        std::uint32_t& earlier = position[nodes[i]];
        if (earlier != NodeIndex::absent) {
            throw py::value_error(std::string(what) + "s " + std::to_string(earlier) + " and " + std::to_string(i) +
                                  " are the same Value: give it once");
        }
        earlier = static_cast<std::uint32_t>(i);
    }
}

}  // namespace fastgrad::bind
