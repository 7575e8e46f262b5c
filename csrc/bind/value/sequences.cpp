// The operations on sequences, as functions of the module.
#include "core/sequences.hpp"

#include <Python.h>

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

// A list or tuple of what was given, whose elements can be read fast.
class Items {
 public:
    Items(PyObject* given, const char* function) {
        if (PyList_CheckExact(given) || PyTuple_CheckExact(given)) {
            items_ = Py_NewRef(given);
        } else if (is_value(given) || !Py_TYPE(given)->tp_iter) {
            PyErr_Format(PyExc_TypeError, "%s() needs a sequence of numbers, not %.200R of type '%.100s'", function,
                         given, Py_TYPE(given)->tp_name);
        } else if (PyObject* tolist = PyObject_GetAttrString(given, "tolist")) {
            items_ = PyObject_CallNoArgs(tolist);  // an array: floats are read faster than its scalars
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

// What one of the functions was given, on its way to a node.
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

    // New references, or null with an error set.
    PyObject* value() {
        if (has_values_ && tracing()) return value_of(expanded().front());
        const double value = sequences::evaluate(op_, *operands_);
        if (!has_values_) return PyFloat_FromDouble(value);
        if (!grad_enabled()) return new_value(tape.leaf(value));
        return new_value(make_node(value));
    }
    PyObject* list_of_results() {
        if (has_values_ && tracing()) return list_of_terms();
        const double value = sequences::evaluate(op_, *operands_);
        std::vector<double> results(operands_->size());
        sequences::results(op_, *operands_, results);
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

 private:
    const char* name() const { return sequence_operation(op_).name.data(); }

    // While a function is recorded, the recording gets to see what the operation is made of.
    std::vector<Term> expanded() const { return expand(op_, terms_of(*operands_), operands_->target); }
    static PyObject* value_of(const Term& result) { return wrap(result.node()); }
    PyObject* list_of_terms() {
        const std::vector<Term> results = expanded();
        PyObject* list = PyList_New(static_cast<Py_ssize_t>(results.size()));
        for (std::size_t i = 0; list && i < results.size(); ++i) {
            PyObject* result = value_of(results[i]);
            if (!result) {
                Py_CLEAR(list);
                break;
            }
            PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i), result);
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

bool require_elements(const Items& items, const char* function) {
    if (items.size() != 0) return true;
    PyErr_Format(PyExc_ValueError, "%s() of an empty sequence: give one number at least", function);
    return false;
}

bool require_equal_sizes(const Items& x, const char* xs, const Items& y, const char* ys, const char* function) {
    if (x.size() == y.size()) return true;
    PyErr_Format(PyExc_ValueError, "%s() needs as many %s as %s, got %zd and %zd", function, xs, ys, x.size(),
                 y.size());
    return false;
}

template <Op op>
PyObject* reduce(PyObject*, PyObject* given) {
    const char* name = sequence_operation(op).name.data();
    return guarded([&]() -> PyObject* {
        const Items items(given, name);
        if (!items) return nullptr;
        if (op == Op::sum && items.size() == 0) return PyFloat_FromDouble(0.0);
        if (!require_elements(items, name)) return nullptr;
        SequenceCall call(op, static_cast<std::size_t>(items.size()));
        if (!call.read(items, 0, 1)) return nullptr;
        return has_several_results(op) ? call.list_of_results() : call.value();
    });
}

PyObject* dot(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    const Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
    const bool is_known =
        named == 0 || (named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "bias") == 0);
    if (count < 2 || count + named > 3 || !is_known) {
        return PyErr_Format(PyExc_TypeError, "dot() takes ws, xs, and an optional bias");
    }
    PyObject* bias = count + named == 3 ? args[2] : nullptr;
    return guarded([&]() -> PyObject* {
        const Items ws(args[0], "dot"), xs(args[1], "dot");
        if (!ws || !xs || !require_equal_sizes(ws, "weights", xs, "numbers", "dot")) return nullptr;
        const auto size = static_cast<std::size_t>(ws.size());
        if (size == 0) {
            SequenceCall call(Op::sum, 1);
            return !bias ? PyFloat_FromDouble(0.0) : call.read(bias, 0) ? call.value() : nullptr;
        }
        SequenceCall call(Op::dot, 2 * size + (bias ? 1 : 0));
        if (!call.read(ws, 0, 2) || !call.read(xs, 1, 2) || (bias && !call.read(bias, 2 * size))) return nullptr;
        return call.value();
    });
}

PyObject* mse(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (count != 2) return PyErr_Format(PyExc_TypeError, "mse() takes predictions and targets");
    return guarded([&]() -> PyObject* {
        const Items predictions(args[0], "mse"), targets(args[1], "mse");
        if (!predictions || !targets || !require_elements(predictions, "mse") ||
            !require_equal_sizes(predictions, "predictions", targets, "targets", "mse")) {
            return nullptr;
        }
        SequenceCall call(Op::mse, 2 * static_cast<std::size_t>(predictions.size()));
        if (!call.read(predictions, 0, 2) || !call.read(targets, 1, 2)) return nullptr;
        return call.value();
    });
}

// The number of a class; -1 with an error set.
Py_ssize_t read_target(PyObject* given, Py_ssize_t classes) {
    if (!PyIndex_Check(given)) {
        PyErr_Format(PyExc_TypeError,
                     "the target of cross_entropy() is the number of a class, an int, not %.200R of type '%.100s'; "
                     "where it changes from sample to sample, or is a distribution, take "
                     "-dot(distribution, log_softmax(logits))",
                     given, Py_TYPE(given)->tp_name);
        return -1;
    }
    const Py_ssize_t target = PyNumber_AsSsize_t(given, PyExc_IndexError);
    if (target == -1 && PyErr_Occurred()) return -1;
    if (target < 0 || target >= classes) {
        PyErr_Format(PyExc_IndexError, "the target of cross_entropy() is one of 0 to %zd for %zd logits, not %zd",
                     classes - 1, classes, target);
        return -1;
    }
    return target;
}

PyObject* cross_entropy(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (count != 2) return PyErr_Format(PyExc_TypeError, "cross_entropy() takes logits and a target");
    return guarded([&]() -> PyObject* {
        const Items logits(args[0], "cross_entropy");
        if (!logits || !require_elements(logits, "cross_entropy")) return nullptr;
        SequenceCall call(Op::cross_entropy, static_cast<std::size_t>(logits.size()));
        const Py_ssize_t target = read_target(args[1], logits.size());
        if (target < 0) return nullptr;
        call.set_target(static_cast<std::size_t>(target));
        return call.read(logits, 0, 1) ? call.value() : nullptr;
    });
}

PyMethodDef sequence_functions[] = {
    {"sum", reduce<Op::sum>, METH_O,
     "sum(xs, /)\n--\n\nThe sum of n Values or numbers, added from left to right: one Value, or a float for numbers\n"
     "alone; 0.0 of none.\n\nRaises:\n    TypeError: an element is not a real number."},
    {"mean", reduce<Op::mean>, METH_O,
     "mean(xs, /)\n--\n\nThe arithmetic mean of n Values or numbers, sum(xs) / n.\n\nRaises:\n"
     "    TypeError: an element is not a real number.\n    ValueError: n is 0."},
    {"max", reduce<Op::max>, METH_O,
     "max(xs, /)\n--\n\nThe largest of n Values or numbers, as maximum(maximum(x[0], x[1]), ...): of two equal ones\n"
     "each takes half of the gradient. nan among them makes it nan.\n\nRaises:\n"
     "    TypeError: an element is not a real number.\n    ValueError: n is 0."},
    {"min", reduce<Op::min>, METH_O,
     "min(xs, /)\n--\n\nThe smallest of n Values or numbers, as minimum(minimum(x[0], x[1]), ...): of two equal "
     "ones\n"
     "each takes half of the gradient. nan among them makes it nan.\n\nRaises:\n"
     "    TypeError: an element is not a real number.\n    ValueError: n is 0."},
    {"norm", reduce<Op::norm>, METH_O,
     "norm(xs, /)\n--\n\nThe Euclidean length of n Values or numbers. Neither overflows nor loses small numbers on\n"
     "the way; the gradient at the origin is 0.\n\nRaises:\n"
     "    TypeError: an element is not a real number.\n    ValueError: n is 0."},
    {"logsumexp", reduce<Op::logsumexp>, METH_O,
     "logsumexp(xs, /)\n--\n\nlog(exp(x[0]) + exp(x[1]) + ...) of n Values or numbers, shifted by the largest so "
     "that\n"
     "nothing overflows (Blanchard, Higham & Higham 2021); -inf where all are -inf.\n\nRaises:\n"
     "    TypeError: an element is not a real number.\n    ValueError: n is 0."},
    {"softmax", reduce<Op::softmax>, METH_O,
     "softmax(xs, /)\n--\n\nexp(x[i]) / sum(exp(x)) of n logits, Values or numbers: a list of n that add up to 1, "
     "of\n"
     "Values, or of floats for numbers alone. Nothing overflows.\n\nRaises:\n"
     "    TypeError: an element is not a real number.\n    ValueError: n is 0."},
    {"log_softmax", reduce<Op::log_softmax>, METH_O,
     "log_softmax(xs, /)\n--\n\nx[i] - logsumexp(x) of n logits, Values or numbers: a list of n, of Values, or of "
     "floats\n"
     "for numbers alone. Nothing overflows, and small probabilities keep their digits.\n\nRaises:\n"
     "    TypeError: an element is not a real number.\n    ValueError: n is 0."},
    {"dot", as_c_function(dot), METH_FASTCALL | METH_KEYWORDS,
     "dot(ws, xs, /, bias=0)\n--\n\nbias + w[0] * x[0] + w[1] * x[1] + ... of two sequences of n Values or numbers, "
     "added\n"
     "from left to right: one Value, or a float for numbers alone.\n\nRaises:\n"
     "    TypeError: an element or the bias is not a real number.\n    ValueError: the sequences differ in length."},
    {"mse", as_c_function(mse), METH_FASTCALL,
     "mse(predictions, targets, /)\n--\n\nThe mean of the squared differences of two sequences of n Values or "
     "numbers.\n\n"
     "Raises:\n    TypeError: an element is not a real number.\n"
     "    ValueError: n is 0, or the sequences differ in length."},
    {"cross_entropy", as_c_function(cross_entropy), METH_FASTCALL,
     "cross_entropy(logits, target, /)\n--\n\nlogsumexp(logits) - logits[target], the negative log-likelihood (nats) "
     "of the\n"
     "class `target` under softmax(logits), for n logits, Values or numbers. Nothing overflows. For a distribution "
     "over\n"
     "the classes take -dot(distribution, log_softmax(logits)).\n\nRaises:\n"
     "    TypeError: a logit is not a real number, or the target is not an int.\n"
     "    IndexError: the target is not one of 0 to n - 1.\n    ValueError: n is 0."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyObject* largest_of(PyObject* xs) { return reduce<Op::max>(nullptr, xs); }
PyObject* smallest_of(PyObject* xs) { return reduce<Op::min>(nullptr, xs); }

bool add_sequence_functions(PyObject* module) { return PyModule_AddFunctions(module, sequence_functions) == 0; }

}  // namespace fastgrad::bind
