"""Write the reverse sweep down for the player: which node contributed what to which of its operands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastgrad import _core
from fastgrad._core import Value

__all__ = ["Contribution", "Step", "reverse_sweep"]


@dataclass(frozen=True)
class Contribution:
    """What one operand is given. Its gradient was ``before`` and is ``after``.

    ``product`` is the node's gradient times the ``local`` derivative; where the node has several results, each with a
    gradient and derivatives of its own, it is the sum of these products, and ``local`` is None. Where the operand has
    several results, all of this is about one of them, number ``result``.
    """

    operand: Value
    result: int | None
    local: float | None
    product: float
    before: float
    after: float


@dataclass(frozen=True)
class Step:
    """A node whose gradient is complete passes it on; the engine's order is that of ``contributions``.

    ``results`` are the gradients of the node's results where it has several, as softmax has; ``by_function`` tells
    that a ``_backward`` function passes the gradient on.
    """

    node: Value
    gradient: float
    results: tuple[float, ...]
    contributions: tuple[Contribution, ...]
    by_function: bool


def reverse_sweep(root: Value) -> list[Step]:
    """The steps of ``root.backward()`` when every gradient is zero before it, from ``root`` to the leaves.

    Every number is the engine's own. A ``_backward`` function is called twice: for the gradient 1, which tells its
    local derivatives, and in its place in the sweep. Afterwards every Value of the graph has the gradient that it
    had, and constants are still constants.
    """
    order = _core.sweep_order(root)
    saved: dict[Value, float] = {value: value.grad for value in order}
    try:
        return _Sweep(root, order).steps
    finally:
        _set_gradients(saved)


class _Sweep:
    def __init__(self, root: Value, order: Sequence[Value]) -> None:
        self.gradients = dict.fromkeys(order, 0.0)
        self.gradients[root] = 1.0
        self.results: dict[Value, list[float]] = {}  # the gradients of the results, where a node has several
        # As in the engine, the first contribution of a result is stored: 0.0 + -0.0 would lose the sign.
        self.untouched = {value for value in order if value._operands_or_constants()}
        self.untouched.discard(root)
        self.steps: list[Step] = []
        for node in order:
            # max() gives nothing to the smaller operands; the leaves come last, and give nothing.
            if node not in self.untouched and node._operands_or_constants():
                self.steps.append(self._step(node))

    def _step(self, node: Value) -> Step:
        gradient, results = self.gradients[node], tuple(self.results.get(node, ()))
        given = _core.contributions(node, gradient, results)
        if given is None:
            contributions = _contributions_by_function(node, self.gradients)
            self.gradients.update((contribution.operand, contribution.after) for contribution in contributions)
            self.untouched.difference_update(node._operands())  # and nothing else that the function adds to
        else:
            derivatives = _core.contributions(node, 1.0) or []
            contributions = [
                self._contribution(operand, result, None if results else derivative, product)
                for (operand, result, product), (*_, derivative) in zip(given, derivatives, strict=True)
            ]
        return Step(node, gradient, results, tuple(contributions), by_function=given is None)

    def _contribution(self, operand: Value, result: int | None, local: float | None, product: float) -> Contribution:
        if result is None:
            before = self.gradients[operand]
            after = self.gradients[operand] = product if operand in self.untouched else before + product
        else:
            results = self.results.setdefault(operand, [0.0] * len(operand._operands_or_constants()))
            before = results[result]
            after = results[result] = before + product
        self.untouched.discard(operand)
        return Contribution(operand, result, local, product, before, after)


def _contributions_by_function(node: Value, gradients: Mapping[Value, float]) -> list[Contribution]:
    """What ``node._backward`` adds, to whatever it adds to: a recorded function also reaches leaves that it holds."""
    operands = node._operands()
    derivatives = _called(node, dict.fromkeys(gradients, 0.0) | {node: 1.0})
    after = _called(node, gradients)
    return [
        Contribution(
            value, None, derivatives[value], gradients[node] * derivatives[value], gradients[value], after[value]
        )
        for value in dict.fromkeys((*operands, *gradients))
        if value is not node and (value in operands or derivatives[value] != 0.0)
    ]


def _called(node: Value, gradients: Mapping[Value, float]) -> dict[Value, float]:
    """The gradients after ``node._backward()``, where they were ``gradients`` before."""
    _set_gradients(gradients)
    node._backward()
    return {value: value.grad for value in gradients}


def _set_gradients(gradients: Mapping[Value, float]) -> None:
    for value, gradient in gradients.items():
        value.grad = gradient
