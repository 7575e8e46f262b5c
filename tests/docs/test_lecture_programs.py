"""The programs of the lecture and its retellings, rewritten, with the numbers that they print."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import chain
from typing import Any

import graphviz
import pytest

from fastgrad import Value

NAMES = ("a", "b", "c", "e", "d", "f", "L")


def expression(nudged: str = "", h: float = 0.0) -> dict[str, Value]:
    """L = (a * b + c) * f, with `h` added to one of its intermediate values."""

    def step(name: str, v: Value) -> Value:
        v.label = name
        if name == nudged:
            v.data += h
        return v

    made = {name: step(name, Value(x)) for name, x in (("a", 2.0), ("b", -3.0), ("c", 10), ("f", -2.0))}
    made["e"] = step("e", made["a"] * made["b"])
    made["d"] = step("d", made["e"] + made["c"])
    made["L"] = step("L", made["d"] * made["f"])
    return made


def walk(root: Value) -> tuple[set[Value], set[tuple[Value, Value]]]:
    """A user's own recursive trace over _prev: nodes, and edges from operand to result."""
    nodes: set[Value] = set()
    edges: set[tuple[Value, Value]] = set()

    def visit(v: Value) -> None:
        if v in nodes:
            return
        nodes.add(v)
        for operand in v._prev:
            edges.add((operand, v))
            visit(operand)

    visit(root)
    return nodes, edges


def picture(root: Value) -> graphviz.Digraph:
    """A user's own drawing: a record for each value, an oval for each operation."""
    dot = graphviz.Digraph(format="svg", graph_attr={"rankdir": "LR"})
    nodes, edges = walk(root)
    for v in nodes:
        uid = str(id(v))
        dot.node(uid, f"{{ {v.label} | data {v.data:.4f} | grad {v.grad:.4f} }}", shape="record")
        if v._op:
            dot.node(uid + v._op, v._op)
            dot.edge(uid + v._op, uid)
    for operand, result in edges:
        dot.edge(str(id(operand)), str(id(result)) + result._op)
    return dot


# ---- one expression, step by step


def test_values_print_as_in_the_lecture():
    made = expression()
    assert repr(made["L"]) == "Value(data=-8.0)"
    assert {made["d"]._op, made["L"]._op, made["e"]._op} == {"+", "*"}
    assert made["d"]._prev == {made["e"], made["c"]}
    assert made["e"]._prev == {made["a"], made["b"]}


def test_one_step_of_each_kind():
    a, b, c = Value(2.5), Value(7.0), Value(4.0)
    assert [v.data for v in (a + b, a - b, a * b, a / b)] == [9.5, -4.5, 17.5, 0.35714285714285715]
    assert [v.data for v in (Value(2.0) / c, 2 * Value(2.0))] == [0.5, 4.0]


@pytest.mark.parametrize(
    ("name", "h", "printed"),
    [
        ("d", 0.001, -2.000000000000668),
        ("f", 0.00001, 4.000000000026205),
        ("c", 0.0000001, -1.999999987845058),  # printed beside a step of 1e-5, but computed with this one
        ("c", 0.00001, -1.9999999999242843),
        ("e", 0.00001, -1.9999999999242843),
        ("a", 0.00001, 6.000000000128124),
        ("b", 0.00001, -4.000000000026205),
    ],
)
def test_slope_measured_with_a_small_step(name: str, h: float, printed: float):
    before, after = expression()["L"], expression(name, h)["L"]
    assert (after.data - before.data) / h == printed


def test_slope_of_the_result_in_itself():
    result = expression()["L"]
    assert ((result.data + 0.001) - result.data) / 0.001 == 1.000000000000334
    assert expression("f", 0.001)["L"].data - result.data == pytest.approx(0.004)


GRADIENTS = {"L": 1.0, "d": -2.0, "f": 4.0, "c": -2.0, "e": -2.0, "a": 6.0, "b": -4.0}


