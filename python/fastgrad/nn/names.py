"""Names of parameters for drawings: found when a picture is drawn, so that building and training pay nothing."""

from __future__ import annotations

import gc
from collections.abc import Iterable

from fastgrad._core import Value
from fastgrad.nn.module import Module, name_of, walk

__all__ = ["names_of"]


def names_of(values: Iterable[Value]) -> dict[Value, str]:
    """The names of the Values that are parameters of a module, such as ``"layers.0.w.3"``.

    If modules are nested, the name starts from the outermost.
    """
    wanted = {id(value): value for value in values}
    names: dict[Value, str] = {}
    inside: set[int] = set()
    modules = [thing for thing in gc.get_objects() if issubclass(type(thing), Module)]
    # A module that has a scope name is usually inside another module, so the outermost come first.
    for module in sorted(modules, key=lambda module: "_scope" in vars(module)):
        if id(module) in inside:
            continue
        for path, item in walk(module):
            inside.add(id(item))
            value = wanted.get(id(item))
            if value is None:
                continue
            name = name_of(path)
            if name.count(".") >= names.get(value, "").count("."):
                names[value] = name
    return names
