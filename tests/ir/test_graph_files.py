"""Saved graphs: files, pickle and copies."""

from __future__ import annotations

import copy
import math
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastgrad
from fastgrad import Graph, Value, _core
from fastgrad.compile import PASSES
from support.graph_bytes import CORPUS, ROWS, SIZE, VERSION, loaded, sealed


def through_file(graph: Graph, tmp_path: Path) -> Graph:
    graph.save(tmp_path / "x.graph")
    return Graph.load(tmp_path / "x.graph")


def bits(numbers: Any) -> bytes:
    return np.asarray(numbers, dtype=np.float64).tobytes()


def perceptron(seed: int = 0) -> tuple[list[Value], list[Value], list[Value]]:
    """Inputs, parameters and hidden units of a layer that compiles to dots and maps."""
    random = np.random.default_rng(seed)
    inputs = [Value(0.0) for _ in range(5)]
    parameters = [Value(number) for number in random.normal(size=12 * 6)]
    rows = [parameters[6 * i : 6 * i + 6] for i in range(12)]
    hidden = [(sum((w * x for w, x in zip(row, inputs, strict=False)), row[5])).tanh() for row in rows]
    return inputs, parameters, hidden


def programs() -> dict[str, Graph]:
    """Every kind of program."""
    inputs, _, hidden = perceptron()
    x, y = Value(0.0), Value(0.0)
    a, b = Value(0.5, label="a"), Value(-2.0, label="β 中 😀")
    return {
        "layer": Graph(hidden, inputs),
        "layer without passes": Graph(hidden, inputs, passes=()),
        "layer with dots that do not roll": Graph(sum(hidden), inputs, passes=("gather_dots",)),
        "constants": Graph((x * 3.0 + 1e-310) ** 2.5 / math.inf, [x]),
        "constant with -0.0": Graph(x * -0.0, [x]),
        "one output of several operations": Graph(fastgrad.hypot(x, y).elu(0.3) + a, [y, x]),
        "several outputs": Graph([x * a, [y, (b, x.sin())], a], [x, y]),
        "no inputs": Graph(a * b + a),
        "no instructions": Graph(a),
        "unused input": Graph(a * x, [x, y]),
        "hoisted": Graph((a * b).exp() * x, [x]),
        "where": Graph(fastgrad.where(fastgrad.less(x, y), x * a, y.floor()), [x, y]),
        "no bound leaves": Graph(x * y, [x, y]),
    }  # fmt: skip


kinds = pytest.mark.parametrize("kind", list(programs()))

carriers = pytest.mark.parametrize(
    "carry",
    [copy.copy, copy.deepcopy, *(lambda g, p=p: pickle.loads(pickle.dumps(g, p)) for p in range(2, 6))],
    ids=["copy", "deepcopy", "pickle2", "pickle3", "pickle4", "pickle5"],
)


def assert_same(one: _core.Graph, other: _core.Graph) -> None:
    """Equal to the last bit: values and gradients, single and batched, of inputs and bound leaves."""
    assert (one.inputs_count, one.outputs_count, one.passes) == (
        other.inputs_count,
        other.outputs_count,
        other.passes,
    )
    stats, other_stats = one.stats(), other.stats()
    assert {**stats, "bytes": 0} == {**other_stats, "bytes": 0}
    random = np.random.default_rng(1)
    for batch in (None, 1, 7, 8, 45):
        shape = (one.inputs_count,) if batch is None else (batch, one.inputs_count)
        x = random.normal(size=shape)
        cotangents = random.normal(size=(*shape[:-1], one.outputs_count))
        assert bits(one(x)) == bits(other(x))
        results = []
        for graph in (one, other):
            for leaf in graph.parameters:
                leaf.grad = 0.0
            results.append([bits(part) for part in graph.vjp(x, cotangents)])
            results[-1].append(bits([leaf.grad for leaf in graph.parameters]))
        assert results[0] == results[1]


# ---- files


@kinds
def test_loaded_graph_is_the_saved_one(kind: str, tmp_path: Path, live_nodes: Callable[[], int]):
    graph = programs()[kind]
    twin = through_file(graph, tmp_path)
    assert type(twin) is Graph
    assert_same(graph, twin)
    assert [(p.data, p.label) for p in twin.parameters] == [(p.data, p.label) for p in graph.parameters]
    assert not set(twin.parameters) & set(graph.parameters)
    assert twin._to_bytes() == graph._to_bytes()


