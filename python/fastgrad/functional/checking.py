"""`gradcheck`: compare derivatives with finite differences, and tell when a kink is the cause of a disagreement."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any

from fastgrad.compile.trees import LEAF, Static, TreeDef, flatten, unflatten
from fastgrad.functional.derivatives import grad
from fastgrad.functional.evaluation import Evaluation

__all__ = ["Check", "Report", "gradcheck"]

_MOST_ROWS = 40  # of a report's text
_ROUNDINGS = 16  # possible error of a value, in units in the last place


@dataclass(frozen=True, slots=True)
class Check:
    """One derivative: its name, the engine's result, the finite difference, and a hint if they disagree."""

    name: str
    analytic: float
    numerical: float
    agrees: bool
    hint: str = ""

    @property
    def verdict(self) -> str:
        return "agrees" if self.agrees else f"DIFFERS{self.hint and ': '}{self.hint}"


@dataclass(frozen=True, slots=True)
class Report:
    """The result of `gradcheck`: true if all derivatives agree. Its text is a table with a row for each."""

    checks: tuple[Check, ...]
    title: str

    def __bool__(self) -> bool:
        return all(check.agrees for check in self.checks)

    @property
    def failures(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.agrees)

    def __str__(self) -> str:
        shown = self.checks if len(self.checks) <= _MOST_ROWS else self.failures[:_MOST_ROWS]
        rows = [("derivative", "analytic", "numerical", "difference", "verdict")]
        for check in shown:
            difference = f"{abs(check.analytic - check.numerical):.1e}"
            rows.append((check.name, f"{check.analytic:.9g}", f"{check.numerical:.9g}", difference, check.verdict))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        if len(shown) < len(self.checks):
            lines.append(f"... and {len(self.checks) - len(shown)} more")
        agreeing = len(self.checks) - len(self.failures)
        return "\n".join([f"{self.title}: {agreeing} of {len(self.checks)} derivatives agree", *lines])


class _Differences:
    """Finite differences of a function of numbers around a point."""

    def __init__(self, function: Callable[[list[float]], list[float]], x: list[float], eps: float) -> None:
        self._function = function
        self._x = x
        self._eps = eps
        self._at_x = function(x)

    def _moved(self, i: int, step: float) -> tuple[list[float], float]:
        """The values after moving one number, and the step that remains after rounding."""
        x = list(self._x)
        x[i] += step
        return self._function(x), x[i] - self._x[i]

    def step(self, i: int) -> float:
        return self._eps * max(1.0, abs(self._x[i]))

    def central(self, i: int) -> tuple[list[float], list[float]]:
        """The derivative of each value in one number, and its possible error because values are rounded."""
        above, up = self._moved(i, self.step(i))
        below, down = self._moved(i, -self.step(i))
        rounding = _ROUNDINGS * sys.float_info.epsilon / (up - down)
        slopes = [(a - b) / (up - down) for a, b in zip(above, below, strict=True)]
        return slopes, [rounding * max(abs(a), abs(b)) for a, b in zip(above, below, strict=True)]

    def one_sided(self, i: int, output: int, step: float) -> tuple[float, float]:
        """The slopes below and above."""
        (above, up), (below, down) = self._moved(i, step), self._moved(i, -step)
        here = self._at_x[output]
        return (below[output] - here) / down, (above[output] - here) / up

    def hint(self, i: int, output: int, tolerance: float) -> str:
        """Reports a kink if the slopes on the two sides remain apart however small the step."""
        coarse = self.one_sided(i, output, self.step(i))
        fine = self.one_sided(i, output, self.step(i) / 8.0)
        jump, finer_jump = abs(coarse[1] - coarse[0]), abs(fine[1] - fine[0])
        if jump > tolerance and finer_jump > 0.5 * jump:
            return f"a kink? The slopes on its two sides are {fine[0] + 0.0:.6g} and {fine[1] + 0.0:.6g}"
        return ""


@dataclass(frozen=True, slots=True)
class _Tolerance:
    atol: float
    rtol: float

    def compare(
        self, differences: _Differences, analytic: list[list[float]], outputs: list[str], inputs: list[str]
    ) -> Iterable[Check]:
        """A check for each derivative; `analytic` has a row for each output and a column for each input."""
        for i, x in enumerate(inputs):
            try:
                numerical, roundings = differences.central(i)
            except (ArithmeticError, ValueError) as error:
                for row, y in zip(analytic, outputs, strict=True):
                    yield Check(y + x, row[i], math.nan, False, f"a step away: {type(error).__name__}: {error}")
                continue
            for k, y in enumerate(outputs):
                tolerance = self.atol + self.rtol * abs(numerical[k]) + roundings[k]
                agrees = abs(analytic[k][i] - numerical[k]) <= tolerance
                hint = "" if agrees else differences.hint(i, k, tolerance)
                yield Check(y + x, analytic[k][i], numerical[k], agrees, hint)


