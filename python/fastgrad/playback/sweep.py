"""Log the reverse sweep for the player: which node contributed what to which of its operands."""

from __future__ import annotations

from dataclasses import dataclass

from fastgrad import _core
from fastgrad._core import Value

__all__ = ["Contribution", "Step", "reverse_sweep"]


@dataclass(frozen=True)
class Contribution:
    """The contribution to one operand. Its gradient was ``before`` and is ``after``.

    ``product`` is the node's gradient times the ``local`` derivative. If the node has several results, each with its
    gradient and derivatives, it is the sum of these products, and ``local`` is None. If the operand has several
    results, the contribution is to one of them, number ``result``.
    """

    operand: Value
    result: int | None
    local: float | None
    product: float
    before: float
    after: float


@dataclass(frozen=True)
class Step:
    """A node with its complete gradient, and its ``contributions`` in the engine's order.

    ``results`` are the gradients of the node's results if it has several, as softmax does; ``by_function`` tells that
    a ``_backward`` function passes the gradient on.
    """

    node: Value
    gradient: float
    results: tuple[float, ...]
    contributions: tuple[Contribution, ...]
    by_function: bool


def reverse_sweep(root: Value) -> list[Step]:
    """The steps of ``root.backward()`` if every gradient is zero before it, from ``root`` to the leaves.

    The engine logs them while it sweeps. A ``_backward`` function is called twice: for the gradient 1, to find its
    local derivatives, and in its place in the sweep. Afterwards every Value of the graph has its previous gradient,
    and constants are still constants.
    """
    return [
        Step(node, gradient, results, tuple(Contribution(*given) for given in contributions), by_function)
        for node, gradient, results, contributions, by_function in _core.logged_sweep(root)
    ]
