// Terms: the formulas of ops.def over numbers that remember how they were computed.
#include <cmath>

#include "core/linearization.hpp"
#include "core/sweep.hpp"
#include "core/term.hpp"
#include "nodes.hpp"
#include "test.hpp"

using namespace fastgrad;
using namespace fastgrad::test;

TEST("constants give a constant, and no node") {
    const std::size_t before = live_nodes();
    const Term result = Term(2.0) * 3.0 + exp(Term(0.0));
    CHECK(result.is(7.0));
    CHECK_EQUAL(live_nodes(), before);
}

TEST("a Term keeps its node alive, copies share it, and a moved one lets go") {
    Term x = leaf(2.0);
    Node* node = x.node();
    const Term copy = x;
    CHECK_EQUAL(node->refs, 2u);
    const Term moved = std::move(x);
    CHECK_EQUAL(node->refs, 2u);
    CHECK(x.is_constant());
    x = 1.0;
    CHECK_EQUAL(node->refs, 2u);
}

TEST("a result that equals an operand to the last bit is that operand") {
    const Term x = leaf(2.0);
    for (const Term& same : {x * 1.0, 1.0 * x, x + -0.0, -0.0 + x, x - 0.0, x / 1.0, pow(x, 1.0)}) {
        CHECK_EQUAL(same.node(), x.node());
    }
}

TEST("adding 0 is an operation: it would turn -0 into 0") {
    const Term x = leaf(-0.0);
    const Term sum = x + 0.0;
    CHECK(sum.node() != x.node());
    CHECK(!std::signbit(sum.data()));
}

TEST("a comparison is a Term, 1 or 0") {
    const Term x = leaf(2.0);
    CHECK_EQUAL((x < 3.0).data(), 1.0);
    CHECK_EQUAL((x >= 3.0).data(), 0.0);
    CHECK(!(x < 3.0).is_constant());
    CHECK(choose(Term(1.0) < 2.0, x, 5.0).node() == x.node());
}

TEST("where passes the gradient to what is chosen") {
    const Term x = leaf(2.0), y = leaf(3.0);
    const Term chosen = choose(x < y, x * 10.0, y * 100.0);
    CHECK_EQUAL(chosen.data(), 20.0);
    CHECK(sweep(chosen.node(), 1.0));
    CHECK_EQUAL(x.node()->grad, 10.0);
    CHECK_EQUAL(y.node()->grad, 0.0);
}

TEST("a derivative that is made of Terms can be differentiated again") {
    const Term x = leaf(0.5);
    const Term y = sin(x) * x;
    Node* const outputs[] = {y.node()};
    Node* const variables[] = {x.node()};
    const Linearization<Term> linearization(outputs, variables, nullptr);
    const Term one = 1.0;
    const Term first = linearization.pull(std::span(&one, 1)).front();
    CHECK_EQUAL(first.data(), std::cos(0.5) * 0.5 + std::sin(0.5));
    CHECK(sweep(first.node(), 1.0));
    CHECK(std::fabs(x.node()->grad - (2.0 * std::cos(0.5) - 0.5 * std::sin(0.5))) < 1e-15);
}
