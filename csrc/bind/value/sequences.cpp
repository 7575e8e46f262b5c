// The sequence operations as functions of the module. There is one function for each layout of sequences.def, because
// how arguments become operands does not depend on the operation.
#include "core/sequences.hpp"

#include <Python.h>

#include <deque>
#include <string>
#include <vector>

#include "bind/grad_mode.hpp"
#include "bind/guarded.hpp"
#include "bind/tracing.hpp"
#include "bind/value/convert.hpp"
#include "bind/value/slots.hpp"
#include "core/expand.hpp"
#include "core/tape.hpp"

namespace fastgrad::bind {

namespace {

// A list or tuple of the given items, which gives fast access to its elements.
class Items {
 public:
    Items(PyObject* given, const char* function) {
        if (PyList_CheckExact(given) || PyTuple_CheckExact(given)) {
            items_ = Py_NewRef(given);
        } else if (is_value(given) || !Py_TYPE(given)->tp_iter) {
            PyErr_Format(PyExc_TypeError, "%s() needs a sequence of numbers, not %.200R of type '%.100s'", function,
                         given, Py_TYPE(given)->tp_name);
        } else if (PyObject* tolist = PyObject_GetAttrString(given, "tolist")) {
            items_ = PyObject_CallNoArgs(tolist);  // for an array: floats are read faster than its scalars
            Py_DECREF(tolist);
        } else if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
            PyErr_Clear();
            items_ = PySequence_List(given);
        }
    }
    ~Items() { Py_XDECREF(items_); }
    Items(const Items&) = delete;
    Items& operator=(const Items&) = delete;

    explicit operator bool() const { return items_ != nullptr; }
    Py_ssize_t size() const { return PySequence_Fast_GET_SIZE(items_); }
    PyObject* const* begin() const { return PySequence_Fast_ITEMS(items_); }

 private:
    PyObject* items_ = nullptr;
};

// A call of one of the functions: reads its arguments and creates the node.
class SequenceCall {
 public:
    // Throws std::bad_alloc.
    SequenceCall(Op op, std::size_t size) : op_(op), operands_(OperandList::make(op, size)) {}

    // Puts the items at first, first + step, ...; false with an error set.
    bool read(const Items& items, std::size_t first, std::size_t step) {
        const Py_ssize_t size = items.size();
        PyObject* const* item = items.begin();
        std::size_t position = first;
        OperandList::View operands = operands_->view();
        bool has_values = false;
        for (Py_ssize_t i = 0; i < size; ++i, ++item, position += step) {
            if (Py_TYPE(*item) == value_type) [[likely]] {
                operands.set(position, node_of(*item));
                has_values = true;
            } else if (PyFloat_CheckExact(*item)) {
                operands.set(position, PyFloat_AS_DOUBLE(*item));
            } else {
                if (!read(*item, position)) return false;
                if (items.size() != size) {  // reading a number may have run Python code
                    PyErr_Format(PyExc_RuntimeError, "%s(): a list changed its size while it was read", name());
                    return false;
                }
                item = items.begin() + i;
            }
        }
        has_values_ |= has_values;
        return true;
    }
    bool read(PyObject* item, std::size_t position) {
        if (is_value(item)) {
            operands_->view().set(position, node_of(item));
            has_values_ = true;
            has_subclasses_ |= Py_TYPE(item) != value_type;
            return true;
        }
        double number;
        const Conversion conversion = to_double(item, number);
        if (conversion == Conversion::done) operands_->view().set(position, number);
        if (conversion == Conversion::not_a_number) {
            const std::string element = std::string("an element of ") + name() + "()";
            require_double(item, number, element.c_str());
        }
        return conversion == Conversion::done;
    }

    void set_target(std::size_t target) { operands_->target = static_cast<std::uint32_t>(target); }

    // The function's result. New reference, or null with an error set.
    PyObject* result() { return has_several_results(op_) ? list_of_results() : value(); }

