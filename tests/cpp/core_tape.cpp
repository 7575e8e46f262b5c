// The lifetime of nodes, and which memory of the store is reused.
#include <cstdint>
#include <optional>
#include <vector>

#include "core/tape.hpp"
#include "nodes.hpp"
#include "test.hpp"

using namespace fastgrad;
using namespace fastgrad::test;

TEST("a node dies with its last reference") {
    const std::size_t before = live_nodes();
    Node* node = tape.leaf(2.0);
    CHECK_EQUAL(node->refs, 1u);
    Tape::retain(node);
    tape.release(node);
    CHECK_EQUAL(live_nodes(), before + 1);
    tape.release(node);
    CHECK_EQUAL(live_nodes(), before);
}

TEST("a result holds its operands, each slot by one reference") {
    const Term x = leaf(3.0);
    {
        const Term square = x * x;
        CHECK_EQUAL(square.data(), 9.0);
        CHECK_EQUAL(x.node()->refs, 3u);
    }
    CHECK_EQUAL(x.node()->refs, 1u);
}

TEST("a constant operand needs no node") {
    const Term x = leaf(3.0);
    const std::size_t before = live_nodes();
    const Term sum = x + 4.0;
    CHECK_EQUAL(live_nodes(), before + 1);
    CHECK(!sum.node()->has(Node::x_is_constant) && sum.node()->has(Node::y_is_constant));
    CHECK_EQUAL(sum.node()->y_data(), 4.0);
}

TEST("constants become leaves when they are materialized") {
    const Term x = leaf(3.0);
    const Term sum = x + 4.0;
    tape.materialize_constants(sum.node());
    CHECK(!sum.node()->has(Node::y_is_constant));
    CHECK(sum.node()->y.node->is_leaf());
    CHECK_EQUAL(sum.node()->y.node->data, 4.0);
    CHECK_EQUAL(sum.node()->y.node->refs, 1u);
}

TEST("a graph keeps what it was made of, and lets go of it at once") {
    const std::size_t before = live_nodes();
    std::optional<Term> root;
    {
        const Term x = leaf(0.5);
        root = sin(x) * exp(x);
    }
    CHECK_EQUAL(live_nodes(), before + 4);
    root.reset();
    CHECK_EQUAL(live_nodes(), before);
}

TEST("a chain of a million nodes is freed without recursion") {
    const std::size_t before = live_nodes();
    Term x = leaf(0.0);
    for (int i = 0; i < 1'000'000; ++i) x = x + 1.0;
    CHECK_EQUAL(x.data(), 1e6);
    CHECK_EQUAL(live_nodes(), before + 1'000'001);
    x = 0.0;
    CHECK_EQUAL(live_nodes(), before);
}

TEST("a leaf's slot is used again at once") {
    const Term other = leaf(0.0);
    Node* first = tape.leaf(1.0);
    tape.release(first);
    const Term second = leaf(2.0);
    CHECK_EQUAL(second.node(), first);
    CHECK_EQUAL(second.data(), 2.0);
    CHECK_EQUAL(second.node()->grad, 0.0);
}

TEST("an interior slot waits until its chunk is empty, so that operands stay older than results") {
    const Term x = leaf(1.0);
    const Term kept = -x;
    Node* const dead = (-x).node();
    const Term next = -x;
    CHECK(next.node() != dead);
}

TEST("a chunk that empties is given back, wherever it lies in the order") {
    const Term x = leaf(1.0);
    std::vector<Term> nodes;
    for (std::size_t i = 0; i < 5 * nodes_per_chunk; ++i) nodes.push_back(-x);
    const std::size_t chunks = tape.memory().chunks;
    // The first and the last chunk may hold other nodes too; the second to the fourth are full of these.
    const Chunk* middle = Chunk::of(nodes[2 * nodes_per_chunk].node());
    for (Term& node : nodes) {
        if (Chunk::of(node.node()) == middle) node = 0.0;
    }
    CHECK_EQUAL(tape.memory().chunks, chunks - 1);
}

TEST("a label lives as long as its node") {
    const Term x = leaf(1.0);
    tape.set_label(x.node(), "x");
    CHECK_EQUAL(tape.label(x.node()), "x");
    tape.set_label(x.node(), "");
    CHECK_EQUAL(tape.label(x.node()), "");
    CHECK(!x.node()->has(Node::labeled));
    Node* labeled = tape.leaf(2.0);
    tape.set_label(labeled, "gone");
    tape.release(labeled);
    const Term successor = leaf(3.0);
    CHECK_EQUAL(successor.node(), labeled);
    CHECK_EQUAL(tape.label(successor.node()), "");
}

TEST("a copy has the same operands, data, gradient and label, and is another node") {
    const Term x = leaf(2.0);
    const Term square = x * x;
    square.node()->grad = 7.0;
    tape.set_label(square.node(), "square");
    const Term twin = Term::adopt(tape.copy(square.node()));
    CHECK(twin.node() != square.node());
    CHECK_EQUAL(twin.node()->x.node, x.node());
    CHECK_EQUAL(twin.data(), 4.0);
    CHECK_EQUAL(twin.node()->grad, 7.0);
    CHECK_EQUAL(tape.label(twin.node()), "square");
    CHECK_EQUAL(x.node()->refs, 5u);
}

TEST("a custom operation holds its operands") {
    const Term x = leaf(2.0), y = leaf(3.0);
    {
        const Term node = custom({x.node(), y.node(), x.node()}, {1.0, 2.0, 3.0});
        CHECK_EQUAL(x.node()->refs, 3u);
        CHECK_EQUAL(y.node()->refs, 2u);
    }
    CHECK_EQUAL(x.node()->refs, 1u);
}

TEST("a custom operation's callback goes before its operands") {
    static Node* operand;
    static std::uint32_t refs_when_gone;
    struct Watching final : BackwardCallback {
        ~Watching() override { refs_when_gone = operand->refs; }
        bool run() override { return true; }
    };
    const Term x = leaf(2.0);
    operand = x.node();
    {
        const Term node = custom({x.node()}, {}, std::make_shared<Watching>());
    }
    CHECK_EQUAL(refs_when_gone, 2u);
    CHECK_EQUAL(x.node()->refs, 1u);
}

TEST("nodes that a callback's destructor frees are freed too") {
    struct Owning final : BackwardCallback {
        Term owned = leaf(1.0) * 2.0;
        bool run() override { return true; }
    };
    const std::size_t before = live_nodes();
    {
        const Term node = custom({}, {}, std::make_shared<Owning>());
    }
    CHECK_EQUAL(live_nodes(), before);
}

TEST("the binding is told when the last operand slot lets go of a node that asks for it") {
    static Node* told;
    told = nullptr;
    tape.set_on_last_use([](Node* node) { told = node; });
    Node* node = tape.leaf(2.0);  // its only reference represents a Python object
    node->flags |= Node::notifies_last_use;
    Node* result = tape.binary(Op::mul, 4.0, node, node, 0);
    CHECK(!told);
    tape.release(result);
    tape.set_on_last_use(nullptr);
    CHECK_EQUAL(told, node);
    CHECK_EQUAL(node->refs, 1u);
    tape.release(node);
}
