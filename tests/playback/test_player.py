"""The player: its steps are the engine's to the last bit, the graph stays unchanged, labels are harmless."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

import fastgrad
from fastgrad import Value, jit, player
from fastgrad.formulas import readable
from fastgrad.playback import Step, reverse_sweep
from fastgrad.playback.layout import BOX_HEIGHT, BOX_WIDTH, arrange
from fastgrad.playback.page import data_of
from support.operations import bits
from support.player_graphs import (
    GRAPHS,
    HOSTILE,
    neuron,
    recorded,
)
from support.recipes import Recipe, cook, recipes

each_graph = pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.__name__)


def values_below(root: Value) -> list[Value]:
    """All Values of the graph, without constants, which stay constants."""
    found = {root: None}
    pending = [root]
    while pending:
        for operand in pending.pop()._operands_or_constants():
            if isinstance(operand, Value) and operand not in found:
                found[operand] = None
                pending.append(operand)
    return list(found)


def gradients(root: Value) -> list[str]:
    return [bits(value.grad) for value in values_below(root)]


def played(root: Value) -> dict[Value, float]:
    """The gradients after the last step."""
    found = dict.fromkeys(values_below(root), 0.0) | {root: 1.0}
    for step in reverse_sweep(root):
        found.update((one.operand, one.after) for one in step.contributions if one.result is None)
    return found


# ---- the steps


@each_graph
def test_the_steps_end_with_the_gradients_of_backward(graph: Callable[[], Value]):
    root = graph()
    steps = played(root)
    root.zero_grad()
    root.backward()
    assert [bits(gradient) for gradient in steps.values()] == gradients(root)


@settings(max_examples=100)
@given(recipe=recipes())
def test_random_graphs_end_with_the_gradients_of_backward(recipe: Recipe):
    root = cook(recipe, fastgrad)[0][-1]
    steps = played(root)
    root.zero_grad()
    root.backward()
    assert [bits(gradient) for gradient in steps.values()] == gradients(root)


@each_graph
def test_every_step_leaves_what_the_engines_own_step_leaves(graph: Callable[[], Value]):
    root = graph()
    steps = reverse_sweep(root)
    root.zero_grad()
    root.grad = 1.0
    for step in steps:
        assert step.gradient == step.node.grad
        first = {one.operand: one.before for one in reversed(step.contributions) if one.result is None}
        assert first == {operand: operand.grad for operand in first}
        step.node._backward()
        last = {one.operand: one.after for one in step.contributions if one.result is None}
        assert last == {operand: operand.grad for operand in last}


@each_graph
def test_a_contribution_is_the_gradient_times_the_local_derivative(graph: Callable[[], Value]):
    for step in reverse_sweep(graph()):
        for contribution in step.contributions:
            if contribution.local is not None:
                assert contribution.product == pytest.approx(step.gradient * contribution.local, rel=1e-14)
            assert contribution.after == pytest.approx(contribution.before + contribution.product, rel=1e-14)


@each_graph
def test_contributions_add_up_one_after_the_other(graph: Callable[[], Value]):
    totals: dict[tuple[Value, int | None], float] = {}
    for step in reverse_sweep(graph()):
        for contribution in step.contributions:
            assert contribution.before == totals.get((contribution.operand, contribution.result), 0.0)
            totals[contribution.operand, contribution.result] = contribution.after


@each_graph
def test_a_node_comes_when_everything_that_uses_it_has_passed(graph: Callable[[], Value]):
    passed: set[Value] = set()
    for step in reverse_sweep(graph()):
        assert not passed & {contribution.operand for contribution in step.contributions}
        passed.add(step.node)


def step_of(root: Value, label: str) -> Step:
    return next(step for step in reverse_sweep(root) if step.node.label == label)


def test_the_numbers_of_the_lecture():
    a, b, c, f = (Value(x, label=name) for name, x in (("a", 2.0), ("b", -3.0), ("c", 10.0), ("f", -2.0)))
    e = a * b
    d = e + c
    loss = d * f
    e.label, d.label, loss.label = "e", "d", "L"
    contributions = [
        (step.node.label, contribution.operand.label, contribution.local, contribution.product)
        for step in reverse_sweep(loss)
        for contribution in step.contributions
    ]
    assert contributions == [
        ("L", "d", -2.0, -2.0), ("L", "f", 4.0, 4.0), ("d", "e", 1.0, -2.0), ("d", "c", 1.0, -2.0),
        ("e", "a", -3.0, 6.0), ("e", "b", 2.0, -4.0),
    ]  # fmt: skip


def test_local_derivatives_of_one_operand_used_twice_stay_apart():
    a = Value(4.0)
    assert [contribution.local for contribution in reverse_sweep(a / a)[0].contributions] == [0.25, -0.25]


def test_results_of_softmax_have_separate_gradients():
    xs = [Value(1.0), Value(2.0), Value(3.0)]
    p = fastgrad.softmax(xs)
    steps = reverse_sweep(p[0] * 2.0 + p[2])
    assert [(step.node._op, step.results) for step in steps] == [
        ("+", ()), ("*", ()), ("[2]", ()), ("[0]", ()), ("softmax", (2.0, 0.0, 1.0)),
    ]  # fmt: skip
    assert [contribution.result for contribution in steps[2].contributions] == [2]
    assert [contribution.local for contribution in steps[4].contributions] == [None, None, None]


def test_elements_that_max_did_not_choose_get_the_gradient_0():
    x, y = Value(1.0), Value(0.25)
    steps = reverse_sweep(fastgrad.max([x * 2.0, y.sqrt()]))
    assert [step.node._op for step in steps] == ["max", "sqrt", "*"]
    assert {one.operand.data: one.product for one in steps[0].contributions} == {2.0: 1.0, 0.5: 0.0}


def test_recorded_functions_reach_the_leaves_that_they_hold():
    contributions = step_of_symbol(recorded(), "loss").contributions
    assert [contribution.operand.label for contribution in contributions] == ["", "x", "w"]


def step_of_symbol(root: Value, symbol: str) -> Step:
    return next(step for step in reverse_sweep(root) if step.node._op == symbol)


@pytest.mark.parametrize("is_older", [True, False])
def test_a_function_may_add_to_values_that_are_not_its_children(is_older: bool):
    a, b = Value(2.0, label="a"), Value(3.0, label="b")
    out = Value(2.0, (a,), "same") if is_older else None
    stranger = (b * 2.0).exp()
    out = out or Value(2.0, (a,), "same")

    def _backward() -> None:
        a.grad += out.grad
        b.grad += 10.0 * out.grad
        stranger.grad += 100.0

    out._backward = _backward
    root = stranger + out
    gradients = played(root)
    root.zero_grad()
    root.backward()
    assert gradients == {value: value.grad for value in gradients}
    assert player(root, path=None)


def test_a_function_that_does_not_add_is_shown_as_it_is():
    a = Value(3.0, label="a")
    out = Value(9.0, (a,), "square")

    def _backward() -> None:
        a.grad = 6.0 * out.grad

    out._backward = _backward
    (contribution,) = step_of_symbol(out + a, "square").contributions
    assert (contribution.before, contribution.product, contribution.after) == (1.0, 6.0, 6.0)


# ---- the graph afterwards


@each_graph
def test_the_graph_is_left_as_it_was(graph: Callable[[], Value], live_nodes: Callable[[], int]):
    root = graph()
    values = values_below(root)
    for i, value in enumerate(values):
        value.grad = 0.5 + i
    before = [(v.data, v.grad, v.label, v._op, v._operands_or_constants()) for v in values]
    count = live_nodes()
    player(root, path=None)
    assert [(v.data, v.grad, v.label, v._op, v._operands_or_constants()) for v in values] == before
    assert live_nodes() == count


def test_gradients_come_back_when_a_function_fails():
    a = Value(3.0)
    out = Value(9.0, (a,), "square")

    def _backward() -> None:
        a.grad = 100.0
        raise LookupError("no derivative today")

    out._backward = _backward
    a.grad, out.grad = 0.25, 0.5
    with pytest.raises(LookupError, match="no derivative today"):
        player(out, path=None)
    assert (a.grad, out.grad) == (0.25, 0.5)


def test_nothing_is_played_while_a_function_is_recorded():
    @jit
    def f(x: Value) -> Value:
        player(x * 2.0, path=None)
        return x

    with pytest.raises(TypeError, match="looking at the sweep"):
        f(Value(1.0))


# ---- the page


class Parts(HTMLParser):
    """The page's elements, and the text of those that browsers execute or hide."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}  # by the element's id or tag
        self.open = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.open = dict(attrs).get("id") or tag

    def handle_endtag(self, tag: str) -> None:
        self.open = ""

    def handle_data(self, data: str) -> None:
        self.texts[self.open] = self.texts.get(self.open, "") + data

    def data(self) -> Any:
        return json.loads(self.texts["data"])


