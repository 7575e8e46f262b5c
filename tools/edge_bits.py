"""Generates the text of tests/data/edges.txt: the bits that every operation must return at 17 edges of the floats.

No number comes from the native engine. For ordinary operands away from kinks, values and slopes are those of mpmath,
rounded to the nearest float. At zeros, infinities, nan, kinks and ends of the domain they are those of Python's
float, of `math`, and of the rules in `fastgrad.reference`; the same holds if a subnormal number has too few digits
for a slope.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from mpmath import mpf

from fastgrad import _core
from fastgrad.formulas import called
from fastgrad.reference import OPERATIONS, Operation
from fastgrad.reference.formulas import ieee_div, ieee_pow
from support import edge_table
from support.edge_table import EDGES, Cell, Number, is_near
from support.exact import exact_slope, exact_value

PATH = edge_table.PATH
#: Functions with every bit defined by IEEE 754, and the length of a vector, which is rounded as Python's.
ROUNDED = {"fabs", "copysign", "sqrt", "floor", "ceil", "hypot"}
#: Operations composed of these, of arithmetic and of choices: their numbers are exact on every machine.
ALGEBRAIC = {
    row.name
    for row in _core.operations()
    if all(called(formula) <= ROUNDED for formula in (row.value, *row.partials))
}
#: Where an operation has an additional kink, at which its slope is a rule.
TIES = {"maximum", "minimum"}


def digamma_pole(x: float) -> float:
    """The sign differs on each side of 0; so close to a pole the value overflows."""
    return math.copysign(math.inf, -x) if 0.0 < abs(x) < 1e-300 else math.nan


#: The results of IEEE 754 and C where Python raises; otherwise nan.
POLES = {
    "div": ieee_div,
    "pow": ieee_pow,
    "log": lambda x: -math.inf if x == 0.0 else math.nan,
    "log2": lambda x: -math.inf if x == 0.0 else math.nan,
    "log10": lambda x: -math.inf if x == 0.0 else math.nan,
    "log1p": lambda x: -math.inf if x == -1.0 else math.nan,
    "logit": lambda x: -math.inf if x == 0.0 else math.inf if x == 1.0 else math.nan,
    "atanh": lambda x: math.copysign(math.inf, x) if abs(x) == 1.0 else math.nan,
    "erfinv": lambda x: math.copysign(math.inf, x) if abs(x) == 1.0 else math.nan,
    "rsqrt": lambda x: math.copysign(math.inf, x) if x == 0.0 else math.nan,
    "lgamma": lambda x: math.inf,
    "sinh": lambda x: math.copysign(math.inf, x),
    "floor": lambda x: x,
    "ceil": lambda x: x,
    "digamma": digamma_pole,
    "polygamma": lambda x, n: digamma_pole(x) if n == 0.0 else math.inf if n in (1.0, 3.0) else math.nan,
}


def is_ordinary(row: Operation, arguments: tuple[float, ...]) -> bool:
    """Whether mpmath can compute the expected number."""
    is_tie = row.name in TIES and arguments[0] == arguments[1]
    return all(0.0 < abs(x) < math.inf for x in arguments) and not is_tie


def rounded(exact: mpf) -> float:
    """The nearest float: an overflow is infinite."""
    try:
        return float(exact)
    except OverflowError:
        return math.copysign(math.inf, exact)


def expected_number(row: Operation, arguments: tuple[float, ...], value: float, index: int, by_rule: float) -> Number:
    """The value, or the slope in an operand, from mpmath if possible."""
    if not (is_ordinary(row, arguments) and math.isfinite(value) and math.isfinite(by_rule)):
        is_exact = row.name in ALGEBRAIC or not math.isfinite(by_rule) or by_rule.is_integer()
        return Number(by_rule, is_exact)
    exact = exact_slope(row.name, index - 1, *arguments) if index else exact_value(row.name, *arguments)
    number = rounded(exact)
    if row.name in ALGEBRAIC and is_near(number, by_rule):  # each step of the formula is rounded
        return Number(by_rule)
    if not is_near(number, by_rule) and any(0.0 < abs(x) < sys.float_info.min for x in (*arguments, value, number)):
        return Number(by_rule, is_exact=False)
    is_short = abs(number) <= 1024.0 and (2.0 * number).is_integer()  # which every C library returns exactly
    return Number(number, is_exact=is_short and exact == mpf(number))


def expected(row: Operation, arguments: tuple[float, ...]) -> Cell:
    try:
        error, value = None, row.value(*arguments)
    except (ArithmeticError, ValueError) as raised:
        error = type(raised)
        value = POLES.get(row.name, lambda *_: math.inf if error is OverflowError else math.nan)(*arguments)
    by_rule = [value, *(partial(*arguments, value) for partial in row.partials)]
    if error:
        return Cell(error, [Number(x, row.name in ALGEBRAIC or not math.isfinite(x) or x == 0.0) for x in by_rule])
    return Cell(None, [expected_number(row, arguments, value, i, x) for i, x in enumerate(by_rule)])


def table() -> str:
    header = [f"# {line}".rstrip() for line in (edge_table.__doc__ or "").splitlines()]
    lines = [
        edge_table.line_of(row, first, [expected(row, (*first, last)) for last in EDGES])
        for row in OPERATIONS.values()
        for first in edge_table.arguments_of_lines(row)
    ]
    columns = "# edges | " + " | ".join(str(Number(x)) for x in EDGES)
    return "\n".join([*header, "# Written by tools/generate.py.", columns, *lines, ""])


def is_stale(row: Operation, arguments: tuple[float, ...], written: Cell) -> bool:
    """Whether the cell is not the expected one, apart from the last bits of this machine's C library."""
    cell = expected(row, arguments)
    pairs = zip(written.numbers, cell.numbers, strict=True)
    return written.error is not cell.error or not all(
        number.is_exact == other.is_exact and number.agrees(other.value) for number, other in pairs
    )


def stale_cells() -> list[str]:
    """The faults of the written table; empty if there are none."""
    written = edge_table.read()
    missing = [f"{name} is missing" for name in OPERATIONS if not written[name]]
    return missing + [
        f"{name}{arguments} is {cell}"
        for name, cells in written.items()
        for arguments, cell in cells
        if is_stale(OPERATIONS[name], arguments, cell)
    ]
