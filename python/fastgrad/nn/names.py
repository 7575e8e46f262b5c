"""Names of parameters for drawings: found when a picture is drawn, so that building and training pay nothing."""

from __future__ import annotations

import gc
from collections.abc import Iterable

from fastgrad._core import Value
from fastgrad.nn.module import Module, named_items

__all__ = ["names_of"]


def names_of(values: Iterable[Value]) -> dict[Value, str]:
    """The names of the Values that are parameters of a module, such as ``"layers.0.w.3"``.

    A parameter of a module inside another has the name that the outermost gives it.
    """
    wanted = {id(value): value for value in values}
    names: dict[Value, str] = {}
    inside: set[int] = set()
    modules = [thing for thing in gc.get_objects() if issubclass(type(thing), Module)]
    # A module with a scope's name is most probably inside another.
    for module in sorted(modules, key=lambda module: "_scope" in vars(module)):
        if id(module) in inside:
            continue
        for name, item in named_items(module):
            inside.add(id(item))
            value = wanted.get(id(item))
            if value is not None and name.count(".") >= names.get(value, "").count("."):
                names[value] = name
    return names
