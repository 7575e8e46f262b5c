"""The contents and appearance of the boxes in a drawing: the options of `draw_dot`, checked and applied."""

from __future__ import annotations

import operator
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from fastgrad._core import Value
from fastgrad.draw.colors import Scale
from fastgrad.draw.digraph import Digraph
from fastgrad.draw.text import escape, escape_field

__all__ = ["EDGE", "FIELDS", "FRAME", "GRAPH", "GROUP", "LEGEND", "NODE", "Style"]

Key = TypeVar("Key", bound=Hashable)

FIELDS = ("label", "data", "grad", "op")

INK, LINE, WARNING = "#1f2328", "#808080", "#b45f06"
_FONT = "Helvetica,Arial,sans-serif"

# Text is on cards with a fill; lines and the note are readable on white and on black.
GRAPH = {
    "bgcolor": "transparent", "nodesep": "0.2", "ranksep": "0.3",
    "fontname": _FONT, "fontsize": "13", "fontcolor": WARNING,
}  # fmt: skip
NODE = {
    "style": "filled,rounded", "fillcolor": "white", "color": LINE, "width": "0.5", "height": "0.4",
    "fontname": _FONT, "fontsize": "13", "fontcolor": INK,
}  # fmt: skip
EDGE = {"color": LINE, "arrowsize": "0.8", "fontname": _FONT, "fontsize": "11", "fontcolor": LINE}
GROUP = {"fillcolor": "#e8eef5", "penwidth": "1.5"}
FRAME = {"style": "rounded", "labeljust": "l", "color": LINE, "fontcolor": LINE, "fontname": _FONT, "fontsize": "13"}
LEGEND = {"shape": "box", "style": "striped", "height": "0.3", "color": "transparent"}


@dataclass(frozen=True)
class Style:
    """What to show of each Value and operation."""

    fields: tuple[str, ...]  # of a Value's box, in this order
    operations: bool
    color: str | None
    constants: bool
    precision: int

    @classmethod
    def of(cls, show: Iterable[str], color: str | None, constants: bool, precision: int) -> Style:
        """The style for the arguments of `draw_dot`.

        Raises:
            ValueError: an argument is not one of its possible values.
        """
        shown = tuple(dict.fromkeys([show] if isinstance(show, str) else show))
        for name in shown:
            if name not in FIELDS:
                raise ValueError(f"show takes any of {', '.join(FIELDS)}, got {name!r}")
        if color not in (None, "data", "grad"):
            raise ValueError(f"color must be 'data', 'grad' or None, got {color!r}")
        digits = operator.index(precision)
        if not 0 <= digits <= 17:
            raise ValueError(f"precision must be from 0 to 17, got {digits}")
        return cls(tuple(name for name in shown if name != "op"), "op" in shown, color, constants, digits)

    def number(self, number: float) -> str:
        """``data`` or ``grad`` as text."""
        return f"{number:.{self.precision}f}"

    def box(self, node: Value) -> dict[str, str]:
        """The label and the shape of a Value: a record of its fields, or a dot if it has none."""
        if not self.fields:
            return {"label": "", "shape": "circle", "width": "0.2", "height": "0.2"}
        return {"label": f"{{ {' | '.join(self._field(name, node) for name in self.fields)} }}", "shape": "record"}

    def _field(self, name: str, node: Value) -> str:
        return escape_field(node.label) if name == "label" else f"{name} {self.number(getattr(node, name))}"

    def operation(self, node: Value, operands: tuple[Value | float, ...]) -> str:
        """The text of an operation's ellipse: its symbol, with a constant that has no box."""
        words = [node._op]
        if not self.constants and len(operands) == 2:  # a sequence may have hundreds
            x, y = ("" if isinstance(operand, Value) else f"{operand:g}" for operand in operands)
            words = [x, *words, y]
        return escape(" ".join(filter(None, words)))

    def fills(self, drawing: Digraph, numbers: Mapping[Key, float]) -> dict[Key, dict[str, str]]:
        """The fill of each box by its number, and a legend in the drawing; empty if no color is chosen."""
        if not self.color:
            return {}
        scale = Scale.over(numbers.values())
        if scale.limit:
            end, gap = self.number(scale.limit), "&#160;" * 8
            label = f"-{end}{gap}{self.color} 0{gap}{end}"
            drawing.node("legend", label=label, fillcolor=scale.stripes(), **LEGEND)
        return {key: {"fillcolor": scale.color(number)} for key, number in numbers.items()}