def gradcheck(
    function: Callable[[Any], Any],
    x: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-6,
    rtol: float = 1e-4,
    order: int = 1,
    raise_exception: bool = False,
) -> Report:
    """Compare a function's derivatives with central differences of its values.

    >>> print(gradcheck(lambda x: x[0] * x[1].abs(), [2.0, 0.0]))
    gradient: 2 of 2 derivatives agree
    derivative  analytic  numerical  difference  verdict
    x[0]        0         0          0.0e+00     agrees
    x[1]        0         0          0.0e+00     agrees

    A derivative agrees if ``abs(analytic - numerical) <= atol + rtol * abs(numerical)``; the tolerance is a little
    larger if the values are so large that their rounding matters. If it does not agree, the report says whether the
    slopes on the two sides of the point differ: at a kink, such as that of ``relu``, there is no derivative to agree
    with.

    Custom operations and recorded functions are checked as they are, to first order.

    Args:
        function: A function of one argument. To first order it may return several numbers.
        x: The point: a number, or lists, tuples, dicts and arrays of them.
        eps: The step, for each number times ``max(1, abs(number))``. The best step of a central difference is near
            the cube root of the values' relative error, 6e-6 for floats, times the scale on which the function
            curves (Press et al., Numerical Recipes, section 5.7).
        order: 1 for first derivatives; 2 to check second derivatives too, by differences of the gradient.
        raise_exception: Whether to raise if a derivative does not agree.

    Raises:
        AssertionError: ``raise_exception`` is set, and a derivative does not agree; the message is the report.
        TypeError: the function returns anything but numbers; for ``order=2`` also the errors of `hessian`.
        ValueError: ``order`` is neither 1 nor 2, or ``eps`` is not positive.
    """
    if order not in (1, 2):
        raise ValueError(f"order must be 1 or 2, not {order!r}")
    if not eps > 0.0:
        raise ValueError(f"eps must be positive, not {eps!r}")
    leaves: list[Any] = []
    treedef = flatten(x, leaves)
    numbers = [float(leaf) for leaf in leaves]
    point = unflatten(treedef, iter(numbers))
    inputs = list(_names(treedef, "x"))
    tolerance = _Tolerance(atol, rtol)

    run = Evaluation(function, 0, (point,), {}, trace_through_jit=False)
    outputs = [""] if run.out_tree is LEAF else [f"{name}, " for name in _names(run.out_tree, "f")]
    differences = _Differences(lambda at: _values(function, treedef, at), numbers, eps)
    checks = list(tolerance.compare(differences, run.swept_jacobian().tolist(), outputs, inputs))
    if order == 2:
        rerun = Evaluation(function, 0, (point,), {}, trace_through_jit=True)
        rerun.require_one_number("gradcheck of order 2", "check one of them at a time")
        gradient = grad(function)
        differences = _Differences(lambda at: _floats(gradient(unflatten(treedef, iter(at)))), numbers, eps)
        checks += tolerance.compare(differences, rerun.hessian().tolist(), [f"{name}, " for name in inputs], inputs)
    title = ("gradient" if run.out_tree is LEAF else "jacobian") + (" and hessian" if order == 2 else "")
    report = Report(tuple(checks), title)
    if raise_exception and not report:
        raise AssertionError(str(report))
    return report


def _values(function: Callable[[Any], Any], treedef: TreeDef, numbers: list[float]) -> list[float]:
    point = unflatten(treedef, iter(numbers))
    return _floats(Evaluation(function, 0, (point,), {}, trace_through_jit=False).results())


def _floats(tree: Any) -> list[float]:
    leaves: list[Any] = []
    flatten(tree, leaves)
    return [float(leaf) for leaf in leaves]


def _names(treedef: TreeDef, name: str) -> Iterable[str]:
    """The Python expression for each number in the tree."""
    if treedef is LEAF or treedef == LEAF:
        yield name
        return
    if isinstance(treedef, Static):
        return
    kind = treedef[0]
    if kind == "array":
        for index in product(*map(range, treedef[1])):
            yield f"{name}[{', '.join(map(str, index))}]"
        return
    keys = treedef[1] if kind is dict else range(len(treedef) - 1)
    for key, item in zip(keys, treedef[2:] if kind is dict else treedef[1:], strict=True):
        yield from _names(item, f"{name}[{key!r}]")