def test_gradients_written_by_hand_stay_and_are_what_backward_finds():
    by_hand, automatic = expression(), expression()
    for name, gradient in GRADIENTS.items():
        by_hand[name].grad = gradient
    automatic["L"].backward()
    for made in (by_hand, automatic):
        assert {name: made[name].grad for name in GRADIENTS} == GRADIENTS


def test_a_users_own_trace_finds_every_value_once():
    made = expression()
    nodes, edges = walk(made["L"])
    assert nodes == set(made.values())
    assert {(x.label, y.label) for x, y in edges} == {
        ("a", "e"), ("b", "e"), ("e", "d"), ("c", "d"), ("d", "L"), ("f", "L"),
    }  # fmt: skip


def test_a_users_own_drawing_shows_labels_data_and_gradients():
    made = expression()
    made["L"].backward()
    source = picture(made["L"]).source
    for name in NAMES:
        assert f"{{ {name} | data {made[name].data:.4f} | grad {made[name].grad:.4f} }}" in source
    assert (source.count("shape=record"), source.count("->")) == (7, 3 + 6)


def test_drawing_of_an_expression_whose_steps_have_no_name():
    a, b = Value(-2.0, label="a"), Value(3.0, label="b")
    nodes, edges = walk((a * b) * (a + b))
    assert (len(nodes), len(edges)) == (5, 6)
    assert {v.label for v in nodes} == {"a", "b", ""}


# ---- functions of numbers


def test_parabola_is_the_same_function_of_numbers_and_of_values():
    def parabola(x: Any) -> Any:
        return 3 * x**2 - 4 * x + 5

    x, h = Value(3.0), 0.000001
    y = parabola(x)
    y.backward()
    assert (y.data, x.grad) == (20.0, 14.0)
    assert (parabola(3.0 + h) - parabola(3.0)) / h == 14.000003002223593
    assert (parabola(Value(3.0 + h)).data - y.data) / h == 14.000003002223593


@pytest.mark.parametrize(
    ("position", "printed"), [(0, -3.000000000419334), (1, 2.000000000279556), (2, 0.9999999992515995)]
)
def test_partial_slopes_of_a_product_plus_a_number(position: int, printed: float):
    def g(numbers: list[float]) -> float:
        a, b, c = map(Value, numbers)
        return (a * b + c).data

    h = 0.000001
    point = [2.0, -3.0, 10.0]
    beside = [x + h if i == position else x for i, x in enumerate(point)]
    assert (g(beside) - g(point)) / h == printed


# ---- neurons

TANH: dict[str, Callable[[Value], Value]] = {
    "tanh": lambda n: n.tanh(),
    "exp and division": lambda n: ((2 * n).exp() - 1) / ((2 * n).exp() + 1),
    "one exp": lambda n: (lambda e: (e - 1) / (e + 1))((2 * n).exp()),
    "division as a power": lambda n: (lambda e: (e - 1) * (e + 1) ** -1)((2 * n).exp()),
    "own closure": lambda n: own_tanh(n),
}


def own_tanh(n: Value) -> Value:
    t = (math.exp(2 * n.data) - 1) / (math.exp(2 * n.data) + 1)
    out = Value(t, (n,), "tanh")

    def _backward() -> None:
        n.grad += (1 - t**2) * out.grad

    out._backward = _backward
    return out


