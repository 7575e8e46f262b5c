"""Write the reverse sweep down for the player: which node contributed what to which of its operands."""

from __future__ import annotations

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

    They are written down by the engine while it sweeps. A ``_backward`` function is called twice: for the gradient 1,
    which tells its local derivatives, and in its place in the sweep. Afterwards every Value of the graph has the
    gradient that it had, and constants are still constants.
    """
    return [
        Step(node, gradient, results, tuple(Contribution(*given) for given in contributions), by_function)
        for node, gradient, results, contributions, by_function in _core.logged_sweep(root)
    ]
