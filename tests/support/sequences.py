"""The sequence operations as tests call them, and their definitions in mpmath, all taken from the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import pytest

import fastgrad
from fastgrad._core import SequenceOperation
from fastgrad.reference import OPERATIONS
from fastgrad.reference.sequences import arguments
from support.exact import exact_function

ROWS = {row.name: row for row in fastgrad.sequence_operations()}


class Definitions(dict[str, Any]):
    """The names in the table's column `value`. Functions of mpmath apply to arrays element by element."""

    def __missing__(self, name: str) -> Any:
        if name in ROWS:
            return Sequenced(ROWS[name]).exact
        return np.frompyfunc(exact_function(name), len(OPERATIONS[name].partials), 1)


@dataclass
class Sequenced:
    """An operation as a function of one flat sequence: the operands of its node."""

    row: SequenceOperation
    bias: int = 0  #: how many numbers there are besides the pairs

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def step(self) -> int:
        """How many consecutive numbers belong together."""
        return 2 if self.row.layout.startswith("pairs") else 1

    def lengths(self) -> list[int]:
        return [n * self.step + self.bias for n in (1, 2, 3, 8)]

    def call(self, module: Any, xs: Sequence[Any]) -> Any:
        """Call the operation of fastgrad or the reference."""
        return getattr(module, self.name)(*arguments(self.row.layout, xs))

    def exact(self, xs: Sequence[Any]) -> Any:
        given = arguments(self.row.layout, xs)
        names = [*self.row.parameters, "bias"]
        numbers = {name: np.array(x, dtype=object) for name, x in zip(names, given, strict=False) if np.ndim(x)}
        single = {"bias": 0} | {name: x for name, x in zip(names, given, strict=False) if not np.ndim(x)}
        known = {"i": slice(None), "n": len(given[0]), "sum": mpmath.fsum, "max": max, "min": min}
        result = eval(self.row.value, {"__builtins__": {}}, Definitions(known | numbers | single))
        return list(result) if np.ndim(result) else result


TABLE = [Sequenced(row) for row in ROWS.values()]
TABLE += [Sequenced(row, bias=1) for row in ROWS.values() if row.layout == "pairs_and_bias"]
IDS = [f"{row.name}{' and bias' if row.bias else ''}" for row in TABLE]

every_sequence = pytest.mark.parametrize("row", TABLE, ids=IDS)
