"""copy, deepcopy and pickle: of single Values, of whole graphs, and of bytes that are not a graph."""

from __future__ import annotations

import contextlib
import copy
import gc
import io
import itertools
import math
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fastgrad import Value, _core

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def through_pickle(protocol: int) -> Callable[[Any], Any]:
    return lambda thing: pickle.loads(pickle.dumps(thing, protocol))


#: Every way to copy a whole graph.
carriers = pytest.mark.parametrize(
    "carry",
    [copy.deepcopy, *(through_pickle(protocol) for protocol in PROTOCOLS)],
    ids=["deepcopy", *(f"pickle{protocol}" for protocol in PROTOCOLS)],
)


class Parameter(Value):
    """A user's subclass with additional state."""

    def __init__(self, data: float, name: str = "") -> None:
        super().__init__(data)
        self.name = name


class Square(Value):
    """A user's operation as a subclass with additional state."""

    def __init__(self, v: Value, note: str) -> None:
        super().__init__(v.data**2, (v,), (2.0 * v.data,))
        self.note = note


def described(root: Value) -> list[tuple[Any, ...]]:
    """Everything that a copy must preserve: structure by position, numbers, labels, operations."""
    order = root.topological_order()
    position = {value: i for i, value in enumerate(order)}
    return [
        (repr(v.data), repr(v.grad), v.label, v._op, [position[operand] for operand in v._operands()]) for v in order
    ]


def example() -> Value:
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    e = a * b
    e.label = "e"
    t = math.tanh(e.data)
    own = Value(t, (e, a), (1.0 - t * t, 0.5))
    named = Value(1.5, (own,), "mine")
    root = (named + e).hypot(4.0).leaky_relu(0.2) / a - 2.0**b
    root.label = "root"
    root.backward()
    return root


# ---- single values


@carriers
def test_leaf_keeps_its_fields(carry: Callable[[Any], Any]):
    a = Value(2.5, label="a")
    a.grad = 7.0
    b = carry(a)
    assert type(b) is Value
    assert b is not a
    assert (b.data, b.grad, b.label, b._prev) == (2.5, 7.0, "a", set())


@carriers
@pytest.mark.parametrize("data", [-0.0, math.inf, -math.inf, 5e-324])
def test_data_keeps_its_bits(carry: Callable[[Any], Any], data: float):
    assert repr(carry(Value(data)).data) == repr(data)
    assert repr(carry(Value(data) * 1.0)._operands()[0].data) == repr(data)


def test_copy_has_the_same_operands_and_a_separate_gradient():
    a = Value(3.0)
    b = a * 2.0
    b.label = "b"
    b.grad = 5.0
    twin = copy.copy(b)
    assert (twin.data, twin.grad, twin.label, twin._op) == (6.0, 5.0, "b", "*")
    assert a in twin._prev
    twin.backward()
    assert (a.grad, b.grad) == (2.0, 5.0)


def test_copy_of_a_leaf_is_another_leaf():
    a = Value(3.0, label="a")
    twin = copy.copy(a)
    (twin * 2.0).backward()
    assert (twin.label, twin.grad, a.grad) == ("a", 2.0, 0.0)


# ---- graphs


@carriers
def test_graph_keeps_everything(carry: Callable[[Any], Any], live_nodes: Callable[[], int]):
    root = example()
    assert described(carry(root)) == described(root)


@carriers
def test_copied_graph_differentiates_on_its_own(carry: Callable[[Any], Any]):
    a = Value(3.0, label="a")
    root = (a * a).exp() + a
    twin = carry(root)
    (b,) = (v for v in twin.topological_order() if v.label == "a")
    twin.backward()
    assert (a.grad, b.grad) == (0.0, 6.0 * math.exp(9.0) + 1.0)


@carriers
@pytest.mark.parametrize("reverse", [False, True], ids=["operand first", "result first"])
def test_values_that_travel_together_stay_connected(carry: Callable[[Any], Any], reverse: bool):
    a = Value(2.0)
    e = a * 3.0
    d = e + a
    carried = carry([d, e, a] if reverse else [a, e, d])
    new_a, new_e, new_d = carried[::-1] if reverse else carried
    assert new_d._prev == {new_e, new_a}
    assert new_a in new_e._prev
    new_d.backward()
    assert (new_e.grad, new_a.grad, a.grad) == (1.0, 4.0, 0.0)