@pytest.mark.parametrize("label", HOSTILE)
def test_labels_are_data_and_never_markup(label: str):
    root = Value(1.0, label=label) * Value(2.0, (Value(3.0),), label)
    root.label = label
    usual = Parts(player(neuron(), path=None).html)
    parts = Parts(player(root, path=None).html)
    assert [tag for tag, _ in parts.elements] == [tag for tag, _ in usual.elements]
    assert {node["name"] for node in parts.data()["nodes"]} == {label, "v1", "v2"}
    assert [node["op"] for node in parts.data()["nodes"] if node["name"] == "v2"] == [label]
    assert parts.texts["title"] == f"{label}.backward()"


def test_the_page_runs_its_own_program_and_asks_the_network_for_nothing():
    page = player(neuron(), path=None).html
    parts = Parts(page)
    (policy,) = (attributes["content"] for _, attributes in parts.elements if "http-equiv" in attributes)
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(parts.texts[name].encode()).digest()).decode()}'"
        for name in ("script", "style")
    ]
    assert policy == f"default-src 'none'; script-src {hashes[0]}; style-src {hashes[1]}"
    assert not [attributes for _, attributes in parts.elements if {"src", "style", "onclick"} & set(attributes)]
    assert all(attributes.get("href", "#").startswith("#") for _, attributes in parts.elements)
    assert set(re.findall(r"https?://[^\"' ]+", page)) == {"http://www.w3.org/2000/svg"}
    assert len(page) - len(parts.texts["data"]) < 40_000


