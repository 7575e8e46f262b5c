// The reverse sweep: its contributions, and that it leaves nothing behind.
#include <vector>

#include "core/sweep.hpp"
#include "interrupting.hpp"
#include "nodes.hpp"
#include "test.hpp"

using namespace fastgrad;
using namespace fastgrad::test;

TEST("a sweep carries the gradient to every leaf") {
    const Term x = leaf(2.0), y = leaf(3.0);
    const Term z = x * y + x;
    CHECK(sweep(z.node(), 1.0));
    CHECK_EQUAL(z.node()->grad, 1.0);
    CHECK_EQUAL(x.node()->grad, 4.0);
    CHECK_EQUAL(y.node()->grad, 2.0);
}

TEST("a second sweep adds to leaves and starts interior nodes from zero") {
    const Term x = leaf(2.0);
    const Term square = x * x;
    const Term z = square * 3.0;
    CHECK(sweep(z.node(), 1.0));
    CHECK(sweep(z.node(), 1.0));
    CHECK_EQUAL(x.node()->grad, 24.0);
    CHECK_EQUAL(square.node()->grad, 3.0);
}

TEST("a sweep from a leaf sets its gradient to the seed") {
    const Term x = leaf(2.0);
    x.node()->grad = 5.0;
    CHECK(sweep(x.node(), 0.5));
    CHECK_EQUAL(x.node()->grad, 0.5);
}

TEST("a sweep crosses chunks") {
    const Term x = leaf(1.0);
    Term sum = x;
    const int count = 3 * static_cast<int>(nodes_per_chunk);
    for (int i = 0; i < count; ++i) sum = sum + x;
    CHECK(sweep(sum.node(), 1.0));
    CHECK_EQUAL(x.node()->grad, count + 1.0);
}

TEST("a constant operand takes no gradient") {
    const Term x = leaf(2.0);
    const Term z = 3.0 / x;
    CHECK(sweep(z.node(), 1.0));
    CHECK_EQUAL(x.node()->grad, -0.75);
}

TEST("a custom operation multiplies by its local gradients") {
    const Term x = leaf(2.0), y = leaf(3.0);
    const Term node = custom({x.node(), y.node()}, {10.0, 100.0});
    CHECK(sweep((node * 2.0).node(), 1.0));
    CHECK_EQUAL(x.node()->grad, 20.0);
    CHECK_EQUAL(y.node()->grad, 200.0);
}

TEST("a callback adds to its operands, interior ones from zero") {
    const Term x = leaf(2.0);
    const Term interior = x * 5.0;
    interior.node()->grad = 99.0;
    const Term node = custom({interior.node()}, {}, callback([&] {
                                 interior.node()->grad += 7.0;
                                 return true;
                             }));
    CHECK(sweep(node.node(), 1.0));
    CHECK_EQUAL(x.node()->grad, 35.0);
}

TEST("a callback that fails ends the sweep, without marks") {
    const Term x = leaf(2.0);
    const Term below = x * 5.0;
    const Term node = custom({below.node()}, {}, callback([] { return false; }));
    CHECK(!sweep(node.node(), 1.0));
    CHECK(!is_sweeping());
    CHECK_EQUAL(x.node()->grad, 0.0);
    CHECK(!below.node()->has(Node::accumulates));
}

TEST("a callback may sweep another graph, and the one that is being swept") {
    const Term x = leaf(2.0);
    const Term other = x * x;
    const Term shared = x * 10.0;
    const Term node = custom({shared.node()}, {}, callback([&] {
                                 const bool succeeded = sweep(other.node(), 1.0) && sweep(shared.node(), 1.0);
                                 shared.node()->grad += 1.0;
                                 return succeeded;
                             }));
    CHECK(sweep((node + shared).node(), 1.0));
    // 4 and 10 from the inner sweeps, and from the outer one 10 for each of the two gradients of `shared`.
    CHECK_EQUAL(x.node()->grad, 34.0);
    CHECK(!is_sweeping());
}

TEST("a handler of signals can end a sweep, without marks") {
    const Term x = leaf(1.0);
    Term z = x;
    for (std::size_t i = 0; i < 3 * nodes_per_chunk; ++i) z = -z;
    {
        const Interrupting interrupting;
        CHECK(!sweep(z.node(), 1.0));
    }
    CHECK_EQUAL(x.node()->grad, 0.0);
}

TEST("gradients leaves every gradient as it was") {
    const Term x = leaf(2.0), y = leaf(3.0);
    const Term product = x * y;
    product.node()->grad = 5.0;
    Node* const outputs[] = {product.node(), x.node()};
    Node* const variables[] = {x.node(), y.node()};
    const double cotangents[] = {10.0, 100.0};
    std::vector<double> results(2);
    CHECK(gradients(outputs, cotangents, variables, results));
    CHECK_EQUAL(results[0], 130.0);
    CHECK_EQUAL(results[1], 20.0);
    CHECK_EQUAL(product.node()->grad, 5.0);
    CHECK_EQUAL(x.node()->grad, 0.0);
}

TEST("one step back adds to the operands and goes no further") {
    const Term x = leaf(2.0);
    const Term square = x * x;
    const Term z = square * 3.0;
    z.node()->grad = 1.0;
    CHECK(step_back(z.node()));
    CHECK_EQUAL(square.node()->grad, 3.0);
    CHECK_EQUAL(x.node()->grad, 0.0);
}
