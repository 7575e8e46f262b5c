// The topological order, which is the creation order.
#include <utility>
#include <vector>

#include "core/order.hpp"
#include "interrupting.hpp"
#include "nodes.hpp"
#include "test.hpp"

using namespace fastgrad;
using namespace fastgrad::test;

namespace {

std::vector<Node*> order_of(const Term& root, const Node* since = nullptr) {
    Node* const roots[] = {root.node()};
    return topological_order(roots, Reach::everything, since);
}

}  // namespace

TEST("leaves come first, then interior nodes as they were made") {
    const Term x = leaf(1.0), y = leaf(2.0);
    const Term product = x * y;
    const Term sine = sin(x);
    const Term sum = sine + product;
    const std::vector<Node*> order = order_of(sum);
    CHECK_EQUAL(order.size(), 5u);
    CHECK(order[0]->is_leaf() && order[1]->is_leaf());
    CHECK_EQUAL(order[2], product.node());
    CHECK_EQUAL(order[3], sine.node());
    CHECK_EQUAL(order[4], sum.node());
}

TEST("what no root reaches is not in the order") {
    const Term x = leaf(1.0);
    const Term used = x * 2.0;
    const Term unused = used * 3.0;
    CHECK_EQUAL(order_of(used).size(), 2u);
    CHECK_EQUAL(order_of(unused).size(), 3u);
}

TEST("several roots have one order, without repetition") {
    const Term x = leaf(1.0);
    const Term a = x * 2.0, b = a * 3.0, c = x * 4.0;
    Node* const roots[] = {b.node(), a.node(), c.node(), b.node()};
    const std::vector<Node*> order = topological_order(roots);
    CHECK(order == std::vector<Node*>({x.node(), a.node(), b.node(), c.node()}));
}

TEST("no roots, or leaves alone, are an order too") {
    CHECK(topological_order({}).empty());
    const Term x = leaf(1.0);
    CHECK(order_of(x) == std::vector<Node*>({x.node()}));
}

TEST("operands of custom operations and sequences are reached, and what a callback adds to") {
    struct Adding final : BackwardCallback {
        Term extra = leaf(3.0);
        Node* nodes[1] = {extra.node()};
        bool run() override { return true; }
        std::span<Node* const> leaves() const override { return nodes; }
    };
    const Term x = leaf(1.0), y = leaf(2.0);
    OperandList::Pointer operands = OperandList::make(Op::sum, 2);
    operands->view().set(0, x.node());
    operands->view().set(1, 5.0);
    const Term sum = Term::adopt(tape.sequence(Op::sum, 6.0, std::move(operands)));
    const Term node = custom({sum.node(), y.node()}, {}, std::make_shared<Adding>());
    CHECK_EQUAL(order_of(node).size(), 5u);
}

TEST("older is who was made earlier, also across chunks") {
    const Term x = leaf(1.0);
    const Term first = -x;
    std::vector<Term> between;
    for (std::size_t i = 0; i < 2 * nodes_per_chunk; ++i) between.push_back(-x);
    const Term last = -x;
    CHECK(Chunk::of(first.node()) != Chunk::of(last.node()));
    CHECK(is_older(first.node(), last.node()));
    CHECK(!is_older(last.node(), first.node()));
    CHECK(!is_older(first.node(), first.node()));
}

TEST("an order can end at an epoch") {
    const Term x = leaf(1.0);
    const Term before = x * 2.0;
    const Term epoch = Term::adopt(new_epoch());
    const Term after = before + x;
    CHECK(order_of(after, epoch.node()) == std::vector<Node*>({x.node(), after.node()}));
}

TEST("constants are counted, and the missing operand of a unary operation is none") {
    const Term x = leaf(1.0);
    CHECK_EQUAL(constants((x * 2.0).node()), 1u);
    CHECK_EQUAL(constants((-x).node()), 0u);
    CHECK_EQUAL(constants(x.node()), 0u);
}

TEST("an interrupted traversal leaves no marks") {
    const Term x = leaf(1.0);
    Term z = x;
    for (std::size_t i = 0; i < 2 * nodes_per_chunk; ++i) z = -z;
    {
        const Interrupting interrupting;
        CHECK_THROWS(Interrupted, order_of(z));
    }
    CHECK(!x.node()->has(Node::visited));
    CHECK_EQUAL(order_of(z).size(), 2 * nodes_per_chunk + 1);
}