def test_numbers_that_json_lacks_are_written_as_text():
    root = Value(math.inf) * Value(-math.inf) + Value(math.nan)
    numbers = [node["data"] for node in Parts(player(root, path=None).html).data()["nodes"]]
    assert numbers == ["Infinity", "-Infinity", "-Infinity", "NaN", "NaN"]


def test_the_file_is_the_page_and_a_notebook_shows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert player(neuron()).path == Path("player.html")
    shown = player(neuron(), tmp_path / "o.html", title="A <neuron>")
    assert (tmp_path / "o.html").read_text(encoding="utf-8") == shown.html
    assert "<title>A &lt;neuron&gt;</title>" in shown.html
    ((tag, attributes),) = Parts(shown._repr_html_()).elements
    assert (tag, attributes["srcdoc"]) == ("iframe", shown.html)
    assert repr(shown) == f"Player(path={str(tmp_path / 'o.html')!r})"


def test_no_file_is_written_without_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert repr(player(neuron(), path=None)) == "Player()"
    assert list(tmp_path.iterdir()) == []


def test_large_graphs_are_refused_with_a_hint():
    root = sum((Value(1.0) for _ in range(20)), Value(0.0))
    with pytest.raises(ValueError, match=r"41 Values, more than max_nodes=40: .*larger max_nodes \(or None"):
        player(root, path=None, max_nodes=40)
    assert player(root, path=None, max_nodes=41).html == player(root, path=None, max_nodes=None).html


@pytest.mark.parametrize("root", [2.0, None, "x"])
def test_only_a_value_can_be_played(root: Any):
    with pytest.raises(TypeError, match=re.escape(repr(root))):
        player(root)


# ---- text


def words(root: Value) -> list[tuple[str, str, list[str]]]:
    data = data_of(root, reverse_sweep(root), "")
    return [
        (f"{data['nodes'][step['node']]['name']} = {step['formula']}", step["title"],
         [contribution["derivative"] for contribution in step["contributions"]])
        for step in data["steps"]
    ]  # fmt: skip


