"""What a notebook shows for a Value: its graph, if that is small."""

from __future__ import annotations

from collections.abc import Iterable

from fastgrad import _core
from fastgrad.draw.dot import MAX_NODES, draw_dot
from fastgrad.draw.graph import has_at_most
from fastgrad.engine import Value

__all__ = ["MAX_SHOWN", "mimebundle"]

MAX_SHOWN = 100  # Values; a larger picture is not readable in a notebook's width

_SVG = "image/svg+xml"


def mimebundle(value: Value, include: Iterable[str] | None, exclude: Iterable[str] | None) -> dict[str, str]:
    """The graph below the Value as SVG, and the Value's ``repr``.

    There is no picture of more than `MAX_SHOWN` Values, where the text says how to draw them, inside a function that
    is being recorded, or without a renderer. Showing changes no number and makes no leaf of a constant.
    """
    text, picture = repr(value), None
    if (include is None or _SVG in include) and _SVG not in (exclude or ()) and not _core.is_recording():
        if has_at_most(value, MAX_SHOWN):
            picture = _svg(value)
        else:
            count = value._node_count()
            how = ".draw_dot()" if count <= MAX_NODES else ".draw_dot(max_nodes=None)"
            text += f"  # the result of {count:,} Values: {how} draws them"
    return {"text/plain": text} | ({_SVG: picture} if picture else {})


def _svg(value: Value) -> str | None:
    try:
        return str(draw_dot(value)._repr_image_svg_xml())
    except Exception:  # whatever the renderer does: a notebook would show a traceback in the place of the Value
        return None
