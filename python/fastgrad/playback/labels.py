"""The text that the player shows for a node: its name, its symbol, and its formulas in mathematical notation."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

from fastgrad import _core
from fastgrad._core import Value
from fastgrad.formulas import readable

__all__ = ["Formulas", "formulas_of", "names_of", "symbol_of"]

MOST_ARGUMENTS = 8  # to write out

_ROWS = {row.symbol: row for row in _core.operations()}
_SEQUENCES = {row.symbol: row for row in _core.sequence_operations()}


@dataclass(frozen=True)
class Formulas:
    """An operation's title, its value, and the derivative in each contribution, empty if unknown."""

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
    """How ``node`` was computed, with these names."""
    operands = node._operands_or_constants()
    given = [_atom(names[operand] if isinstance(operand, Value) else _short(operand)) for operand in operands]
    row = _row_of(node)
    if row is None:
        return _formulas_of_many(node, given)
    variables = dict(zip("xy", given, strict=False)) | {"r": _atom(names[node])}

    title = re.sub(r"\b[xyr]\b", lambda variable: variables[variable[0]], row.title)
    of_values = [p for p, operand in zip(row.partials, operands, strict=True) if isinstance(operand, Value)]
    return Formulas(title, readable(row.value, variables), [readable(p, variables) for p in of_values])


def _formulas_of_many(node: Value, given: list[str]) -> Formulas:
    """For a sequence operation, one of its results, or a custom operation."""
    symbol = node._op
    if _core.node_kind(node) == "element":
        return Formulas("one of the results", given[0] + symbol, [])
    row = None if _is_custom(node) else _SEQUENCES.get(symbol)
    if len(given) > MOST_ARGUMENTS:
        given = [*given[: MOST_ARGUMENTS - 1], "...", given[-1]]
    return Formulas(row.title if row else "custom operation", f"{symbol or 'custom'}({', '.join(given)})", [])


def _row_of(node: Value) -> _core.Operation | None:
    return None if _is_custom(node) else _ROWS.get(node._op)


def _is_custom(node: Value) -> bool:
    """Whether ``node`` is a custom operation, which may have any symbol."""
    return _core.node_kind(node) == "custom"


def _short(number: float) -> str:
    return f"{number:.5g}"


def _atom(name: str) -> str:
    """``name`` as part of a formula: in parentheses, unless it is a word or a number."""
    return name if re.fullmatch(r"[\w.']+|\d\S*", name) else f"({name})"
