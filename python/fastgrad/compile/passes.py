"""The optimization passes by name, and what each keeps equal: the table of csrc/passes.def."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from fastgrad import _core

__all__ = ["EXACT_PASSES", "PASSES", "PASS_TABLE", "Pass", "checked_passes"]


class Pass(NamedTuple):
    """One pass.

    ``keeps`` says what stays equal to the eager engine: ``"bits"``, values and gradients to the last bit;
    ``"values"``, values to the last bit, while gradients may be added up in another order; ``"rounding"``, both up to
    rounding; ``"signs"``, the same, but a zero or an infinity may have another sign, or be nan.
    """

    name: str
    keeps: Literal["bits", "values", "rounding", "signs"]
    effect: str


#: The passes, in the order in which they run.
PASS_TABLE: tuple[Pass, ...] = tuple(Pass(*row) for row in _core.passes())

#: Their names.
PASSES: tuple[str, ...] = tuple(row.name for row in PASS_TABLE)

#: The passes that keep every value to the last bit, so that no comparison changes its answer.
EXACT_PASSES: tuple[str, ...] = tuple(row.name for row in PASS_TABLE if row.keeps in ("bits", "values"))


def checked_passes(passes: Iterable[str]) -> list[str]:
    """The names as a list, after checking them.

    Raises:
        ValueError: a pass is unknown.
    """
    names = [passes] if isinstance(passes, str) else list(passes)
    for name in names:
        if name not in PASSES:
            raise ValueError(f"no pass named {name!r}: choose from {', '.join(PASSES)}")
    return names
