"""The text that the player shows for a node: its name, its symbol, and its formulas as a reader writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

from fastgrad import _core
from fastgrad._core import Value

__all__ = ["READABLE", "Formulas", "formulas_of", "names_of", "readable", "symbol_of"]

#: What stands in the table's formulas in the words of C++, and how a reader writes it. Applied in this order.
READABLE = [
    (r"\bpower_dx\(x, y\)", "y * x**(y - 1)"),
    (r"\bpower_dy\(x, y, r\)", "r * log(x)"),
    (r"\bpow\(x, y\)", "x**y"),
    (r"\bfabs\(x\)", "|x|"),
    (r"\bslope\((\w), r\)", r"\1 / r"),
    (r"\binverted\((\w), (\w)\)", r"\1 / (\1**2 + \2**2)"),
    (r"\blead\((\w), (\w)\)", r"\1 - \2"),
    (r"\bbounded\(x\)|\blarger\(x, lowest\)", "x"),
    (r"\blarger\(", "max("),
    (r"\bsmaller\(", "min("),
    (r"\bshare\((\w), (\w)\)", r"(1 if \1 > \2 else 0; 1/2 if equal)"),
    (r"\blog_gamma\(x\)", "log(|gamma(x)|)"),
    (r"\bsilu_slope\(x\)", "sigmoid(x) * (1 + x * (1 - sigmoid(x)))"),
    (r"\bone_over_sqrt_two_pi\b", "1 / sqrt(2 * pi)"),
    (r"\btwo_over_sqrt_pi\b", "2 / sqrt(pi)"),
    (r"\bhalf_sqrt_pi\b", "sqrt(pi) / 2"),
    (r"\bsqrt_half\b", "sqrt(1/2)"),
    (r"\bln_(2|10)\b", r"log(\1)"),
    (r"\blog(2|10)_e\b", r"log\1(e)"),
    (r"\b(\d+)\.0\b", r"\1"),
    (r"\bwhere\((.+?), (.+?), (.+?)\)", r"(\2 if \1 else \3)"),
    (r"^(.+?) \? (.+?) : (.+)$", r"(\2 if \1 else \3)"),
    (r"^(\w > \w)$", r"(1 if \1 else 0)"),
]
MOST_ARGUMENTS = 8  # that are written out

_ROWS = {row.symbol: row for row in _core.operations()}
_SEQUENCES = {row.symbol: row for row in _core.sequence_operations()}


@dataclass(frozen=True)
class Formulas:
    """An operation's title, its value, and the derivative in each contribution, empty where none is known."""

    title: str
    value: str
    partials: list[str]


def names_of(values: Iterable[Value]) -> dict[Value, str]:
    """A name for each Value: its label, or else v1, v2, ..."""
    values = list(values)
    taken = {value.label for value in values}
    fresh = (name for i in count(1) if (name := f"v{i}") not in taken)
    return {value: value.label or next(fresh) for value in values}


def symbol_of(node: Value) -> str:
    """The symbol of the operation that made ``node``, with its constant operands; empty for a leaf."""
    operands = node._operands_or_constants()
    if not operands:
        return ""
    symbol = node._op or "ƒ"
    if _row_of(node) is None:
        return symbol
    first, *others = ("" if isinstance(operand, Value) else _short(operand) for operand in operands)
    return " ".join(filter(None, (first, symbol, *others)))


def formulas_of(node: Value, names: dict[Value, str]) -> Formulas:
    """How ``node`` came about, in these names."""
    operands = node._operands_or_constants()
    given = [_atom(names[operand] if isinstance(operand, Value) else _short(operand)) for operand in operands]
    row = _row_of(node)
    if row is None:
        return _formulas_of_many(node, given)
    variables = dict(zip("xy", given, strict=False)) | {"r": _atom(names[node])}

    def in_names(formula: str) -> str:
        return re.sub(r"\b[xyr]\b", lambda variable: variables[variable[0]], readable(formula))

    partials = [in_names(p) for p, operand in zip(row.partials, operands, strict=True) if isinstance(operand, Value)]
    return Formulas(in_names(row.title), in_names(row.value), partials)


def _formulas_of_many(node: Value, given: list[str]) -> Formulas:
    """Of an operation on a sequence, of one of its results, or of a custom operation."""
    symbol, is_custom = node._op, _is_custom(node)
    if re.fullmatch(r"\[\d+\]", symbol) and not is_custom:
        return Formulas("one of the results", given[0] + symbol, [])
    row = None if is_custom else _SEQUENCES.get(symbol)
    if len(given) > MOST_ARGUMENTS:
        given = [*given[: MOST_ARGUMENTS - 1], "...", given[-1]]
    return Formulas(row.title if row else "custom operation", f"{symbol or 'custom'}({', '.join(given)})", [])


def readable(formula: str) -> str:
    """A formula of the table without the names of C++."""
    for pattern, replacement in READABLE:
        formula = re.sub(pattern, replacement, formula)
    return formula


def _row_of(node: Value) -> _core.Operation | None:
    return None if _is_custom(node) else _ROWS.get(node._op)


def _is_custom(node: Value) -> bool:
    """Whether ``node`` is a custom operation, which may bear any symbol.

    One with local gradients, where this is False, has none.
    """
    return _core.contributions(node, 1.0) is None


def _short(number: float) -> str:
    return f"{number:.5g}"


def _atom(name: str) -> str:
    """``name`` as part of a formula: in parentheses, unless it is a word or a number."""
    return name if re.fullmatch(r"[\w.']+|\d\S*", name) else f"({name})"
