// The operands of sequence operations.
#include <utility>
#include <vector>

#include "core/operand_list.hpp"
#include "core/sequences.hpp"
#include "core/sweep.hpp"
#include "nodes.hpp"
#include "test.hpp"

using namespace fastgrad;
using namespace fastgrad::test;

TEST("a new list has constants, all of them 0") {
    const OperandList::Pointer list = OperandList::make(Op::sum, 3);
    CHECK_EQUAL(list->size(), 3u);
    CHECK(list->view().is_constant(2));
    CHECK_EQUAL(list->view()[2], 0.0);
    CHECK(list->saved().empty());
}

TEST("a list holds its nodes until it goes") {
    const Term x = leaf(2.0);
    {
        const OperandList::Pointer list = list_of(Op::sum, {x, 5.0, x});
        CHECK_EQUAL(x.node()->refs, 3u);
        CHECK_EQUAL(list->view()[0], 2.0);
        CHECK_EQUAL(list->view()[1], 5.0);
    }
    CHECK_EQUAL(x.node()->refs, 1u);
}

TEST("lists and their bytes are counted") {
    const std::size_t lists = OperandList::live(), bytes = OperandList::live_bytes();
    {
        const OperandList::Pointer list = OperandList::make(Op::mean, 10);
        CHECK_EQUAL(OperandList::live(), lists + 1);
        CHECK(OperandList::live_bytes() >= bytes + 10 * sizeof(Operand));
    }
    CHECK_EQUAL(OperandList::live(), lists);
    CHECK_EQUAL(OperandList::live_bytes(), bytes);
}

TEST("a copy has the same operands and saved numbers, and is a list of its own") {
    const Term x = leaf(3.0), y = leaf(4.0);
    const OperandList::Pointer list = list_of(Op::norm, {x, y});
    CHECK_EQUAL(sequences::evaluate(Op::norm, *list), 5.0);
    const OperandList::Pointer twin = list->copy(Op::norm);
    CHECK_EQUAL(x.node()->refs, 3u);
    CHECK_EQUAL(twin->saved()[1], 5.0);
    twin->saved()[1] = 0.0;
    CHECK_EQUAL(list->saved()[1], 5.0);
}

TEST("a node owns its list, and a sweep goes through it") {
    const Term x = leaf(2.0), y = leaf(3.0);
    const Term dot = sequence(Op::dot, {x, y, x, 10.0, 1.0});
    CHECK_EQUAL(dot.data(), 27.0);
    CHECK(sweep(dot.node(), 1.0));
    CHECK_EQUAL(x.node()->grad, 13.0);
    CHECK_EQUAL(y.node()->grad, 2.0);
}

TEST("exponentials do not overflow") { CHECK_EQUAL(sequence(Op::logsumexp, {leaf(1e308), leaf(0.0)}).data(), 1e308); }

TEST("each result of a softmax adds to the gradients of all of them") {
    const Term x = leaf(0.0), y = leaf(0.0);
    const Term softmax = sequence(Op::softmax, {x, y});
    double results[2];
    sequences::evaluate(Op::softmax, *softmax.node()->x.list, results);
    CHECK_EQUAL(results[0], 0.5);
    const Term first = Term::adopt(tape.binary(Op::element, results[0], softmax.node(), 0.0, Node::y_is_constant));
    CHECK(sweep(first.node(), 4.0));
    CHECK_EQUAL(x.node()->grad, 1.0);
    CHECK_EQUAL(y.node()->grad, -1.0);
}

TEST("constants in a list become leaves when they are materialized") {
    const Term x = leaf(2.0);
    const Term sum = sequence(Op::sum, {x, 5.0});
    tape.materialize_constants(sum.node());
    const OperandList::View operands = sum.node()->x.list->view();
    CHECK(!operands.is_constant(1));
    CHECK_EQUAL(operands.node(1)->data, 5.0);
    CHECK_EQUAL(operands.node(1)->refs, 1u);
}
