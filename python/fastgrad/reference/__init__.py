"""The engine in plain Python: the executable specification of fastgrad.

`OPERATIONS` is the table of operations, and `Value` is micrograd's class on top of it. Every name of the table is
also a function of this package: for numbers it returns a float, for Values a Value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastgrad.reference import engine, sequences
from fastgrad.reference.engine import *  # noqa: F403
from fastgrad.reference.engine import Value as Value
from fastgrad.reference.formulas import INEXACT
from fastgrad.reference.operations import OPERATIONS, Operation
from fastgrad.reference.sequences import *  # noqa: F403

__all__ = ["INEXACT", "OPERATIONS", "Operation", *engine.__all__, *sequences.__all__]

if TYPE_CHECKING:
    from collections.abc import Callable

    def __getattr__(name: str) -> Callable[..., Any]: ...
