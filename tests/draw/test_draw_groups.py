"""Large graphs are drawn by groups: by scope, and in open scopes by structure."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

import graphviz
import pytest

import fastgrad
from fastgrad import Value, draw_dot, scope
from fastgrad.draw.graph import graph_below
from fastgrad.draw.groups import READABLE
from fastgrad.examples import gpt
from fastgrad.nn import MLP, Module
from support.pictures import has_renderer, parts, texts


def chain(operation: Callable[[Value], Value], count: int) -> Value:
    x = Value(1.0)
    for _ in range(count):
        x = operation(x)
    return x


def squares(count: int) -> Value:
    return sum((p * p for p in [Value(i / count) for i in range(count)]), Value(0.0))


def batch(samples: int = 30, sizes: tuple[int, ...] = (8, 1)) -> Value:
    """The mean squared error of a network, with all parts of a training step."""
    random.seed(1)
    model = MLP(2, list(sizes), activation="tanh")
    loss = Value(0.0)
    for i in range(samples):
        loss = loss + (model([i / samples, 1.0]) - 0.5) ** 2
    return loss / samples + 0.1 * sum(p * p for p in model.parameters())


def heads(count: int = 16, uneven: bool = False) -> Value:
    """Repeated parts inside a separate part."""
    xs = [Value(0.1 * i) for i in range(4)]
    found = []
    with scope("attention"):
        for number in range(count):
            with scope(f"head{number}"):
                extra = number if uneven else 0
                found.append(chain(lambda y: y.exp() * 0.1, extra) + sum(x * Value(0.5) for x in xs).tanh())
        return sum(found)


# ---- the contents of a drawing


def labels(drawing: graphviz.Digraph) -> dict[str, list[str]]:
    """The fields of each box of a group, by its name in the DOT text."""
    found = re.findall(r'^\s*"(group \d+)" \[label="(.*?)"', drawing.source, re.MULTILINE)
    return {name: [field.strip(" {}") for field in label.split("|")] for name, label in found}


def boxes(drawing: graphviz.Digraph) -> dict[str, list[str]]:
    """The fields below the title of each box of a group."""
    return {title: fields for title, *fields in labels(drawing).values()}


def flows(drawing: graphviz.Digraph) -> dict[tuple[str, str], int]:
    """The number of Values that flow from group to group."""
    title = {name: fields[0] for name, fields in labels(drawing).items()}
    edges = re.findall(r'"(group \d+)" -> "(group \d+)"(?: \[label=" ([\d,]+) "\])?', drawing.source)
    return {(title[a], title[b]): int(count.replace(",", "") or 1) for a, b, count in edges}


def frames(drawing: graphviz.Digraph) -> list[str]:
    return re.findall(r"subgraph \"cluster \d+\" \{\s+graph \[.*?label=\"?([^\"\]]*?)\"? labeljust", drawing.source)


def count_of_boxes(drawing: graphviz.Digraph) -> int:
    return len(boxes(drawing)) + len(re.findall(r"^\s*\d+ \[", drawing.source, re.MULTILINE))


def without_ids(drawing: graphviz.Digraph) -> str:
    ids: dict[str, str] = {}
    return re.sub(r"\d{9,}", lambda match: ids.setdefault(match[0], str(len(ids))), drawing.source)


# ---- by structure


def test_a_sum_of_squares():
    drawing = draw_dot(squares(300), show="op")
    assert boxes(drawing) == {"* × 300": [r"600 Values\n300 leaves"], "+": [r"301 Values\n1 leaf"]}
    assert flows(drawing) == {("* × 300", "+"): 300}


def test_the_result_of_one_sum_is_shown_and_the_range_of_many_numbers():
    root = squares(300)
    root.backward()
    drawing = draw_dot(root, show=("data", "grad"), precision=2)
    assert boxes(drawing) == {
        "* × 300": [r"600 Values\n300 leaves", "data 0.00 … 1.00", "grad 0.00 … 1.99"],
        "+": [r"301 Values\n1 leaf", "data 99.50", "grad 1.00"],
    }


def test_a_chain_of_one_operation_is_one_expression():
    assert boxes(draw_dot(chain(lambda x: -x, 1000), show="op")) == {"neg": [r"1,001 Values\n1 leaf"]}


def test_repeats_in_a_row_lead_back_to_themselves():
    drawing = draw_dot(chain(lambda x: x * 1.01 + 0.1, 2000), show="op")
    assert list(boxes(drawing)) == ["+ × 1,999", "* × 1,999"]
    assert flows(drawing) == {("+ × 1,999", "* × 1,999"): 1_999, ("* × 1,999", "+ × 1,999"): 1_998}


def test_sums_of_any_length_are_alike():
    xs = [Value(0.1 * i) for i in range(60)]
    root = sum(sum(x * x for x in xs[:n]).exp() for n in range(2, 30))
    drawing = draw_dot(root, show="op")
    assert flows(drawing) == {("* × 434", "+ × 28"): 434, ("+ × 28", "exp × 28"): 28, ("exp × 28", "+"): 28}


def test_values_with_other_users_are_another_group():
    xs = [Value(0.1 * i) for i in range(150)]
    drawing = draw_dot(sum(x.exp() * 2 for x in xs) + sum(x.exp() / 2 for x in xs))
    titles = [title for title, *_ in labels(drawing).values()]
    assert sorted(titles) == ["* × 150", "+", "/ × 150", "150 leaves", "exp × 150", "exp × 150"]


def test_the_values_outside_all_boxes_are_drawn_one_by_one_while_they_are_few():
    with scope("part"):
        inside = squares(200)
    a = Value(3.0, label="a")
    drawing = draw_dot(inside * a + 1)
    assert list(boxes(drawing)) == ["part"]
    assert len(re.findall("shape=record", drawing.source)) == 1 + 3 + 1
    assert "{ a | data 3.0000 | grad 0.0000 }" in drawing.source


def test_a_plain_programs_groups_in_a_row_become_one():
    names = ["tanh", "relu", "sin", "cos", "softplus", "silu", "gelu", "elu", "atan", "asinh", "erf", "abs", "exp"]
    x = [Value(0.1 * i) for i in range(6)]
    for name in names:
        x = [getattr(sum(Value(0.1 * (i - j)) * x[i] for i in range(6)), name)() for j in range(6)]
        x = [0.01 * xi for xi in x]
    layers = {rf"* × 36\n+ × 6\n{name} × 6\n* × 6" for name in names[:-1]}
    assert set(boxes(draw_dot(sum(x)))) == layers | {r"* × 36\n+ × 6\nexp × 6\n* × 6\n+"}


# ---- by scope


def test_a_step_of_training_shows_its_layers_and_its_loss():
    drawing = draw_dot(batch(), show="op")
    found = boxes(drawing)
    assert frames(drawing) == ["MLP"]
    assert found["layers.0"] == [r"480 Values\n480 constants", r"240 × this:\ndot 1, tanh 1"]
    assert found["layers.1"] == ["30 Values", r"30 × this:\ndot 1"]
    assert set(found) == {"layers.0", "layers.1", "24 leaves", "9 leaves", "* × 33", "- × 30", "** × 30", "+"}
    assert flows(drawing)["layers.0", "layers.1"] == 240


def test_parameters_belong_to_the_scope_that_uses_them():
    random.seed(1)
    model = MLP(2, [64, 3])
    found = boxes(draw_dot(model([0.5, 1.5])[0], show="op"))
    assert found["layers.0"] == [r"320 Values\n192 leaves\n128 constants", r"64 × this:\ndot 1, relu 1"]


def test_repeated_siblings_are_one_box_with_their_count():
    drawing = draw_dot(heads(16), max_nodes=50, show="op")
    assert boxes(drawing) == {"head × 16": [r"240 Values\n80 leaves\n16 constants", r"16 × this:\n+ 5, * 4, tanh 1"]}
    assert frames(drawing) == ["attention"]


def test_siblings_of_other_structure_are_not_repeats():
    assert list(boxes(draw_dot(heads(4, uneven=True), max_nodes=50))) == [f"head{i}" for i in range(4)]


def test_siblings_with_other_names_are_not_repeats():
    x = Value(1.0)
    with scope("query"):
        query = chain(lambda y: y.tanh() * 2, 30)
    with scope("key"):
        key = chain(lambda y: y.tanh() * 2, 30)
    assert list(boxes(draw_dot(query * key * x, max_nodes=50))) == ["query", "key"]


@pytest.mark.parametrize(
    ("name", "title"),
    [("head3", "head × 2"), ("layers.3", "layers × 2"), ("3", "* × 2"), ("h3_out", "h*_out × 2"), ("3.3", "* × 2")],
)
def test_the_title_of_repeats_is_their_name_without_its_number(name: str, title: str):
    found = []
    for number in ("3", "4"):
        with scope(name.replace("3", number)):
            found.append(squares(100))
    assert list(boxes(draw_dot(found[0] + found[1]))) == [title]


def test_repeats_inside_of_repeats_are_merged_with_them():
    found = []
    for block in range(3):
        for head in range(4):
            with scope(f"block{block}"), scope(f"head{4 * block + head}"):
                found.append(squares(30).tanh())
    drawing = draw_dot(sum(found), depth=2, show="op")
    assert boxes(drawing) == {"head × 4": [r"1,104 Values\n372 leaves", r"12 × this:\n* 30, + 30, tanh 1"]}
    assert frames(drawing) == ["block × 3"]
    assert list(boxes(draw_dot(sum(found), depth=1))) == ["block × 3"]


# ---- depth and max_nodes


class Nested(Module):
    def __call__(self, x: Value) -> Value:
        with scope("outer"):
            x = x * 2.0
            with scope("inner"):
                x = (x.exp() + 1.0).log()
        return x


@pytest.mark.parametrize(
    ("depth", "titles", "framed"),
    [
        (0, {"the graph"}, []),
        (1, {"Nested"}, []),
        (2, {"outer"}, ["Nested"]),
        (3, {"inner"}, ["Nested", "outer"]),
        (4, set(), ["Nested", "inner", "outer"]),
        (100, set(), ["Nested", "inner", "outer"]),
    ],
)
def test_depth_is_how_many_levels_of_scopes_are_open(depth: int, titles: set[str], framed: list[str]):
    drawing = draw_dot(Nested()(Value(1.0, label="x")), depth=depth)
    assert (set(boxes(drawing)), sorted(frames(drawing))) == (titles, framed)


@pytest.mark.parametrize(("depth", "error"), [(-1, ValueError), (1.5, TypeError), ("1", TypeError)])
def test_an_invalid_depth(depth: Any, error: type[Exception]):
    with pytest.raises(error, match=f"depth must be .*{re.escape(repr(depth))}"):
        draw_dot(Value(1.0), depth=depth)


def test_a_depth_with_more_groups_than_max_nodes_is_refused():
    with pytest.raises(ValueError, match="18 scopes and kinds of operations at depth=2, more than max_nodes=10"):
        draw_dot(heads(16, uneven=True), depth=2, max_nodes=10)
    assert count_of_boxes(draw_dot(heads(16, uneven=True), depth=1, max_nodes=10)) == 1
    with pytest.raises(ValueError, match="max_nodes must be 1 or more, got 0"):
        draw_dot(Value(1.0), max_nodes=0)


@pytest.mark.parametrize("max_nodes", [1, 2, 3, 5, 8, 12, 20, 40, 80, 160])
def test_there_are_never_more_boxes_than_max_nodes(max_nodes: int):
    for root in (batch(20), heads(16), heads(7, uneven=True), squares(200)):
        assert 1 <= count_of_boxes(draw_dot(root, max_nodes=max_nodes, constants=False)) <= max_nodes


@pytest.mark.parametrize("options", [{}, {"max_nodes": 3}, {"depth": 0}, {"depth": 1}, {"depth": 9}])
def test_every_value_is_in_one_box(options: dict[str, int]):
    root = batch()
    drawing = draw_dot(root, constants=False, **options)
    alone = len(re.findall(r"^\s*\d+ \[", drawing.source, re.MULTILINE))
    counts = [re.search(r"([\d,]+) (?:Values|leaves)", " ".join(fields)) for fields in labels(drawing).values()]
    assert alone + sum(int(count[1].replace(",", "")) for count in counts if count) == len(graph_below(root))


def test_deep_scopes_and_long_chains_need_no_recursion():
    scopes = [scope(f"s{i}") for i in range(100)]
    x = Value(1.0)
    for inner in scopes:
        inner.__enter__()
        x = x * 2.0
    for inner in reversed(scopes):
        inner.__exit__()
    assert len(frames(draw_dot(x.tanh(), depth=101))) == 100
    assert list(boxes(draw_dot(x.tanh(), depth=0))) == ["the graph"]


# ---- other options


def test_color_is_that_of_the_number_farthest_from_zero():
    with scope("part"):
        root = sum(Value(x) * 1.0 for x in (1.0, -4.0, 2.0) * 50)
    root = root * 0.001
    drawing = draw_dot(root, color="data", show="op", max_nodes=50)
    assert "legend" in drawing.source
    assert 'fillcolor="#5aa5e6"' in next(line for line in drawing.source.splitlines() if "part |" in line)


def test_nan_is_seen():
    root = sum((Value(float(x)) * 1.0 for x in (1.0, "nan", 2.0)), Value(0.0))
    assert 'fillcolor="#c0c0c0"' in draw_dot(root, color="data", depth=0).source
    assert "data 0.0000 … 2.0000" in draw_dot(root, depth=0).source


def test_constants_are_counted_unless_they_are_hidden():
    root = batch()
    assert "constants" in draw_dot(root).source
    assert "constant" not in draw_dot(root, constants=False).source


def test_without_fields_there_are_a_title_and_a_count():
    assert boxes(draw_dot(squares(300), show=()))["* × 300"] == [r"600 Values\n300 leaves"]


def test_the_note_that_backward_has_not_run():
    root = batch()
    assert "backward() runs" in draw_dot(root).source
    root.backward()
    assert "backward() runs" not in draw_dot(root).source


def test_the_same_program_gives_the_same_picture():
    assert without_ids(draw_dot(batch())) == without_ids(draw_dot(batch()))


@pytest.mark.skipif(not has_renderer(), reason="no renderer is installed: see fastgrad info")
@pytest.mark.parametrize("rankdir", ["LR", "TB"])
def test_a_rendered_picture(rankdir: str):
    svg = draw_dot(batch(), rankdir=rankdir).pipe()
    assert {"MLP", "layers.0", "layers.1", "240 × this:", "dot 1, tanh 1"} <= set(texts(svg))
    assert parts(svg, "cluster") == ["cluster 1"]


def test_the_architecture_of_a_gpt():
    model = gpt.GPT(fastgrad, tokens=5, seed=1)
    drawing = draw_dot(model.loss([0, 1, 2, 3, 4, 0]))
    assert {"norm", "head × 4", "logits", "loss"} <= set(boxes(drawing))
    assert sorted(frames(drawing)) == ["GPT", "attention", "embedding", "mlp"]
    assert count_of_boxes(drawing) <= READABLE
