"""A diverging scale of colors for numbers: blue below zero, white at zero, orange above it.

Blue and orange can be told apart with every kind of color blindness, and both ends are light enough for dark text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Scale"]

_BELOW, _ZERO, _ABOVE = (0x5A, 0xA5, 0xE6), (0xFF, 0xFF, 0xFF), (0xF5, 0x90, 0x42)
_NAN = "#c0c0c0"
_STRIPES = 15


@dataclass(frozen=True)
class Scale:
    """Colors for numbers from ``-limit`` to ``limit``; numbers beyond get the colors of the ends."""

    limit: float

    @classmethod
    def over(cls, numbers: Iterable[float]) -> Scale:
        """The smallest scale that contains the finite numbers."""
        return cls(max((abs(number) for number in numbers if math.isfinite(number)), default=0.0))

    def color(self, number: float) -> str:
        """The color, as ``#rrggbb``; nan is gray."""
        if math.isnan(number):
            return _NAN
        end = _BELOW if number < 0 else _ABOVE
        fraction = min(abs(number) / self.limit, 1.0) if self.limit else float(number != 0)
        return "#" + "".join(
            f"{round(zero + fraction * (to - zero)):02x}" for zero, to in zip(_ZERO, end, strict=True)
        )

    def stripes(self) -> str:
        """The whole scale from left to right, as Graphviz's color list for a striped box."""
        steps = range(-(_STRIPES // 2), _STRIPES // 2 + 1)
        return ":".join(Scale(_STRIPES // 2).color(step) for step in steps)
