"""A page that plays the reverse sweep node by node: `player`."""

from __future__ import annotations

import html
import os
from pathlib import Path

from fastgrad._core import Value
from fastgrad.draw.graph import require_value
from fastgrad.io.atomic import write_whole
from fastgrad.playback.page import data_of, html_of
from fastgrad.playback.sweep import Contribution, Step, reverse_sweep

__all__ = ["Contribution", "Player", "Step", "player", "reverse_sweep"]


class Player:
    """The page as ``html``, and the ``path`` of its file, if any. A notebook displays the page."""

    def __init__(self, html: str, path: Path | None) -> None:
        self.html = html
        self.path = path

    def __repr__(self) -> str:
        return f"Player(path={str(self.path)!r})" if self.path else "Player()"

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" title="fastgrad player" allowfullscreen '
            'style="width: 100%; height: 640px; border: 0"></iframe>'
        )


def player(
    root: Value,
    path: str | os.PathLike[str] | None = "player.html",
    *,
    max_nodes: int | None = 400,
    title: str | None = None,
) -> Player:
    """Write one HTML file that plays ``root.backward()`` step by step; it needs a browser and no network.

    The sweep starts from zero gradients, whatever they are now, and leaves the graph unchanged. The ``_backward``
    functions of custom operations are called twice each: see `reverse_sweep`.

    Args:
        root: the result whose reverse sweep is played.
        path: the file to write, replaced if it exists; None for no file.
        max_nodes: the largest number of Values, including constants; None for no limit.
        title: the heading; by default it names ``root``.

    Returns:
        The page, which a notebook displays.

    Raises:
        TypeError: ``root`` is not a Value.
        ValueError: the graph has more than ``max_nodes`` Values.
        OSError: the file cannot be written. An existing one is unchanged.
    """
    count = require_value(root)._node_count()
    if max_nodes is not None and count > max_nodes:
        raise ValueError(
            f"the graph has {count} Values, more than max_nodes={max_nodes}: "
            "play a smaller part, or give a larger max_nodes (or None for no limit)"
        )
    heading = title if title is not None else f"{root.label or 'Value'}.backward()"
    text = html_of(data_of(root, reverse_sweep(root), heading))
    if path is None:
        return Player(text, None)
    write_whole(path, text.encode())
    return Player(text, Path(path))