@pytest.mark.parametrize("name", PASSES)
def test_each_pass_by_itself_and_left_out(name: str, tmp_path: Path):
    inputs, _, hidden = perceptron()
    for passes in ((name,), tuple(p for p in PASSES if p != name)):
        graph = Graph([sum(hidden), hidden[3] ** 2], inputs, passes=passes)
        assert_same(graph, through_file(graph, tmp_path))


def test_current_data_is_saved(tmp_path: Path):
    a, x = Value(1.0), Value(0.0)
    graph = Graph(a * x, [x])
    a.data, a.grad, a.label = 2.0, 9.0, "later"
    twin = through_file(graph, tmp_path)
    (leaf,) = twin.parameters
    assert (leaf.data, leaf.grad, leaf.label) == (2.0, 0.0, "later")
    leaf.data = 5.0
    assert (twin([3.0])[0], graph([3.0])[0]) == (15.0, 6.0)


@pytest.mark.parametrize("payload", [0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001, 0x8000000000000000])
def test_numbers_keep_their_bits(payload: int, tmp_path: Path):
    number = struct.unpack("<d", struct.pack("<Q", payload))[0]
    x = Value(0.0)
    graph = Graph(Value(number) + x * number, [x])
    twin = through_file(graph, tmp_path)
    saved = graph._to_bytes()
    assert saved.count(struct.pack("<d", number)) == 2
    assert twin._to_bytes() == saved
    assert bits([p.data for p in twin.parameters]) == bits([number])


@pytest.mark.parametrize("instruction_set", _core.instruction_sets())
def test_instruction_set_is_chosen_when_loading(instruction_set: str, tmp_path: Path):
    inputs, _, hidden = perceptron()
    graph = Graph(sum(hidden), inputs, instruction_set=instruction_set)
    graph.save(tmp_path / "x")
    twin = Graph.load(tmp_path / "x", instruction_set=instruction_set)
    assert twin.stats()["instruction_set"] == instruction_set
    assert_same(graph, twin)
    assert Graph.load(tmp_path / "x").stats()["instruction_set"] == _core.instruction_sets()[0]
    assert_same(graph, copy.deepcopy(graph))


def test_loaded_graph_can_be_trained_and_saved_again(tmp_path: Path):
    inputs, _, hidden = perceptron()
    graph = Graph(sum(h * h for h in hidden), inputs)
    twin = through_file(graph, tmp_path)
    for _ in range(3):
        for one in (graph, twin):
            one.value_and_grad(np.ones((20, 5)))
            for p in one.parameters:
                p.data -= 0.01 * p.grad
                p.grad = 0.0
    assert_same(graph, twin)
    assert_same(graph, through_file(twin, tmp_path))


def test_subclass_is_loaded_as_it_is_asked_for(tmp_path: Path):
    class Named(Graph):
        pass

    graph = Graph(Value(2.0) * 3.0)
    graph.save(tmp_path / "x")
    assert type(Named.load(tmp_path / "x")) is Named


@pytest.mark.parametrize("path", CORPUS, ids=[path.stem for path in CORPUS])
def test_files_of_earlier_versions_stay_readable(path: Path):
    graph = Graph.load(path)
    assert np.shape(graph(np.ones((9, graph.inputs_count)))) == (9, graph.outputs_count)
    data, again = path.read_bytes(), graph._to_bytes()
    if data[VERSION] == again[VERSION]:
        assert sealed(again[:ROWS] + data[ROWS:SIZE] + again[SIZE:]) == data
    else:
        twin = loaded(again)
        assert twin._to_bytes() == again
        assert_same(twin, graph)


def test_passes_of_the_first_version_have_their_current_names():
    graph = Graph.load(next(path for path in CORPUS if path.stem == "rolled"))
    assert set(graph.passes) <= set(PASSES)
    assert {"cse", "dce"} <= set(graph.passes)


def test_operations_keep_their_numbers():
    """Files refer to operations by their row: new ones are appended."""
    first = (
        "add sub mul div pow neg abs exp exp2 expm1 log log1p log2 log10 sqrt cbrt hypot sin cos tan asin acos atan "
        "atan2 sinh cosh tanh asinh acosh atanh erf erfc erfinv lgamma digamma sigmoid logit softplus relu "
        "leaky_relu elu gelu silu maximum minimum copysign floor ceil logaddexp less less_equal keep_if drop_if "
        "stop_gradient"
    )
    assert " ".join(row.name for row in fastgrad.operations()).startswith(first)


