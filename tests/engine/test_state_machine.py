"""Any sequence of actions on Values leaves the store in the state predicted by a model in plain Python.

Compared after each step: numbers, gradients, labels, operands and scopes of all live nodes, and their number.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import math
import pickle
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import fastgrad
from fastgrad import Graph, Value, _core, draw_dot, jit, no_grad, reference, scope, vmap
from fastgrad.reference import OPERATIONS
from support.engine_model import (
    Captured,
    Interruption,
    Node,
    Program,
    Recorded,
    Spec,
    Switch,
    apply,
    below,
    custom_operation,
    deep_copy,
    expected_facts,
    facts_of,
    function_of,
    is_comparable,
    outcome_of,
    shallow_copy,
    specs_below,
    specs_of,
)
from support.operations import bits
from support.passes import GRADIENT_KEEPING_PASSES
from support.recipes import NAMES, Recipe, numbers, recipes
from support.replays import FLAT, all_bits, eager_gradients
from support.sequences import TABLE as SEQUENCES

check_store: Callable[[], object] = getattr(_core, "check", lambda: None)  # only in a debug build

#: One of the named Values, counted from the last.
places = st.integers(0, 15)
calm = st.one_of(st.floats(-3.0, 3.0), st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 0.5]))
operands = st.one_of(places.map(lambda i: ("node", i)), numbers.map(lambda x: ("constant", x)))
#: Operations of the table, with more operands than some of them take.
steps = st.lists(st.tuples(st.sampled_from(NAMES), operands, operands), min_size=1, max_size=5)
#: Not a bool, which is part of a recording's structure.
given = st.one_of(places.map(lambda i: ("node", i)), calm.map(lambda x: ("constant", x)))
rarely = st.integers(0, 9).map(lambda n: n == 9)
#: Whether an action runs in no_grad, and how that ends.
pauses = st.sampled_from([*[""] * 8, "returns", "raises"])


class Tagged(Value):
    """A user's subclass with an attribute."""

    note: str


@dataclass
class Held:
    """A named Value, and its expected state."""

    ours: Value
    node: Node


