"""A model of the engine's store, node by node, each with its counterpart in the reference.

A constant operand is not a node of the store until it is looked at. A sequence operation is one node, where the
reference has the ordinary nodes that it stands for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from fastgrad import Graph, Value, reference
from fastgrad.reference import Operation
from support.operations import OPERATORS, bits
from support.recipes import Recipe
from support.sequences import TABLE as SEQUENCES

Spec = reference.Value
_serials = count()


@dataclass(eq=False, slots=True)
class Node:
    """One node: its counterpart in the reference, and its operands in the store."""

    spec: Spec
    operands: list[Node | Spec] = field(default_factory=list)  #: for a constant, the reference's leaf
    symbol: str = ""
    scope: str = ""
    note: str = ""  #: the attribute of an instance of a subclass
    kept: list[Node] = field(default_factory=list)  #: the bound leaves of a recorded call, which it keeps alive
    inside: list[Spec] = field(default_factory=list)  #: what the results of a sequence share, in the reference
    is_custom: bool = False  #: a custom operation or a recorded function
    is_copyable: bool = True
    is_frozen: bool = False  #: part of a sequence operation, which keeps numbers of its forward pass
    serial: int = field(default_factory=lambda: next(_serials))

    @property
    def is_leaf(self) -> bool:
        return not self.operands

    def nodes(self) -> Iterator[Node]:
        return (operand for operand in self.operands if isinstance(operand, Node))

    def constants(self) -> int:
        return len(self.operands) - len(list(self.nodes()))

    def show_constants(self, scope: str) -> None:
        """Constants become leaves in the scope where they are looked at; their gradients start at 0."""
        for position, operand in enumerate(self.operands):
            if isinstance(operand, Spec):
                operand.grad = 0.0
                self.operands[position] = Node(operand, scope=scope, is_frozen=self.is_frozen)

    def freeze(self) -> None:
        self.is_frozen = True
        for operand in self.nodes():
            operand.is_frozen = True


def below(roots: Iterable[Node], with_kept: bool = False) -> list[Node]:
    """The roots and all nodes that they depend on: leaves, then the others in creation order."""
    found = set(roots)
    pending = list(found)
    while pending:
        node = pending.pop()
        for operand in (*node.nodes(), *(node.kept if with_kept else ())):
            if operand not in found:
                found.add(operand)
                pending.append(operand)
    return sorted(found, key=lambda node: (not node.is_leaf, node.serial))


def specs_below(roots: Iterable[Spec], known: Iterable[Spec] = ()) -> list[Spec]:
    """The same in the reference, down to the known ones."""
    stop = set(known)
    found = {root for root in roots if root not in stop}
    pending = list(found)
    while pending:
        for operand in pending.pop()._operands:
            if operand not in found and operand not in stop:
                found.add(operand)
                pending.append(operand)
    return sorted(found, key=lambda value: value._serial)


def copy_specs(roots: Iterable[Spec], twins: dict[Spec, Spec]) -> None:
    """Twins for the roots and the nodes they depend on, except for those that have one."""
    for value in specs_below(roots, twins):
        twin = Spec(value.data, [twins[operand] for operand in value._operands], value._op, value.label)
        twin.grad, twin._operation, twin._locals = value.grad, value._operation, value._locals
        twins[value] = twin


def copied(node: Node, nodes: dict[Node, Node], twins: dict[Spec, Spec], scope: str) -> Node:
    """A copy of the node: its operands are the twins in `nodes`, or the same operands if they have none."""
    for operand in node.nodes():
        twins.setdefault(operand.spec, nodes.get(operand, operand).spec)
    copy_specs([node.spec, *node.inside, *(o for o in node.operands if isinstance(o, Spec))], twins)
    operands = [nodes.get(o, o) if isinstance(o, Node) else twins[o] for o in node.operands]
    twin = Node(twins[node.spec], operands, node.symbol, scope, node.note)
    twin.inside = [twins[value] for value in node.inside]
    twin.is_custom, twin.is_frozen = node.is_custom, node.is_frozen
    return twin


def shallow_copy(node: Node) -> Node:
    return copied(node, {}, {}, node.scope)


def deep_copy(roots: Sequence[Node], scope: str) -> list[Node]:
    """Twins of all nodes that the roots depend on, one root after the other, in pickle's order."""
    nodes: dict[Node, Node] = {}
    twins: dict[Spec, Spec] = {}
    for root in roots:
        for node in below([root]):
            if node not in nodes:
                nodes[node] = copied(node, nodes, twins, scope)
    return [nodes[root] for root in roots]