def test_depth_does_not_matter(tmp_path: Path):
    x = v = Value(1.0)
    for _ in range(300_000):
        v = v.sin()
    graph = Graph(v, [x])
    twin = through_file(graph, tmp_path)
    assert twin([1.0])[0] == graph([1.0])[0]
    assert len(graph._to_bytes()) < 300_000 * 9 + 500


# ---- pickle, copy and deepcopy


@carriers
@kinds
def test_carried_graph_is_the_same(kind: str, carry: Callable[[Graph], Graph]):
    graph = programs()[kind]
    twin = carry(graph)
    assert type(twin) is Graph
    assert twin is not graph
    assert_same(graph, twin)


@carriers
def test_bound_leaves_stay_connected_to_what_is_carried_with_them(carry: Callable[[Any], Any]):
    inputs, parameters, hidden = perceptron()
    graph = Graph(sum(hidden), inputs)
    for things in ((parameters, graph), (graph, parameters)):
        carried = carry(list(things))
        twin, leaves = sorted(carried, key=lambda thing: isinstance(thing, list))
        assert set(twin.parameters) == set(leaves)
        twin.value_and_grad(np.ones(5))
        assert any(leaf.grad for leaf in leaves)


def test_graphs_that_share_leaves_still_share_them():
    a, x = Value(2.0, label="a"), Value(0.0)
    loss = a * 5.0
    graphs = [Graph(a * x, [x]), Graph(a + x, [x])]
    del a
    for carry in (copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))):
        one, other, carried_loss = carry([*graphs, loss])
        assert one.parameters == other.parameters
        assert one.parameters[0] in carried_loss._prev
        assert one.parameters[0] is not graphs[0].parameters[0]


def test_copy_is_bound_to_the_same_leaves_and_deepcopy_is_not():
    a, x = Value(2.0), Value(0.0)
    graph = Graph(a * x, [x])
    assert copy.copy(graph).parameters == (a,)
    assert copy.deepcopy(graph).parameters != (a,)


def test_subclass_of_value_keeps_its_state():
    graph = Graph(Named(2.0) * 3.0)
    graph.parameters[0].name = "w"
    (leaf,) = pickle.loads(pickle.dumps(graph)).parameters
    assert (type(leaf), leaf.name) == (Named, "w")


class Named(Value):
    name = ""


class Noted(Graph):
    pass


def test_attributes_of_a_subclass_are_carried():
    graph = Noted(Value(2.0) * 3.0)
    graph.note = ["text"]
    for twin in (copy.deepcopy(graph), pickle.loads(pickle.dumps(graph))):
        assert (type(twin), twin.note) == (Noted, ["text"])
        assert twin.note is not graph.note


def test_carrying_leaves_no_nodes_behind(live_nodes: Callable[[], int], tmp_path: Path):
    graph = programs()["several outputs"]
    count = live_nodes()
    for _ in range(10):
        copy.deepcopy(graph)
        pickle.loads(pickle.dumps(graph))
        through_file(graph, tmp_path)
    assert live_nodes() == count


def test_pickle_names_only_fastgrad():
    """The names that a restricted unpickler has to allow: saved graphs need nothing else."""
    names = set()

    class Recorder(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            names.add(module)
            return super().find_class(module, name)

    import io

    Recorder(io.BytesIO(pickle.dumps(programs()["layer"]))).load()
    assert names <= {"fastgrad.engine", "fastgrad.compile.graph", "fastgrad._core"}


def test_bound_leaves_must_fit():
    data = programs()["several outputs"]._to_bytes()  # two of them
    a, b = Value(1.0), Value(2.0)

    def bind(parameters: Any) -> None:
        _core.read_program(data, parameters=parameters)

    bind([a, b])
    with pytest.raises(ValueError, match="2 bound leaves cannot be bound to 1"):
        bind([a])
    with pytest.raises(ValueError, match="0 and 1 are the same Value"):
        bind([a, a])
    with pytest.raises(ValueError, match="is not a leaf"):
        bind([a, a * b])
    with pytest.raises(TypeError, match="must be Values"):
        bind([a, 1.0])