class Store(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        gc.freeze()  # hides existing objects from the collector
        self.before = _core.memory()
        self.held: list[Held] = []
        self.others: list[Captured | Recorded] = []
        self.scopes: list[scope] = []
        self.path = ""
        self.paused = False
        self.has_closures = False
        self.switch = Switch()

    def teardown(self) -> None:
        while self.scopes:
            self.scopes.pop().__exit__()
        self.held.clear()
        self.others.clear()
        traceback.clear_frames(sys.exc_info()[2])  # of a failed step: they keep their variables alive
        try:
            self.store_is_consistent()
        finally:
            gc.unfreeze()

    # --- invariants

    def alive(self) -> list[Node]:
        roots = [held.node for held in self.held]
        return below([*roots, *(node for other in self.others for node in other.kept())], with_kept=True)

    @invariant()
    def store_is_consistent(self) -> None:
        check_store()
        alive = self.alive()
        expected = len(alive), sum(node.is_leaf for node in alive)
        while self.has_closures and self.counts() != expected and gc.collect():
            pass  # one closure in another's list may need a separate run
        assert self.counts() == expected

    def counts(self) -> tuple[int, int]:
        now = _core.memory()
        return now["live_nodes"] - self.before["live_nodes"], now["live_leaves"] - self.before["live_leaves"]

    @invariant()
    def values_are_those_of_the_model(self) -> None:
        seen: dict[Node, Value] = {}
        todo = [(held.ours, held.node) for held in self.held]
        while todo:
            ours, node = todo.pop()
            if node in seen:
                assert seen[node] is ours
                continue
            seen[node] = ours
            assert facts_of(ours) == expected_facts(node)
            found = ours._operands_or_constants()
            assert len(found) == len(node.operands)
            for operand, expected in zip(found, node.operands, strict=True):
                if isinstance(expected, Node):
                    assert isinstance(operand, Value)
                    todo.append((operand, expected))
                else:
                    assert isinstance(operand, float)
                    assert bits(operand) == bits(expected.data)
        assert len(set(seen.values())) == len(seen)

    # --- leaves, names

    def pick(self, place: int) -> Held:
        return self.held[-1 - place % len(self.held)]

    def pick_result(self, place: int) -> Held:
        """One of the Values, usually a computed one."""
        results = [held for held in self.held if place % 4 and not held.node.is_leaf] or self.held
        return results[-1 - place % len(results)]

    def add(self, ours: Value, node: Node) -> None:
        if self.paused:
            node = Node(Spec(node.spec.data))
        node.scope = self.path
        self.held.append(Held(ours, node))

    @initialize(data=st.lists(calm, min_size=2, max_size=3), steps=steps)
    def first_values(self, data: list[float], steps: list[Any]) -> None:
        for number in data:
            self.add(Value(number), Node(Spec(number)))
        self.apply_all(steps)

    @rule(data=numbers, label=st.sampled_from(["", "x", "größe"]))
    def make_leaf(self, data: float, label: str) -> None:
        self.add(Value(data, label=label), Node(Spec(data, label=label)))

    @rule(data=calm, note=st.sampled_from(["one", "two"]))
    def make_instance_of_subclass(self, data: float, note: str) -> None:
        tagged = Tagged(data)
        tagged.note = note
        self.add(tagged, Node(Spec(data), note=note))

    @rule(place=places, label=st.sampled_from(["", "y", "a longer label, which needs memory of its own"]))
    def label(self, place: int, label: str) -> None:
        held = self.pick(place)
        held.ours.label = held.node.spec.label = label

    @precondition(lambda self: len(self.held) > 1)
    @rule(first=places, count=st.integers(1, 3))
    def delete_names(self, first: int, count: int) -> None:
        for _ in range(min(count, len(self.held) - 1)):
            del self.held[first % len(self.held)]

    @precondition(lambda self: self.others)
    @rule(place=places)
    def delete_capture(self, place: int) -> None:
        del self.others[place % len(self.others)]

    @precondition(lambda self: len(self.scopes) < 3)
    @rule(name=st.sampled_from(["a", "b"]))
    def enter_scope(self, name: str) -> None:
        self.scopes.append(scope(name).__enter__())
        self.path = f"{self.path}/{name}".lstrip("/")

    @precondition(lambda self: self.scopes)
    @rule()
    def leave_scope(self) -> None:
        self.scopes.pop().__exit__()
        self.path = self.path.rpartition("/")[0]

    # --- operations

    @contextlib.contextmanager
    def recording(self, pause: str) -> Iterator[None]:
        self.paused = pause != ""
        with contextlib.suppress(Interruption), no_grad() if pause else contextlib.nullcontext():
            yield
            if pause == "raises":
                raise Interruption
        self.paused = False

    def read(self, chosen: Sequence[tuple[str, Any]]) -> tuple[list[Any], list[Node | Spec]]:
        """The operands, and the model's numbers for them; at least one of them is a Value."""
        if all(kind == "constant" for kind, _ in chosen):
            chosen = [("node", 0), *chosen[1:]]
        ours, expected = [], list[Node | Spec]()
        for kind, what in chosen:
            ours.append(self.pick(what).ours if kind == "node" else what)
            expected.append(self.pick(what).node if kind == "node" else Spec(what))
        return ours, expected

    @rule(steps=steps, pause=pauses)
    def combine(self, steps: list[Any], pause: str) -> None:
        with self.recording(pause):
            self.apply_all(steps)

    def apply_all(self, steps: list[tuple[str, Any, Any]]) -> None:
        for name, *chosen in steps:
            ours, expected = self.read(chosen[: len(OPERATIONS[name].partials)])
            result, error = outcome_of(apply, fastgrad, name, ours)
            spec, expected_error = outcome_of(apply, reference, name, specs_of(expected))
            assert error is expected_error
            if not error:
                self.add(result, Node(spec, expected, spec._op))

    @rule(row=st.sampled_from(SEQUENCES), chosen=st.lists(given, min_size=9, max_size=9), size=st.integers(1, 4),
          pause=pauses, copies=st.booleans())  # fmt: skip
    def combine_sequence(self, row: Any, chosen: list[Any], size: int, pause: str, copies: bool) -> None:
        ours, expected = self.read(chosen[: max(2, size * row.step) + row.bias])
        if not all(abs(value.data) <= 700.0 for value in specs_of(expected)):
            return  # exponentials and squares that overflow have their own tests
        with self.recording(pause):
            result, results = row.call(fastgrad, ours), row.call(reference, specs_of(expected))
            if not isinstance(result, list):
                self.add(result, Node(results, expected, row.name))
                self.held[-1].node.freeze()
            else:
                self.add_results(result, results, Node(Spec(0.0), expected, row.name, self.path))
            if copies:
                self.copy_one(self.held[-1])

    def add_results(self, ours: list[Value], specs: list[Spec], node: Node) -> None:
        """Several results of one node, which lies between them and the operands."""
        node.inside = list(dict.fromkeys(value for spec in specs for value in spec._operands))
        if not self.paused:
            node.spec.data = ours[0]._operands()[0].data
        for i, (result, spec) in enumerate(zip(ours, specs, strict=True)):
            self.add(result, Node(spec, [node], f"[{i}]"))
            self.held[-1].node.freeze()
        node.freeze()

    @rule(chosen=st.lists(places, min_size=1, max_size=3), data=calm, factors=st.tuples(calm, calm, calm),
          idiom=st.sampled_from(["closure", "closure", "local gradients", "none"]))  # fmt: skip
    def make_custom_operation(self, chosen: list[int], data: float, factors: tuple[float, ...], idiom: str) -> None:
        ours, nodes = [self.pick(i).ours for i in chosen], [self.pick(i).node for i in chosen]
        factors = factors[: len(chosen)]
        specs = specs_of(nodes)
        if idiom == "closure":
            self.has_closures = True
            result = custom_operation(fastgrad, data, ours, factors, self.switch)
            spec = custom_operation(reference, data, specs, factors, self.switch)
        else:
            third = factors if idiom == "local gradients" else "stop"
            result, spec = Value(data, ours, third), Spec(data, specs, third)
        self.add(result, Node(spec, list(nodes), spec._op, is_custom=True, is_copyable=idiom != "closure"))

    @rule(place=places)
    def detach(self, place: int) -> None:
        held = self.pick(place)
        self.add(held.ours.detach(), Node(Spec(held.node.spec.data)))

    @rule(place=places)
    def show_operands(self, place: int) -> None:
        held = self.pick_result(place)
        held.node.show_constants(self.path)
        assert len(held.ours._prev) == len(set(held.node.operands))

    @rule(place=places)
    def order(self, place: int) -> None:
        held = self.pick_result(place)
        nodes = below([held.node], with_kept=True)
        assert held.ours._node_count() == sum(1 + node.constants() for node in nodes)
        for node in nodes:
            node.show_constants(self.path)
        order, expected = held.ours.topological_order(), below([held.node], with_kept=True)
        assert len(order) == len(expected)
        inner, expected_inner = ([v for v in order if v._operands()], [n for n in expected if not n.is_leaf])
        assert list(map(facts_of, inner)) == list(map(expected_facts, expected_inner))

    # --- copies and pictures

    @rule(chosen=st.lists(places, min_size=1, max_size=4))
    def copy(self, chosen: list[int]) -> None:
        for held in [self.pick_result(i) for i in chosen]:
            self.copy_one(held)

    def copy_one(self, held: Held) -> None:
        if any(owner.inside for owner in held.node.nodes()):
            return  # one result twice: the engine adds their gradients before it multiplies, the reference after
        twin, error = outcome_of(copy.copy, held.ours)
        assert error is (None if held.node.is_copyable else TypeError)
        if not error:
            self.held.append(Held(twin, shallow_copy(held.node)))

    @rule(chosen=st.lists(places, min_size=1, max_size=3), pickled=st.booleans())
    def copy_graphs(self, chosen: list[int], pickled: bool) -> None:
        roots = [self.pick_result(i) for i in chosen]
        copies, error = outcome_of(through_pickle if pickled else copy.deepcopy, [root.ours for root in roots])
        is_copyable = all(node.is_copyable for node in below(root.node for root in roots))
        assert error is (None if is_copyable else TypeError)
        if error:
            return
        twins = deep_copy([root.node for root in roots], self.path)
        self.held += map(Held, copies, twins)

    @rule(place=places)
    def draw(self, place: int) -> None:
        held = self.pick_result(place)
        source = draw_dot(held.ours, max_nodes=None).source
        nodes = below([held.node])
        operations = sum(not node.is_leaf and node.symbol != "" for node in nodes)
        boxes = sum(1 + node.constants() for node in nodes)
        assert source.count("[label=") == boxes + operations

    # --- numbers and gradients

    @rule(place=places, data=numbers, grad=calm)
    def set_numbers(self, place: int, data: float, grad: float) -> None:
        held = self.pick(place)
        held.ours.grad = held.node.spec.grad = grad
        if not held.node.is_frozen:
            held.ours.data = held.node.spec.data = float(data)

    @rule(place=places, gradient=calm, fails=rarely)
    def sweep(self, place: int, gradient: float, fails: bool) -> None:
        held = self.pick_result(place)
        if not is_comparable(held.node, gradient):
            return
        self.switch.on = fails
        _, error = outcome_of(held.ours.backward, gradient)
        _, expected_error = outcome_of(held.node.spec.backward, gradient)
        self.switch.on = False
        assert error is expected_error

    @rule(place=places)
    def step_by_hand(self, place: int) -> None:
        held = self.pick_result(place)
        if held.node.is_frozen:
            return  # the reference takes several steps there
        held.ours._backward()
        held.node.spec._backward()

    @rule(place=places)
    def zero_grad(self, place: int) -> None:
        held = self.pick_result(place)
        held.ours.zero_grad()
        held.node.spec.zero_grad()

    # --- captured graphs

    def leaves(self, chosen: Sequence[int]) -> list[Held]:
        found = {held.node: held for held in map(self.pick, chosen) if held.node.is_leaf}
        return list(found.values())

    @rule(outputs=st.lists(places, min_size=1, max_size=2), inputs=st.lists(places, max_size=3),
          passes=st.sets(st.sampled_from(GRADIENT_KEEPING_PASSES)))  # fmt: skip
    def capture(self, outputs: list[int], inputs: list[int], passes: set[str]) -> None:
        roots, leaves = [self.pick_result(i) for i in outputs], self.leaves(inputs)
        graph, error = outcome_of(
            lambda: Graph([root.ours for root in roots], [leaf.ours for leaf in leaves], passes=passes)
        )
        nodes = below(root.node for root in roots)
        assert error is (TypeError if any(node.is_custom for node in nodes) else None)
        if not error:
            program = Program.of([root.node for root in roots], [leaf.node for leaf in leaves])
            self.others.append(Captured(graph, program, keeps_gradients=not passes))

    @precondition(lambda self: any(isinstance(other, Captured) for other in self.others))
    @rule(place=places, x=st.lists(calm, min_size=3, max_size=3), cotangents=st.lists(calm, min_size=2, max_size=2))
    def replay(self, place: int, x: list[float], cotangents: list[float]) -> None:
        captures = [other for other in self.others if isinstance(other, Captured)]
        captured = captures[place % len(captures)]
        program, x = captured.program, x[: len(captured.program.inputs)]
        cotangents = cotangents[: len(program.outputs)]
        run, error = outcome_of(program.run, x)
        if error:
            return  # the eager engine would raise: a replay continues with IEEE's numbers
        outputs, inputs, bound = run
        assert all_bits(captured.graph(x)) == all_bits([output.data for output in outputs])
        expected = eager_gradients(outputs, cotangents, [*inputs, *bound])
        if not captured.keeps_gradients or not (all(map(math.isfinite, expected)) or not program.names() & FLAT):
            return
        _, gradients = captured.graph.vjp(x, cotangents)
        assert all_bits(gradients + 0.0) == all_bits([leaf.grad + 0.0 for leaf in inputs])
        for leaf, computed in zip(program.bound(), bound, strict=True):
            leaf.spec.grad += computed.grad

    @rule(
        recipe=recipes(most_steps=6), bound=st.lists(places, max_size=2), branches=st.booleans(), maps=st.booleans()
    )
    def record(self, recipe: Recipe, bound: list[int], branches: bool, maps: bool) -> None:
        leaves, branches = self.leaves(bound), branches and not maps
        function = function_of(fastgrad, recipe, [leaf.ours for leaf in leaves], branches)
        ours = vmap(function, reduce="sum", passes=()) if maps else jit(function, passes=())
        self.others.append(Recorded(ours, recipe, [leaf.node for leaf in leaves], branches, maps))

    @precondition(lambda self: any(isinstance(other, Recorded) for other in self.others))
    @rule(place=places, chosen=st.tuples(given, given), pause=pauses)
    def call(self, place: int, chosen: tuple[Any, Any], pause: str) -> None:
        functions = [other for other in self.others if isinstance(other, Recorded)]
        recorded = functions[place % len(functions)]
        ours, expected = self.read(chosen)
        data = [value.data for value in specs_of(expected)]
        answer = recorded.branches and data[0] < 0.25
        run, expected_error = outcome_of(recorded.run, data)
        if expected_error:
            if not recorded.maps and answer not in recorded.answers:
                _, error = outcome_of(recorded.ours, *ours)
                assert error is expected_error
            return
        results, arguments, bound = run
        for result in results:
            result.backward()
        if not all(math.isfinite(value.grad) for value in specs_below(results)):
            return
        with self.recording(pause):
            result = recorded.ours(ours) if recorded.maps else recorded.ours(*ours)
            recorded.answers.add(answer)
            self.add(result, recorded.node_of(expected, results, arguments, bound))


def through_pickle(values: list[Value]) -> list[Value]:
    return pickle.loads(pickle.dumps(values))


TestStore = Store.TestCase
TestStore.settings = settings(stateful_step_count=40)
