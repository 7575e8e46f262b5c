"""`save` and `load`: a training run in one file, so that it can stop and continue with the same bits."""

from __future__ import annotations

import copy
import os
from typing import Any

from fastgrad.io.archive import from_bytes, to_bytes
from fastgrad.io.atomic import write_whole

__all__ = ["load", "save"]


def save(path: str | os.PathLike[str], /, **parts: Any) -> None:
    """Write named parts to a file: ``save("net.npz", model=net, optimizer=adam, step=100)``.

    A part is either an object with a ``state_dict()``, such as a `fastgrad.nn.Module`, an optimizer or a schedule, of
    which that dict is written; or data: numbers, text, bools, None, NumPy arrays of real numbers, and lists, tuples
    and dicts of them. Every float keeps its bits. The file is a ``.npz`` archive, whatever its name, and contains
    only data, so loading a file from elsewhere executes nothing.

    An existing file is replaced only once the new one is complete.

    Raises:
        TypeError: a part is, or contains, something else.
        ValueError: there is no part, or one is nested too deeply.
        OSError: the file cannot be written.
    """
    if not parts:
        raise ValueError('nothing to save: name the parts, as in save("net.npz", model=net)')
    write_whole(path, to_bytes({name: _state_of(part) for name, part in parts.items()}))


def load(path: str | os.PathLike[str], /, **objects: Any) -> dict[str, Any]:
    """Read a file that `save` wrote into existing objects: ``load("net.npz", model=net, optimizer=adam)``.

    After an error every object is unchanged.

    Args:
        path: the file.
        objects: the objects to load the parts of these names with ``load_state_dict()``; other parts are only read.

    Returns:
        All parts by name: state dicts and data.

    Raises:
        ValueError: the file was not written by `save`, is damaged, or was written by a newer fastgrad; or a part is
            missing, or does not fit its object.
        TypeError: an object has no ``load_state_dict()``.
        OSError: the file cannot be read.
    """
    for name, thing in objects.items():
        if not hasattr(thing, "load_state_dict"):
            raise TypeError(
                f"{name}={thing!r} has no load_state_dict(): to read data, take it from what load() returns"
            )
    with open(path, "rb") as file:
        data = file.read()
    try:
        parts = from_bytes(data)
        _put(parts, objects)
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from error
    return parts


def _state_of(part: Any) -> Any:
    return part.state_dict() if hasattr(part, "state_dict") else part


def _put(parts: dict[str, Any], objects: dict[str, Any]) -> None:
    """Load the objects from their parts, all or none of them."""
    missing = [name for name in objects if name not in parts]
    if missing:
        raise ValueError(f"it has no {' or '.join(missing)}, but {', '.join(parts) or 'nothing'}")
    before: list[tuple[Any, Any]] = []
    try:
        for name, thing in objects.items():
            before.append((thing, copy.deepcopy(thing.state_dict())))
            try:
                thing.load_state_dict(parts[name])
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                raise ValueError(f"its {name} does not fit: {error}") from error
    except BaseException:
        for thing, state in reversed(before):
            thing.load_state_dict(state)
        raise