class Interruption(Exception):
    """The exception of a user's function."""


@dataclass
class Switch:
    """Whether the users' functions fail."""

    on: bool = False


def custom_operation(
    module: Any, data: float, operands: Sequence[Any], factors: Sequence[float], switch: Switch
) -> Any:
    """A Value with a `_backward` function that itself differentiates another graph."""
    out = module.Value(data, tuple(operands), "own")

    def _backward() -> None:
        if switch.on:
            raise Interruption
        (module.Value(2.0) * 3.0).backward()
        for operand, factor in zip(operands, factors, strict=True):
            operand.grad += factor * out.grad

    out._backward = _backward
    return out


def apply(module: Any, name: str, arguments: Sequence[Any]) -> Any:
    return (OPERATORS.get(name) or getattr(module, name))(*arguments)


def follow(recipe: Recipe, module: Any, nodes: Sequence[Any]) -> Any:
    """The last result of a recipe with given leaves; raises what a step raises."""
    known = list(nodes)
    for name, chosen in recipe.steps:
        known.append(apply(module, name, [known[-1 - x % len(known)] if kind == "node" else x for kind, x in chosen]))
    return known[-1]


@dataclass
class Program:
    """The graph below some outputs at the time of its capture."""

    steps: list[tuple[Operation, list[int]]]
    leaves: list[Node | float]  #: inputs by position, bound leaves, constants
    inputs: list[int]  #: where the inputs are among the leaves; -1 for one that is not used
    outputs: list[int]

    @classmethod
    def of(cls, outputs: Sequence[Node], inputs: Sequence[Node]) -> Program:
        owners = {node.spec: node for node in below(outputs) if node.is_leaf}
        order = specs_below(output.spec for output in outputs)
        leaves = [value for value in order if not value._operands]
        steps = [value for value in order if value._operands]
        place = {value: i for i, value in enumerate([*leaves, *steps])}
        return cls(
            [(value._operation, [place[operand] for operand in value._operands]) for value in steps],
            [owners.get(leaf, leaf.data) for leaf in leaves],
            [place.get(node.spec, -1) for node in inputs],
            [place[output.spec] for output in outputs],
        )

    def bound(self) -> list[Node]:
        return [leaf for i, leaf in enumerate(self.leaves) if isinstance(leaf, Node) and i not in self.inputs]

    def names(self) -> set[str]:
        return {operation.name for operation, _ in self.steps}

    def run(self, numbers: Sequence[float]) -> tuple[list[Spec], list[Spec], list[Spec]]:
        """Outputs, inputs, bound leaves; raises what a step raises."""
        values = [Spec(leaf.spec.data if isinstance(leaf, Node) else leaf) for leaf in self.leaves]
        leaves = list(values)
        inputs = [Spec(number) for number in numbers]
        for place, value in zip(self.inputs, inputs, strict=True):
            if place >= 0:
                values[place] = value
        for operation, operands in self.steps:
            values.append(apply(reference, operation.name, [values[i] for i in operands]))
        bound = [leaf for leaf, node in zip(leaves, self.leaves, strict=True) if node in self.bound()]
        return [values[i] for i in self.outputs], inputs, bound


Outcome = tuple[Any, "type[BaseException] | None"]