@carriers
def test_graphs_that_share_a_part_still_share_it(carry: Callable[[Any], Any]):
    shared = Value(2.0) * 3.0
    parts = {"first": -shared, "again": (shared, shared), "second": [shared.exp()]}
    carried = carry(parts)
    new = carried["again"][0]
    assert carried["again"][1] is new
    assert carried["first"]._prev == carried["second"][0]._prev == {new}


@carriers
def test_objects_that_hold_values_can_be_copied(carry: Callable[[Any], Any]):
    class_like = {"weights": [Value(0.1), Value(0.2)], "loss": None}
    class_like["loss"] = sum(w * w for w in class_like["weights"])
    carried = carry(class_like)
    carried["loss"].backward()
    assert [w.grad for w in carried["weights"]] == [0.2, 0.4]


def test_copying_leaves_no_nodes_behind(live_nodes: Callable[[], int]):
    root = example()
    count = live_nodes()
    for _ in range(10):
        copy.deepcopy(root)
        pickle.loads(pickle.dumps(root))
    assert live_nodes() == count


@pytest.mark.parametrize("depth", [200_000])
def test_deep_chain_is_copied_without_recursion(depth: int, live_nodes: Callable[[], int]):
    x = v = Value(1.0)
    for _ in range(depth):
        v = -v
    for twin in (copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        assert twin._node_count() == depth + 1
        twin.backward()
        assert twin.topological_order()[0].grad == 1.0
    assert x.grad == 0.0


# ---- subclasses


@carriers
def test_leaf_of_a_subclass_keeps_its_type_and_state(carry: Callable[[Any], Any]):
    p = Parameter(2.0, "w")
    p.label = "label"
    twin = carry(p)
    assert (type(twin), twin.data, twin.label, twin.name) == (Parameter, 2.0, "label", "w")


@carriers
def test_leaf_of_a_subclass_keeps_its_state_inside_a_carried_graph(carry: Callable[[Any], Any]):
    root = (Parameter(2.0, "w") * 3.0).exp()
    twin = carry(root)
    gc.collect()
    (leaf,) = (v for v in twin.topological_order() if v.data == 2.0)
    assert (type(leaf), leaf.name) == (Parameter, "w")


def test_copy_of_a_subclass_keeps_its_type_and_state():
    twin = copy.copy(Parameter(2.0, "w"))
    assert (type(twin), twin.data, twin.name) == (Parameter, 2.0, "w")


@pytest.mark.parametrize("carry", [copy.copy, copy.deepcopy, through_pickle(5)], ids=["copy", "deepcopy", "pickle"])
def test_custom_operation_of_a_subclass_keeps_its_state_or_is_refused(carry: Callable[[Any], Any]):
    square = Square(Value(3.0), "area")
    refused = None
    try:
        twin = carry(square)
    except TypeError as error:
        refused = str(error)
    assert "Square" in refused if refused else (type(twin), twin.note) == (Square, "area")


def test_subclass_does_not_leak_when_a_pickler_outlives_its_graph(live_nodes: Callable[[], int]):
    for _ in range(100):
        pickler = pickle.Pickler(io.BytesIO())
        pickler.dump(Parameter(2.0, "w") * 3.0)
        place = _core.pickle_position(Parameter(2.0, "w") * 3.0)
        del pickler, place
    assert live_nodes() == 0


# ---- closures


def with_closure() -> Value:
    a = Value(2.0)
    out = Value(a.data**2, (a,), "square")

    def backward() -> None:
        a.grad += 2.0 * a.data * out.grad

    out._backward = backward
    return out * 3.0


@pytest.mark.parametrize("carry", [copy.deepcopy, pickle.dumps], ids=["deepcopy", "pickle"])
def test_graph_with_a_closure_is_refused_with_a_hint(carry: Callable[[Any], Any], live_nodes: Callable[[], int]):
    root = with_closure()
    count = live_nodes()
    with pytest.raises(TypeError, match=r"_backward function cannot be copied.*give local gradients"):
        carry(root)
    assert live_nodes() == count
    root.backward()
    assert root.topological_order()[0].grad == 12.0


def test_copy_of_a_value_with_a_closure_is_refused_or_right():
    root = with_closure()
    (out,) = (v for v in root._prev if v._op == "square")
    (a,) = out._prev
    try:
        twin = copy.copy(out)
    except TypeError:
        return
    twin.backward()
    assert a.grad == 4.0


# ---- bytes that are not a graph


def snapshot(root: Value) -> tuple[bytes, list[Value]]:
    return _core.pickle_position(root)[0].__reduce__()[1]


def small_graph() -> Value:
    return Value(math.tanh(-6.0), (Value(2.0, label="é") * -3.0,), (0.5,)).hypot(4.0) + 1.0


def values_of(graph: _core.Snapshot) -> Iterator[Value]:
    with contextlib.suppress(IndexError):
        for position in itertools.count():
            yield graph.value(position)


def exercise(data: bytes, shared_nodes: list[Value]) -> None:
    """Uses the graph that the bytes describe, if any, in every way; a ValueError means that they were refused."""
    try:
        graph = _core.Snapshot(data, shared_nodes)
    except ValueError:
        return
    for value in values_of(graph):
        described(value)
        value.backward()
        repr(value)
        value.to_json(max_nodes=100)
        copy.deepcopy(value)


def test_snapshot_is_read_back(live_nodes: Callable[[], int]):
    root = small_graph()
    place, position = _core.pickle_position(root)
    graph = _core.Snapshot(*place.__reduce__()[1])
    assert graph.value(position).data == root.data
    assert graph.value(position) is graph.value(position)
    with pytest.raises(IndexError, match="no Value at this position"):
        graph.value(1_000)


def test_every_truncation_is_refused(live_nodes: Callable[[], int]):
    data, shared_nodes = snapshot(small_graph())
    for length in range(len(data)):
        with pytest.raises(ValueError, match="not a snapshot of a graph"):
            _core.Snapshot(data[:length], shared_nodes)


def test_every_changed_byte_is_refused_or_gives_a_graph_that_works(live_nodes: Callable[[], int]):
    data, shared_nodes = snapshot(small_graph())
    for i in range(len(data)):
        for change in (0x01, 0x02, 0x10, 0x80, 0xFF):
            exercise(data[:i] + bytes([data[i] ^ change]) + data[i + 1 :], shared_nodes)
    del shared_nodes


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it starts otherwise|it is cut short"),
        (b"fastgrad snapshot 2\n" + bytes(24), "it starts otherwise"),
        (b"fastgrad snapshot 1\n" + bytes(24) + b"x", "something follows its end"),
        (b"fastgrad snapshot 1\n" + bytes(8) + b"\xff" * 8, "a count is too large"),
        (b"fastgrad snapshot 1\n" + bytes(8) + b"\xff\xff\xff\xff" + bytes(4), "a count is too large"),
        (b"fastgrad snapshot 1\n" + b"\x01" + bytes(23), "it refers to another number of Values"),
        (b"fastgrad snapshot 1\n" + bytes(8) + b"\x01" + bytes(7) + b"\xfa" + bytes(33), "an operation is unknown"),
        (
            b"fastgrad snapshot 1\n" + bytes(8) + b"\x01" + bytes(7) + b"\x02" + bytes(41),
            "an operand does not stand before its result",
        ),
    ],
)
def test_hostile_bytes_are_refused_with_a_reason(data: bytes, why: str, live_nodes: Callable[[], int]):
    with pytest.raises(ValueError, match=why):
        _core.Snapshot(data, [])


def test_snapshot_refers_to_values_only():
    with pytest.raises(ValueError, match="it refers to no Value"):
        _core.Snapshot(b"fastgrad snapshot 1\n" + bytes(24), [1.0])
    with pytest.raises(TypeError):
        _core.Snapshot("text", [])
    with pytest.raises(TypeError, match="needs a Value"):
        _core.pickle_position(1.0)


def test_pickle_names_only_fastgrad():
    """The names that a restricted unpickler has to allow: saved graphs need nothing else."""
    names = set()

    class Recorder(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            names.add((module, name))
            return super().find_class(module, name)

    Recorder(io.BytesIO(pickle.dumps([example(), Value(1.0)]))).load()
    assert {module for module, _ in names} <= {"fastgrad.engine", "fastgrad._core"}
