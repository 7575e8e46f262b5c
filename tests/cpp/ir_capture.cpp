// Capture: from nodes of the eager graph to a program.
#include "core/order.hpp"
#include "ir/capture.hpp"
#include "nodes.hpp"
#include "programs.hpp"
#include "test.hpp"

using namespace fastgrad;
using namespace fastgrad::ir;
using namespace fastgrad::test;

namespace {

Capture captured(const Term& output, std::vector<Node*> inputs, std::vector<Node*> constants = {},
                 const Node* since = nullptr) {
    Node* const outputs[] = {output.node()};
    return capture(outputs, {}, {inputs, constants, since});
}

}  // namespace

TEST("operations become instructions in creation order; leaves are bound at their first use") {
    const Term x = leaf(2.0), w = leaf(3.0), b = leaf(5.0);
    const Term product = x * w;
    const Term y = tanh(product + b) * 0.5;
    const Capture result = captured(y, {x.node()});
    CHECK_EQUAL(text_of(result.program), R"(
%0 = bound
%1 = bound
%2 = constant 0.5
%3 = input 0
%4 = mul %3, %0
%5 = add %4, %1
%6 = tanh %5
%7 = mul %6, %2
output %7
)");
    CHECK(result.bound == std::vector<Node*>{w.node(), b.node()});
    CHECK_EQUAL(result.nodes, 7u);
}

TEST("what no output reaches is left out, but not an input") {
    const Term x = leaf(2.0), unused = leaf(3.0);
    const Term dead = exp(x);
    const Term y = -x;
    CHECK_EQUAL(text_of(captured(y, {unused.node(), x.node()}).program), R"(
%0 = input 0
%1 = input 1
%2 = neg %1
output %2
)");
}

TEST("a leaf among the constants keeps its present number") {
    const Term x = leaf(2.0), c = leaf(3.0);
    const Capture result = captured(x * c, {x.node()}, {c.node()});
    c.node()->data = 9.0;
    CHECK(result.bound.empty());
    CHECK_EQUAL(text_of(result.program), R"(
%0 = constant 3.0
%1 = input 0
%2 = mul %1, %0
output %2
)");
}

TEST("conditions become guards with the answers that they gave") {
    const Term x = leaf(2.0);
    const Term below = x < 3.0, above = x < 1.0;
    Node* const outputs[] = {x.node()};
    Node* const inputs[] = {x.node()};
    const Answer answers[] = {{below.node(), true}, {above.node(), false}};
    CHECK_EQUAL(text_of(capture(outputs, answers, {.inputs = inputs, .constants = {}}).program), R"(
%0 = constant 3.0
%1 = constant 1.0
%2 = input 0
%3 = less %2, %0
%4 = less %2, %1
output %2
guard %3 is true
guard %4 is false
)");
}

TEST("an operation on a sequence becomes the operations that it stands for") {
    const Term x = leaf(2.0), w = leaf(3.0);
    const Term y = sequence(Op::sum, {x, w, 5.0});
    CHECK_EQUAL(text_of(captured(y, {x.node()}).program), R"(
%0 = bound
%1 = constant 5.0
%2 = input 0
%3 = add %2, %0
%4 = add %3, %1
output %4
)");
}

TEST("a custom operation cannot be captured, and is named") {
    const Term x = leaf(2.0);
    const Term node = custom({x.node()}, {1.0});
    try {
        captured(node + 1.0, {x.node()});
        CHECK(false);
    } catch (const Uncapturable& reason) {
        CHECK_EQUAL(reason.node, node.node());
    }
}

TEST("a recording refuses what was computed before it began") {
    const Term x = leaf(2.0);
    const Term before = exp(x);
    const Term epoch = Term::adopt(new_epoch());
    const Term y = before * 2.0;
    CHECK_THROWS(Uncapturable, captured(y, {x.node()}, {}, epoch.node()));
    CHECK_EQUAL(captured(y, {x.node()}).program.instructions.size(), 3u);
    CHECK_EQUAL(captured(x * 2.0, {x.node()}, {}, epoch.node()).program.instructions.size(), 2u);
}

TEST("capturing leaves the graph as it was") {
    const Term x = leaf(2.0);
    const Term y = x * x;
    y.node()->grad = 7.0;
    const std::size_t nodes = live_nodes();
    captured(y, {x.node()});
    CHECK_EQUAL(live_nodes(), nodes);
    CHECK_EQUAL(y.node()->grad, 7.0);
    CHECK_EQUAL(y.node()->refs, 1u);
}
