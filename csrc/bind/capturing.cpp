#include "bind/capturing.hpp"

#include <pybind11/pybind11.h>

#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "bind/recording.hpp"
#include "bind/registration.hpp"
#include "bind/value_object.hpp"
#include "bind/values.hpp"
#include "core/holder.hpp"
#include "core/order.hpp"
#include "core/tape.hpp"

namespace py = pybind11;

namespace fastgrad::bind {

int capturing_threads = 0;

namespace {

struct Session final : Holder {
    std::vector<std::pair<Node*, bool>> guards;  // owned references
    std::vector<Node*> leaves;                   // owned references
    Node* marker;                                // owned; the nodes of the recording are newer
    int pauses = 0;                              // of no_grad, around the call

    Session() : marker(new_milestone()) {}
    ~Session() {
        for (const auto& [node, answer] : guards) tape.release(node);
        for (Node* leaf : leaves) tape.release(leaf);
        tape.release(marker);
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    std::vector<Node*> held() const override {
        std::vector<Node*> all = leaves;
        for (const auto& [node, answer] : guards) all.push_back(node);
        all.push_back(marker);
        return all;
    }
};

thread_local std::unique_ptr<Session> session;

void begin() {
    if (session) throw py::value_error("this thread is recording a function already");
    session = std::make_unique<Session>();
    session->pauses = exchange_pauses(0);
    ++capturing_threads;
}

py::tuple end() {
    if (!session) throw py::value_error("this thread is not recording a function");
    const auto ended = std::move(session);
    --capturing_threads;
    exchange_pauses(ended->pauses);
    py::list leaves, guards;
    for (Node* leaf : ended->leaves) {
        if (!leaf->object) leaves.append(value_of(leaf));  // else somebody kept it, and may change it
    }
    for (const auto& [node, answer] : ended->guards) guards.append(py::make_tuple(value_of(node), answer));
    return py::make_tuple(value_of(ended->marker), leaves, guards);
}

}  // namespace

bool capturing_in_this_thread() { return session != nullptr; }

void refuse_while_capturing(const char* what) {
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
    session->leaves.push_back(leaf);
    Tape::retain(leaf);
}

bool note_guard(Node* condition, bool answer) {
    try {
        session->guards.emplace_back(condition, answer);
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
        return false;
    }
    Tape::retain(condition);
    return true;
}

void register_capturing(py::module_& module) {
    module.def("begin_recording", begin, "Record what this thread computes from now on.");
    module.def(
        "end_recording", end,
        "A Value older than all that was recorded, the leaves that were made and let go of, and the conditions that "
        "were asked for, with their answers.");
    module.def(
        "refuse_while_recording",
        [](const char* what) {
            if (refused_while_capturing(what)) throw py::error_already_set();
        },
        py::arg("what"), "Raise a TypeError that names `what` and the line where this thread records a function.");
    module.def("is_recording", capturing_in_this_thread, "Whether this thread records a function.");
}

}  // namespace fastgrad::bind