def test_formulas_use_the_labels():
    a, b = Value(2.0, label="a"), Value(3.0, label="the b")
    assert words(a**2)[0] == ("v1 = a**2", "power", ["2 * a**(2 - 1)"])
    assert words(a**b)[0] == ("v1 = a**(the b)", "power", ["(the b) * a**((the b) - 1)", "v1 * log(a)"])
    assert words(a - 1.5)[0] == ("v1 = a - 1.5", "subtraction", ["1"])
    assert words(-2 / a)[0] == ("v1 = (-2) / a", "division", ["-v1 / a"])
    assert words(a.tanh())[0] == ("v1 = tanh(a)", "hyperbolic tangent", ["1 - v1 * v1"])
    assert words(a.relu())[0] == ("v1 = (0 if a < 0 else a)", "max(a, 0)", ["(1 if v1 > 0 else 0)"])
    assert words(fastgrad.sum([a, b, 1.0]))[0] == ("v1 = sum(a, (the b), 1)", "sum", ["", ""])
    assert words(fastgrad.sum([a] * 20))[0][0] == "v1 = sum(a, a, a, a, a, a, a, ..., a)"
    assert words(Value(6.0, (a, b), "tanh"))[0] == ("v1 = tanh(a, (the b))", "custom operation", ["", ""])


def test_names_of_results_without_a_label_avoid_the_labels():
    root = Value(1.0, label="v1") * 2.0 + Value(3.0, label="v2")
    assert [name for name, _, _ in words(root)] == ["v4 = v3 + v2", "v3 = v1 * 2"]


def test_no_formula_of_the_table_is_shown_in_words_of_c():
    terms = {"gamma", "max", "min", "pi", "e", "if", "else"}
    functions = {row.name for row in fastgrad.operations()} | terms
    for row in fastgrad.operations():
        for formula in (row.value, *row.partials):
            shown = readable(formula)
            assert set(re.findall(r"[a-z]\w*", shown)) <= functions | {"x", "y", "r"}, shown
            assert not re.search(r"[?:]|&&|\d\.0\b", shown), shown


# ---- layout


def random_operands(nodes: int) -> list[list[int]]:
    """Each node except the first uses some of the twelve before it, and every node is used."""
    operands = [[(7 * i + j) % i for j in (1, 5) if i - (7 * i + j) % i <= 12] or [i - 1] for i in range(1, nodes)]
    return [[], *({*below, i} for i, below in enumerate(operands))]  # type: ignore[list-item]


LAYOUTS = {
    "leaf": [[]],
    "chain": [[], *([i] for i in range(300))],
    "star": [*([] for _ in range(50)), list(range(50))],
    "one leaf used along a chain": [[], [0], *([0, i] for i in range(1, 40))],
    "twice": [[], [0, 0]],
    "random": [sorted(below) for below in random_operands(80)],
}


@pytest.mark.parametrize("operands", LAYOUTS.values(), ids=LAYOUTS)
def test_boxes_keep_apart_and_connections_pass_between_them(operands: list[list[int]]):
    layout = arrange(operands, [40.0 if below else 0.0 for below in operands])
    boxes = layout.boxes
    assert all(
        x >= 0 and x + BOX_WIDTH <= layout.width and y >= 0 and y + BOX_HEIGHT <= layout.height for x, y in boxes
    )
    for i, (x, y) in enumerate(boxes):
        for other_x, other_y in boxes[:i]:
            assert abs(x - other_x) >= BOX_WIDTH or abs(y - other_y) >= BOX_HEIGHT + 2
    assert set(layout.routes) == {(operand, node) for node, below in enumerate(operands) for operand in below}
    for (source, target), points in layout.routes.items():
        assert points[0] == (boxes[source][0] + BOX_WIDTH, boxes[source][1] + BOX_HEIGHT / 2)
        assert points[-1] == (boxes[target][0] - 40.0, boxes[target][1] + BOX_HEIGHT / 2)
        assert [x for x, _ in points] == sorted(x for x, _ in points)
        for (left, y), (right, _) in zip(points[1:-2:2], points[2:-2:2], strict=True):  # where it crosses a layer
            assert all(x >= right or x + BOX_WIDTH <= left or not top < y < top + BOX_HEIGHT for x, top in boxes)


def test_first_operands_stand_above_second_ones():
    layout = arrange([[], [], [], [0, 1], [3, 2]], [0, 0, 0, 40, 40])
    (_, a), (_, b), (_, c), (_, product), _ = layout.boxes
    assert a < b
    assert product < c
