"""What a notebook shows for a Value: a picture of its graph, if that is fast and readable."""

from __future__ import annotations

from collections.abc import Iterable

from fastgrad import _core
from fastgrad._core import Value
from fastgrad.draw.dot import draw_dot
from fastgrad.draw.graph import has_at_most

__all__ = ["MAX_GROUPED", "MAX_SHOWN", "mimebundle"]

MAX_SHOWN = 100  # Values; a larger picture is not readable in a notebook's width
MAX_GROUPED = 100_000  # Values, which take about a second

_SVG = "image/svg+xml"


def mimebundle(value: Value, include: Iterable[str] | None, exclude: Iterable[str] | None) -> dict[str, str]:
    """The graph below the Value as SVG, and the Value's ``repr``.

    More than `MAX_SHOWN` Values are drawn by groups. There is no picture of more than `MAX_GROUPED`, for which the
    text says how to draw them; inside a function that is being recorded; or without a renderer. Displaying changes no
    number and turns no constant into a leaf.
    """
    text, picture = repr(value), None
    if (include is None or _SVG in include) and _SVG not in (exclude or ()) and not _core.is_tracing():
        if has_at_most(value, MAX_GROUPED):
            picture = _svg(value)
        else:
            text += f"  # the result of {value._node_count():,} Values: .draw_dot() draws them by groups"
    return {"text/plain": text} | ({_SVG: picture} if picture else {})


def _svg(value: Value) -> str | None:
    try:
        return str(draw_dot(value, max_nodes=MAX_SHOWN)._repr_image_svg_xml())
    except Exception:  # of any kind: otherwise a notebook would show a traceback instead of the Value
        return None
