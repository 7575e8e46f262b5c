"""The written table of expected bits, data/edges.txt: every operation at 17 edges of the floats, and at their pairs.

An operation of one operand has one line; an operation of two operands has a line for each first operand. A line has a
cell for each edge: the value and the slopes. `ValueError=nan` gives the error that building the node raises, and then
the result of a captured graph. A number after `~` has last bits that depend on the C library or a formula: it is
within 2e-14, and the bits are those of `math` on the running machine. All others are exact on every machine.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from fastgrad.reference import OPERATIONS, Operation
from support.operations import bits
from support.paths import DATA

PATH = DATA / "edges.txt"
NAMED = {"tiny": 5e-324, "min": sys.float_info.min, "max": sys.float_info.max}
SIZES = (0.0, NAMED["tiny"], NAMED["min"], 0.5, 1.0, 3.0, NAMED["max"], float("inf"))
EDGES = (*(sign * size for size in SIZES for sign in (1.0, -1.0)), float("nan"))
ERRORS: dict[str, type[Exception]] = {
    error.__name__: error for error in (ValueError, OverflowError, ZeroDivisionError)
}


def is_near(x: float, y: float) -> bool:
    return math.isclose(x, y, rel_tol=2e-14, abs_tol=5e-324)


@dataclass
class Number:
    """A float, exact to the last bit or approximate."""

    value: float
    is_exact: bool = True

    def __str__(self) -> str:
        name = next((name for name, x in NAMED.items() if abs(self.value) == x), None)
        text = repr(self.value).removesuffix(".0")
        return ("" if self.is_exact else "~") + (("-" if self.value < 0.0 else "") + name if name else text)

    def agrees(self, x: float) -> bool:
        if self.is_exact or not (math.isfinite(self.value) and math.isfinite(x)):
            return bits(self.value) == bits(x)
        return math.copysign(1.0, x) == math.copysign(1.0, self.value) and is_near(x, self.value)

    @staticmethod
    def read(text: str) -> Number:
        digits = text.removeprefix("~")
        sign, name = (-1.0, digits[1:]) if digits.startswith("-") else (1.0, digits)
        return Number(sign * NAMED[name] if name in NAMED else float(digits), digits == text)


@dataclass
class Cell:
    """The value and the slopes; with an error, those of a captured graph, which does not raise."""

    error: type[Exception] | None
    numbers: list[Number]

    def __str__(self) -> str:
        text = " ".join(map(str, self.numbers))
        return f"{self.error.__name__}={text}" if self.error else text

    @staticmethod
    def read(text: str) -> Cell:
        name, _, numbers = text.rpartition("=")
        return Cell(ERRORS[name] if name else None, [Number.read(number) for number in numbers.split()])


def line_of(row: Operation, first: tuple[float, ...], cells: list[Cell]) -> str:
    head = " ".join([row.name, *(str(Number(x)) for x in first)])
    return f"{head} | {' | '.join(map(str, cells))}"


def arguments_of_lines(row: Operation) -> Iterator[tuple[float, ...]]:
    """The beginnings of an operation's lines: nothing, or each first operand."""
    return product(EDGES, repeat=len(row.partials) - 1)


def read() -> dict[str, list[tuple[tuple[float, ...], Cell]]]:
    """For each operation, arguments and their cells."""
    table: dict[str, list[tuple[tuple[float, ...], Cell]]] = {name: [] for name in OPERATIONS}
    for line in PATH.read_text().splitlines():
        if line.startswith("#"):
            continue
        head, *cells = line.split(" | ")
        name, *first = head.split()
        beginning = tuple(Number.read(x).value for x in first)
        for last, cell in zip(EDGES, cells, strict=True):
            table[name].append(((*beginning, last), Cell.read(cell)))
    return table