 private:
    PyObject* value() {
        if (has_values_ && tracing()) return wrap(expanded().front().node());
        const double value = sequences::evaluate(op_, *operands_);
        if (!has_values_) return PyFloat_FromDouble(value);
        if (!grad_enabled()) return new_value(tape.leaf(value));
        return new_value(make_node(value));
    }
    PyObject* list_of_results() {
        if (has_values_ && tracing()) return list_of_terms();
        std::vector<double> results(operands_->size());
        const double value = sequences::evaluate(op_, *operands_, results);
        const bool is_graph = has_values_ && grad_enabled();
        Node* node = is_graph ? make_node(value) : nullptr;
        PyObject* list = PyList_New(static_cast<Py_ssize_t>(results.size()));
        for (std::size_t i = 0; list && i < results.size(); ++i) {
            PyObject* result = has_values_
                                   ? new_value(is_graph ? element(node, i, results[i]) : tape.leaf(results[i]))
                                   : PyFloat_FromDouble(results[i]);
            if (!result) Py_CLEAR(list);
            if (list) PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i), result);
        }
        if (node) tape.release(node);
        return list;
    }

    const char* name() const { return sequence_operation(op_).name.data(); }

    // The nodes that the operation expands to, for a function that is being traced.
    std::vector<Term> expanded() const { return expand(op_, terms_of(*operands_), operands_->target); }
    PyObject* list_of_terms() {
        const std::vector<Term> results = expanded();
        PyObject* list = PyList_New(static_cast<Py_ssize_t>(results.size() - 1));
        for (std::size_t i = 1; list && i < results.size(); ++i) {
            PyObject* result = wrap(results[i].node());
            if (!result) {
                Py_CLEAR(list);
                break;
            }
            PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i - 1), result);
        }
        return list;
    }

    Node* make_node(double value) {
        if (has_subclasses_) {
            const OperandList::View operands = operands_->view();
            for (std::size_t i = 0; i < operands.size(); ++i) {
                if (operands.is_constant(i)) continue;
                if (void* object = operands.node(i)->object) hold_if_subclass(static_cast<PyObject*>(object));
            }
        }
        return tape.sequence(op_, value, std::move(operands_));
    }
    static Node* element(Node* node, std::size_t i, double result) {
        return tape.binary(Op::element, result, node, static_cast<double>(i), Node::y_is_constant);
    }
    static PyObject* new_value(Node* node) { return adopt(node); }

    Op op_;
    OperandList::Pointer operands_;
    bool has_values_ = false, has_subclasses_ = false;
};

// The name of a row's first or second parameter.
std::string parameter(const SequenceOperation& row, int i) {
    const std::size_t comma = row.parameters.find(", ");
    return std::string(i == 0 ? row.parameters.substr(0, comma) : row.parameters.substr(comma + 2));
}

bool require_elements(const SequenceOperation& row, std::size_t size) {
    if (size != 0 || row.of_none == OfNone::zero) return true;
    PyErr_Format(PyExc_ValueError, "%s() of an empty sequence: give one number at least", row.name.data());
    return false;
}

// A position among `size` numbers; -1 with an error set.
Py_ssize_t read_target(const SequenceOperation& row, PyObject* given, Py_ssize_t size) {
    if (!PyIndex_Check(given)) {
        PyErr_Format(PyExc_TypeError,
                     "the target of %s() is the number of a class, an int, not %.200R of type '%.100s'; "
                     "where it changes from sample to sample, or is a distribution, take "
                     "-dot(distribution, log_softmax(logits))",
                     row.name.data(), given, Py_TYPE(given)->tp_name);
        return -1;
    }
    const Py_ssize_t target = PyNumber_AsSsize_t(given, PyExc_IndexError);
    if (target == -1 && PyErr_Occurred()) return -1;
    if (target < 0 || target >= size) {
        PyErr_Format(PyExc_IndexError, "the target of %s() is one of 0 to %zd for %zd %s, not %zd", row.name.data(),
                     size - 1, size, parameter(row, 0).c_str(), target);
        return -1;
    }
    return target;
}

// --- one function for each layout. New references, or null with an error set.

PyObject* call_sequence(const SequenceOperation& row, PyObject* given) {
    return guarded([&]() -> PyObject* {
        const Items items(given, row.name.data());
        if (!items) return nullptr;
        const auto size = static_cast<std::size_t>(items.size());
        if (!require_elements(row, size)) return nullptr;
        if (size == 0) return PyFloat_FromDouble(0.0);
        SequenceCall call(row.op, size);
        return call.read(items, 0, 1) ? call.result() : nullptr;
    });
}

// `bias` is null if there is none.
PyObject* call_pairs(const SequenceOperation& row, PyObject* first, PyObject* second, PyObject* bias) {
    return guarded([&]() -> PyObject* {
        const char* name = row.name.data();
        const Items xs(first, name), ys(second, name);
        if (!xs || !ys) return nullptr;
        if (xs.size() != ys.size()) {
            return PyErr_Format(PyExc_ValueError, "%s() needs as many %s as %s, got %zd and %zd", name,
                                parameter(row, 0).c_str(), parameter(row, 1).c_str(), xs.size(), ys.size());
        }
        const auto pairs = static_cast<std::size_t>(xs.size());
        if (!require_elements(row, pairs)) return nullptr;
        if (pairs == 0) {
            SequenceCall call(Op::sum, 1);
            return !bias ? PyFloat_FromDouble(0.0) : call.read(bias, 0) ? call.result() : nullptr;
        }
        SequenceCall call(row.op, 2 * pairs + (bias ? 1 : 0));
        if (!call.read(xs, 0, 2) || !call.read(ys, 1, 2) || (bias && !call.read(bias, 2 * pairs))) return nullptr;
        return call.result();
    });
}

