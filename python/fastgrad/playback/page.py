"""Put the player's program and the sweep into one HTML file that needs no network."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from collections.abc import Sequence
from importlib import resources
from typing import Any

from fastgrad._core import Value
from fastgrad.draw.graph import graph_below
from fastgrad.playback.labels import formulas_of, names_of, symbol_of
from fastgrad.playback.layout import BOX_HEIGHT, BOX_WIDTH, arrange
from fastgrad.playback.sweep import Step

__all__ = ["data_of", "graph_of", "html_of"]


def html_of(data: dict[str, Any]) -> str:
    """The HTML file that plays ``data``: see `data_of`."""
    script, style = _part("player.js"), _part("player.css")
    filled = {
        "policy": f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}",
        "title": html.escape(data["title"]),
        "style": style,
        "script": script,
        # Without "<", no text can end the element that contains it.
        "data": json.dumps(data, allow_nan=False).replace("<", "\\u003c"),
    }
    return re.sub(r"{{(\w+)}}", lambda place: filled[place[1]], _part("player.html"))


def data_of(root: Value, steps: Sequence[Step], heading: str) -> dict[str, Any]:
    """The page's data: the nodes, operands before results and ``root`` last; their connections; and the steps."""
    graph = graph_of(root, steps)
    index = {node: i for i, node in enumerate(graph)}
    names = names_of(index)
    symbols = [symbol_of(node) for node in graph]
    badges = [_badge_width(text) if text else 0 for text in symbols]
    layout = arrange([[index[operand] for operand in operands] for operands in graph.values()], badges)
    several = {one.operand for step in steps for one in step.contributions if one.result is not None}
    return {
        "title": heading,
        "box": [BOX_WIDTH, BOX_HEIGHT],
        "size": [layout.width, layout.height],
        "nodes": [
            {
                "name": names[node],
                "data": None if node in several else _number(node.data),
                "x": left,
                "y": top,
                "op": text,
                "badge": badge,
            }
            for node, (left, top), text, badge in zip(graph, layout.boxes, symbols, badges, strict=True)
        ],
        "connections": [
            {"from": source, "to": target, "points": points} for (source, target), points in layout.routes.items()
        ],
        "steps": [_step(step, index, names) for step in steps],
    }


def graph_of(root: Value, steps: Sequence[Step]) -> dict[Value, list[Value]]:
    """Each Value with its operands, which come before it; for a recorded function, also the leaves that it holds."""
    contributions = {step.node: step.contributions for step in steps}
    graph: dict[Value, list[Value]] = {}
    for node, operands in graph_below(root).items():
        below = [operand for operand in operands if isinstance(operand, Value)]
        receivers = (contribution.operand for contribution in contributions.get(node, ()))
        below += [receiver for receiver in receivers if not receiver._operands_or_constants()]
        for operand in below:
            graph.setdefault(operand, [])
        graph[node] = list(dict.fromkeys(below))
    return graph


def _step(step: Step, index: dict[Value, int], names: dict[Value, str]) -> dict[str, Any]:
    formulas = formulas_of(step.node, names)
    derivatives = formulas.partials or [""] * len(step.contributions)
    return {
        "node": index[step.node],
        "gradient": _number(step.gradient),
        "results": [_number(gradient) for gradient in step.results],
        "title": formulas.title,
        "formula": formulas.value,
        "byFunction": step.by_function,
        "contributions": [
            {
                "operand": index[contribution.operand],
                "result": contribution.result,
                "derivative": derivative,
                "local": None if contribution.local is None else _number(contribution.local),
                "product": _number(contribution.product),
                "before": _number(contribution.before),
                "after": _number(contribution.after),
            }
            for contribution, derivative in zip(step.contributions, derivatives, strict=True)
        ],
    }


def _number(x: float) -> float | str:
    """``x`` for JSON, which has neither infinities nor nan: these become text."""
    return x if math.isfinite(x) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(x, "NaN")


def _badge_width(text: str) -> int:
    return max(34, 18 + 8 * min(len(text), 12))


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """The source of a Content-Security-Policy that allows only this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
