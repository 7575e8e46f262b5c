#include "bind/tracing.hpp"

#include <pybind11/pybind11.h>

#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "bind/grad_mode.hpp"
#include "bind/registration.hpp"
#include "bind/value/object.hpp"
#include "bind/value/values.hpp"
#include "core/node_owner.hpp"
#include "core/order.hpp"
#include "core/tape.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

int tracing_threads = 0;

namespace {

struct Trace final : NodeOwner {
    std::vector<std::pair<Node*, bool>> guards;  // owned references
    std::vector<Node*> leaves;                   // owned references
    Node* since;                                 // owned; all nodes of the recording are newer
    int no_grad_depth = 0;                       // outside the call

    Trace() : since(new_epoch()) {}
    ~Trace() {
        for (const auto& [node, answer] : guards) tape.release(node);
        for (Node* leaf : leaves) tape.release(leaf);
        tape.release(since);
    }
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;

    std::vector<Node*> held() const override {
        std::vector<Node*> all = leaves;
        for (const auto& [node, answer] : guards) all.push_back(node);
        all.push_back(since);
        return all;
    }
};

thread_local std::unique_ptr<Trace> trace;

void begin() {
    if (trace) throw py::value_error("this thread is recording a function already");
    trace = std::make_unique<Trace>();
    trace->no_grad_depth = exchange_no_grad_depth(0);
    ++tracing_threads;
}

py::tuple end() {
    if (!trace) throw py::value_error("this thread is not recording a function");
    const auto ended = std::move(trace);
    --tracing_threads;
    exchange_no_grad_depth(ended->no_grad_depth);
    py::list leaves, guards;
    for (Node* leaf : ended->leaves) {
        if (!leaf->object) leaves.append(value_of(leaf));  // otherwise the object was kept, and its number may change
    }
    for (const auto& [node, answer] : ended->guards) guards.append(py::make_tuple(value_of(node), answer));
    return py::make_tuple(value_of(ended->since), leaves, guards);
}

}  // namespace

bool tracing_in_this_thread() { return trace != nullptr; }

void refuse_while_tracing(const char* what) {
    PyFrameObject* frame = PyEval_GetFrame();  // borrowed
    PyCodeObject* code = frame ? PyFrame_GetCode(frame) : nullptr;
    PyErr_Format(PyExc_TypeError,
                 "%s inside a function that is being recorded (%U, line %d) would freeze a number that changes from "
                 "call to call: choose with where(), maximum() or minimum(), cut a gradient with detach(), or do it "
                 "outside",
                 what, code ? code->co_filename : Py_None, frame ? PyFrame_GetLineNumber(frame) : 0);
    Py_XDECREF(code);
}

void note_leaf(Node* leaf) {
    trace->leaves.push_back(leaf);
    Tape::retain(leaf);
}

bool note_guard(Node* condition, bool answer) {
    try {
        trace->guards.emplace_back(condition, answer);
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return false;
    }
    Tape::retain(condition);
    return true;
}

void register_tracing(py::module_& module) {
    module.def("begin_trace", begin, "Record what this thread computes from now on.");
    module.def(
        "end_trace", end,
        "A Value older than all that was recorded, the leaves that were made and let go of, and the conditions that "
        "were asked for, with their answers.");
    module.def(
        "refuse_while_tracing",
        [](const char* what) {
            if (refused_while_tracing(what)) throw py::error_already_set();
        },
        py::arg("what"), "Raise a TypeError that names `what` and the line where this thread records a function.");
    module.def("is_tracing", tracing_in_this_thread, "Whether this thread records a function.");
}

}  // namespace fastgrad::bind