PyObject* call_with_target(const SequenceOperation& row, PyObject* given, PyObject* target) {
    return guarded([&]() -> PyObject* {
        const Items items(given, row.name.data());
        if (!items || !require_elements(row, static_cast<std::size_t>(items.size()))) return nullptr;
        SequenceCall call(row.op, static_cast<std::size_t>(items.size()));
        const Py_ssize_t position = read_target(row, target, items.size());
        if (position < 0) return nullptr;
        call.set_target(static_cast<std::size_t>(position));
        return call.read(items, 0, 1) ? call.result() : nullptr;
    });
}

// --- the functions of the module

template <Op op>
PyObject* of_sequence(PyObject*, PyObject* given) {
    return call_sequence(sequence_operation(op), given);
}

template <Op op>
PyObject* of_pairs(PyObject*, PyObject* const* args, Py_ssize_t count) {
    const SequenceOperation& row = sequence_operation(op);
    if (count == 2) return call_pairs(row, args[0], args[1], nullptr);
    return PyErr_Format(PyExc_TypeError, "%s() takes %s and %s", row.name.data(), parameter(row, 0).c_str(),
                        parameter(row, 1).c_str());
}

template <Op op>
PyObject* of_pairs_and_bias(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    const SequenceOperation& row = sequence_operation(op);
    const Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
    const bool is_known =
        named == 0 || (named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "bias") == 0);
    if (count >= 2 && count + named <= 3 && is_known) {
        return call_pairs(row, args[0], args[1], count + named == 3 ? args[2] : nullptr);
    }
    return PyErr_Format(PyExc_TypeError, "%s() takes %s, %s, and an optional bias", row.name.data(),
                        parameter(row, 0).c_str(), parameter(row, 1).c_str());
}

template <Op op>
PyObject* of_sequence_and_target(PyObject*, PyObject* const* args, Py_ssize_t count) {
    const SequenceOperation& row = sequence_operation(op);
    if (count == 2) return call_with_target(row, args[0], args[1]);
    return PyErr_Format(PyExc_TypeError, "%s() takes %s and a %s", row.name.data(), parameter(row, 0).c_str(),
                        parameter(row, 1).c_str());
}

std::string docstring(const SequenceOperation& row) {
    const bool is_biased = row.layout == Layout::pairs_and_bias, is_refused = row.of_none == OfNone::refused;
    std::string text(row.name);
    text.append("(").append(row.parameters).append(is_biased ? ", /, bias=0" : ", /").append(")\n--\n\n");
    text.append(row.description).append("\n\nRaises:\n    TypeError: an element ");
    switch (row.layout) {
        case Layout::sequence:
            return text.append("is not a real number.").append(is_refused ? "\n    ValueError: n is 0." : "");
        case Layout::pairs:
        case Layout::pairs_and_bias:
            return text.append(is_biased ? "or the bias is not a real number." : "is not a real number.")
                .append(is_refused ? "\n    ValueError: n is 0, or the" : "\n    ValueError: the")
                .append(" sequences differ in length.");
        case Layout::sequence_and_target:
            return text.append("is not a real number, or the target is not an int.\n")
                .append("    IndexError: the target is not one of 0 to n - 1.")
                .append(is_refused ? "\n    ValueError: n is 0." : "");
    }
    unreachable();
}

template <Op op>
PyMethodDef method(const char* doc) {
    constexpr const SequenceOperation& row = sequence_operation(op);
    const char* name = row.name.data();
    switch (row.layout) {
        case Layout::sequence: return {name, of_sequence<op>, METH_O, doc};
        case Layout::pairs: return {name, as_c_function(of_pairs<op>), METH_FASTCALL, doc};
        case Layout::pairs_and_bias:
            return {name, as_c_function(of_pairs_and_bias<op>), METH_FASTCALL | METH_KEYWORDS, doc};
        case Layout::sequence_and_target:
            return {name, as_c_function(of_sequence_and_target<op>), METH_FASTCALL, doc};
    }
    unreachable();
}

// Python keeps pointers to them, so they are never destroyed.
struct Methods {
    std::deque<std::string> docs;  // a deque, because its elements stay where they are
    std::vector<PyMethodDef> rows;

    Methods() {
#define FASTGRAD_SEQUENCE(name, ...) \
    rows.push_back(method<Op::name>(docs.emplace_back(docstring(sequence_operation(Op::name))).c_str()));
#include "sequences.def"
        rows.push_back({nullptr, nullptr, 0, nullptr});
    }
};

}  // namespace

PyObject* largest_of(PyObject* xs) { return call_sequence(sequence_operation(Op::max), xs); }
PyObject* smallest_of(PyObject* xs) { return call_sequence(sequence_operation(Op::min), xs); }

bool add_sequence_functions(PyObject* module) {
    static auto& methods = *new Methods;
    return PyModule_AddFunctions(module, methods.rows.data()) == 0;
}

}  // namespace fastgrad::bind
