"""fastgrad: micrograd's scalar ``Value`` at native speed.

>>> from fastgrad import Value
>>> a, b = Value(2.0, label="a"), Value(-3.0, label="b")
>>> loss = (a * b + 10.0).tanh()
>>> loss.backward()

Every operation of the table, `fastgrad.operations()`, is a method of `Value` and a function of this module:
``fastgrad.sin`` takes a Value or a plain number. The sequence operations, `fastgrad.sequence_operations()`, are
functions: ``fastgrad.dot(ws, xs, bias)``. ``from fastgrad import *`` leaves out `sum`, `max`, `min` and the packages
`compile` and `io`, which would hide Python's own.
"""

from __future__ import annotations

import importlib

from fastgrad import _core, engine, pytorch_names
from fastgrad._core import *  # noqa: F403  (the operations: one name for each row of both tables)
from fastgrad._core import max as max
from fastgrad._core import min as min
from fastgrad._core import operations, sequence_operations
from fastgrad._core import sum as sum
from fastgrad.engine import Value, no_grad, scope, where

TYPE_CHECKING = False  # type checkers take it for true; typing would take two thirds of the import time of fastgrad
if TYPE_CHECKING:
    from typing import Any

    from fastgrad import backends, draw, functional, nn, optim, playback, reference
    from fastgrad import compile as compile
    from fastgrad import io as io
    from fastgrad.compile.graph import Graph
    from fastgrad.compile.jit import jit
    from fastgrad.compile.vmap import vmap
    from fastgrad.draw import draw_dot, trace
    from fastgrad.io.save import load, save
    from fastgrad.node_memory import memory
    from fastgrad.playback import player

__version__ = _core.__version__
__all__ = [
    "Graph", "Value", "backends", "draw", "draw_dot", "engine", "functional", "jit", "load", "memory", "nn",
    "no_grad", "operations", "optim", "playback", "player", "reference", "save", "scope", "sequence_operations",
    "trace", "vmap", "where", *_core.__all__,
]  # fmt: skip

_SUBMODULES = {"backends", "compile", "draw", "functional", "io", "nn", "optim", "playback", "reference"}
_NAMES_IN_SUBMODULES = {
    "draw_dot": "draw", "trace": "draw", "Graph": "compile", "jit": "compile", "vmap": "compile", "load": "io.save",
    "save": "io.save", "player": "playback", "memory": "node_memory",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a submodule on first use, so that `import fastgrad` stays fast.

    Raises:
        AttributeError: there is no such name; for one of PyTorch's, the error says what to write instead.
    """
    if name in _SUBMODULES:
        return importlib.import_module(f"fastgrad.{name}")
    if name in _NAMES_IN_SUBMODULES:
        return getattr(importlib.import_module(f"fastgrad.{_NAMES_IN_SUBMODULES[name]}"), name)
    raise pytorch_names.error("module 'fastgrad'", "fastgrad", name)


engine.register_drawing(lambda: importlib.import_module("fastgrad.draw"))