@pytest.mark.parametrize("tanh", TANH.values(), ids=TANH)
@pytest.mark.parametrize(
    ("bias", "output", "gradients"),
    [
        (6.88137358, 0.707106777676776, (-1.5000003851533106, 1.0000002567688737, 0.5000001283844369, 0.0)),
        (6.8813735870195432, 0.7071067811865476, (-1.5, 1.0, 0.5, 0.0)),
    ],
    ids=["short bias", "long bias"],
)
def test_neuron_with_two_inputs(
    tanh: Callable[[Value], Value], bias: float, output: float, gradients: tuple[float, ...]
):
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(bias, label="b")
    products = [x1 * w1, x2 * w2]
    total = products[0] + products[1]
    n = total + b
    assert [repr(v) for v in (*products, total)] == ["Value(data=-6.0)", "Value(data=0.0)", "Value(data=-6.0)"]
    assert n.data == pytest.approx(0.8813735, abs=1e-7)
    o = tanh(n)
    o.backward()
    assert o.data == pytest.approx(output, rel=1e-14)
    assert [v.grad for v in (x1, w1, x2, w2)] == pytest.approx(list(gradients), abs=1e-6)
    assert [v.grad for v in (b, n, total, *products)] == pytest.approx([0.5] * 5, abs=1e-6)


def test_neuron_prints_what_the_notebook_prints():
    n = Value(2.0) * -3.0 + Value(0.0) * 1.0 + 6.88137358
    assert str(n) == "Value(data=0.88137358)"
    assert str((2 * n).exp()) == "Value(data=5.828427042920401)"
    assert str(n.tanh()) == "Value(data=0.707106777676776)"


def test_linear_neuron():
    x1, x2, w1, w2, b = (Value(x) for x in (1.0, 2.0, 3.0, -1.0, 1.0))
    n = x1 * w1 + x2 * w2 + b
    n.backward()
    assert n.data == 2.0
    assert [v.grad for v in (x1, x2, w1, w2, b)] == [3.0, -1.0, 1.0, 2.0, 1.0]


# ---- backward passes


def test_value_added_to_itself_gets_both_gradients():
    a = Value(3.0, label="a")
    b = a + a
    b.backward()
    assert a.grad == 2.0


def test_value_used_in_two_places_gets_the_sum():
    a, b = Value(-2.0), Value(3.0)
    d, e = a * b, a + b
    f = d * e
    f.backward()
    assert (a.grad, b.grad, d.grad, e.grad) == (-3.0, -8.0, 1.0, -6.0)


def test_a_users_own_topological_sort_and_steps_find_the_same_gradients():
    def sweep(root: Value) -> None:
        order: list[Value] = []
        visited: set[Value] = set()

        def visit(v: Value) -> None:
            if v not in visited:
                visited.add(v)
                for operand in v._prev:
                    visit(operand)
                order.append(v)

        visit(root)
        root.grad = 1.0
        for v in reversed(order):
            v._backward()

    mine, theirs = expression(), expression()
    sweep(mine["L"].tanh() * mine["a"])
    (theirs["L"].tanh() * theirs["a"]).backward()
    assert [mine[name].grad for name in NAMES] == pytest.approx([theirs[name].grad for name in NAMES], rel=1e-15)


def test_product_with_a_sum_of_a_product():
    a, b, c, d = (Value(x, label=name) for x, name in ((-2.0, "a"), (10.0, "b"), (2.0, "c"), (-3.0, "d")))
    cd = c * d
    inner = b + cd
    result = a * inner
    result.backward()
    assert (result.data, inner.data, cd.data) == (-8.0, 4.0, -6.0)
    assert [v.grad for v in (a, inner, b, cd, c, d)] == [4.0, -2.0, -2.0, -2.0, 6.0, -4.0]


def test_json_tree_of_a_product_plus_a_number():
    def leaf(value: float) -> dict[str, Any]:
        return {"value": value, "children": [], "operation": "none"}

    tree = json.loads((Value(2.0) * Value(-3.0) + Value(10.0)).to_json())
    assert tree["value"] == 4.0
    assert tree["operation"] == "addition"
    product = next(child for child in tree["children"] if child["operation"] == "multiplication")
    assert product["value"] == -6.0
    assert {child["value"] for child in chain(product["children"], tree["children"])} == {2.0, -3.0, -6.0, 10.0}
    assert leaf(10.0) in tree["children"]
    assert leaf(2.0) in product["children"]