def outcome_of(function: Callable[..., Any], *arguments: Any) -> Outcome:
    """The result of a call, or the type of its exception; keeps no frame of the call alive."""
    try:
        return function(*arguments), None
    except (ArithmeticError, ValueError, TypeError, Interruption) as error:
        return None, type(error)


def specs_of(operands: Sequence[Node | Spec]) -> list[Spec]:
    return [operand.spec if isinstance(operand, Node) else operand for operand in operands]


def is_sequence(node: Node) -> bool:
    return any(node.symbol == row.name for row in SEQUENCES) and not node.is_custom


# The sign of a zero gradient is not compared: a sequence operation adds zeros where the reference adds nothing.
def facts_of(value: Value) -> tuple[str, ...]:
    note = getattr(value, "note", "")
    return bits(value.data), bits(value.grad + 0.0), value.label, value._op, value._scope, note


def expected_facts(node: Node) -> tuple[str, ...]:
    spec = node.spec
    return bits(spec.data), bits(spec.grad + 0.0), spec.label, node.symbol, node.scope, node.note


def is_comparable(root: Node, gradient: float) -> bool:
    """False if an infinite gradient meets a sequence operation: operands that it does not use get 0 times it."""
    if not any(map(is_sequence, below([root]))):
        return True
    specs = specs_below([root.spec])
    before = [value.grad for value in specs]
    root.spec.backward(gradient)
    is_finite = all(math.isfinite(value.grad) for value in specs)
    for value, grad in zip(specs, before, strict=True):
        value.grad = grad
    return is_finite


@dataclass
class Captured:
    graph: Graph
    program: Program
    keeps_gradients: bool

    def kept(self) -> list[Node]:
        return self.program.bound()


@dataclass
class Recorded:
    """A function made by `jit` or `vmap`, of two arguments or two samples, and the leaves that it is bound to."""

    ours: Callable[..., Value]
    recipe: Recipe
    bound: list[Node]
    branches: bool
    maps: bool
    answers: set[bool] = field(default_factory=set)

    def kept(self) -> list[Node]:
        return self.bound

    def run(self, numbers: Sequence[float]) -> tuple[list[Spec], list[Spec], list[Spec]]:
        """Results, arguments, bound leaves, in the reference."""
        arguments = [Spec(number) for number in numbers]
        bound = [Spec(leaf.spec.data) for leaf in self.bound]
        function = function_of(reference, self.recipe, bound, self.branches)
        results = [function(x) for x in arguments] if self.maps else [function(*arguments)]
        return results, arguments, bound

    def node_of(self, given: Sequence[Node | Spec], results: Sequence[Spec], arguments: Sequence[Spec],
                bound: Sequence[Spec]) -> Node:  # fmt: skip
        """One node with precomputed gradients: for the given Values and for the bound leaves."""
        used = set(specs_below(results))
        partials = [
            (node, value.grad) for node, value in zip(given, arguments, strict=True) if isinstance(node, Node)
        ]
        kept = [(node, value.grad) for node, value in zip(self.bound, bound, strict=True) if value in used]
        data = sum(result.data for result in results) if self.maps else results[0].data
        if not partials and not kept:
            return Node(Spec(data))
        operands = [node for node, _ in partials]
        spec = Spec(data, specs_of([*operands, *(node for node, _ in kept)]), [g for _, g in (*partials, *kept)])
        kept_nodes = [node for node, _ in kept]
        return Node(spec, list(operands), "recorded", kept=kept_nodes, is_custom=True, is_copyable=False)


def function_of(module: Any, recipe: Recipe, bound: Sequence[Any], branches: bool) -> Callable[..., Any]:
    def recorded(*arguments: Any) -> Any:
        last = follow(recipe, module, [*bound, *arguments])
        if not branches:
            return last
        return last * 2.0 if arguments[0] < 0.25 else last + 1.0

    return recorded
