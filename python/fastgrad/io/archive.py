"""The bytes of a saved state: a NumPy ``.npz`` archive of numbers and text that contains nothing executable.

``header.npy`` is JSON text as bytes: the format's name and version, fastgrad's version, and a tree of dicts, lists
and scalars. Its arrays, and the numbers of its dicts of floats, are ``array_0.npy``, ``array_1.npy``, ... Nothing is
compressed, so a valid file cannot declare more bytes than it has; this is checked before any array is created.
"""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
from typing import Any

import numpy as np

from fastgrad import _core

__all__ = ["from_bytes", "to_bytes"]

FORMAT = "fastgrad state"
VERSION = 1
HEADER = "header.npy"

#: The header of NumPy's array files: the type, one of real numbers, and the lengths of the axes.
_BEGINNING = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([<>|][biuf]\d+)', 'fortran_order': (?:False|True), "
    rb"'shape': \(([\d, ]*)\), \} *\n",
    re.DOTALL,
)


class NotOurs(ValueError):
    """The bytes may be intact, but they are not the output of this fastgrad's `to_bytes`."""

    def __init__(self, why: str = "not a file that fastgrad.save() wrote") -> None:
        super().__init__(why)


def to_bytes(tree: dict[str, Any]) -> bytes:
    """The archive of a tree of dicts, lists, tuples, arrays, numbers, text, bools and None.

    Raises:
        TypeError: it contains something else; the message says where.
        ValueError: it is nested too deeply, as a tree that contains itself is.
    """
    arrays: list[Any] = []
    try:
        packed = _packed(tree, "", arrays)
        text = json.dumps({"format": FORMAT, "version": VERSION, "fastgrad": _core.__version__, "tree": packed})
    except RecursionError:
        raise ValueError("what is to be saved is nested too deeply, or holds itself") from None
    stream = io.BytesIO()
    header = np.frombuffer(text.encode(), np.uint8)
    np.savez(stream, header=header, **{f"array_{i}": array for i, array in enumerate(arrays)})
    return stream.getvalue()


def from_bytes(data: bytes) -> dict[str, Any]:
    """The tree that `to_bytes` was given. Whatever the bytes are, this only builds such a tree or raises.

    Raises:
        ValueError: `to_bytes` did not write them, they are damaged, or a newer fastgrad wrote them.
    """
    if not data.startswith(b"PK\x03\x04"):
        raise NotOurs
    try:
        return _read(data)
    except (NotOurs, MemoryError):
        raise
    except Exception as error:  # zipfile, json and NumPy raise many, all caused by the bytes
        raise ValueError(f"damaged or cut short: {str(error) or type(error).__name__}") from error


def _packed(tree: Any, place: str, arrays: list[Any]) -> Any:
    """The tree as JSON data; its arrays are appended to `arrays`. `place` is the path to it."""
    if isinstance(tree, np.generic):
        tree = tree.item()
    if tree is None or isinstance(tree, (bool, int, str)):
        return tree
    if isinstance(tree, float):
        return float(tree)
    if isinstance(tree, (list, tuple)):
        items = [_packed(item, f"{place}.{i}", arrays) for i, item in enumerate(tree)]
        return items if isinstance(tree, list) else {"tuple": items}
    if isinstance(tree, dict):
        return _packed_dict(tree, place, arrays)
    if type(tree) is np.ndarray and tree.dtype.kind in "biuf":
        return {"array": _added(tree, arrays)}
    raise TypeError(
        f"cannot save {place[1:]}: {tree!r} of type '{type(tree).__name__}' has no state_dict(), and is no number or "
        "text, nor a list, tuple, dict or array of them"
    )


def _packed_dict(tree: dict[Any, Any], place: str, arrays: list[Any]) -> dict[str, Any]:
    for key in tree:
        if type(key) not in (str, int):
            raise TypeError(f"cannot save {place[1:]}: its key {key!r} is neither text nor an integer")
    if tree and all(type(item) is float for item in tree.values()):
        return {"floats": _added(np.array([*tree.values()]), arrays), "keys": [*tree]}
    return {"dict": [[key, _packed(item, f"{place}.{key}", arrays)] for key, item in tree.items()]}


def _added(array: Any, arrays: list[Any]) -> int:
    arrays.append(array)
    return len(arrays) - 1


def _read(data: bytes) -> dict[str, Any]:
    arrays = _arrays(data)
    if HEADER not in arrays:
        raise NotOurs
    header = json.loads(arrays.pop(HEADER).tobytes())
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise NotOurs
    version = header["version"]
    if not isinstance(version, int) or version < 1:
        raise ValueError(f"there is no version {version!r} of the format")
    if version > VERSION:
        raise NotOurs(f"it has a newer format (version {version}; this is {VERSION}): update fastgrad")
    tree = _unpacked(header["tree"], arrays)
    if arrays or not isinstance(tree, dict):
        raise ValueError("its header does not name what is in it")
    return tree


def _arrays(data: bytes) -> dict[str, Any]:
    """All arrays of the archive by their file names."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise NotOurs
        if sum(member.file_size for member in members) > len(data):
            raise ValueError("it declares more bytes than it has")
        names = [member.filename for member in members]
        if len(set(names)) != len(names):
            raise ValueError("two of its parts have one name")
        if len({member.header_offset for member in members}) != len(members):
            raise ValueError("two of its parts are in one place")
        return {member.filename: _array(archive.read(member)) for member in members}


def _array(data: bytes) -> Any:
    beginning = _BEGINNING.match(data)
    if beginning is None:
        if b"'|O'" in data[:200]:
            raise NotOurs("it holds pickled objects, which are never loaded")
        raise ValueError("a part of it is no array of numbers")
    shape = [int(length) for length in re.findall(rb"\d+", beginning[2])]
    if np.dtype(beginning[1].decode()).itemsize * math.prod(shape) != len(data) - beginning.end():
        raise ValueError(f"an array of shape {tuple(shape)} has another number of bytes")
    return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)


def _unpacked(tree: Any, arrays: dict[str, Any]) -> Any:
    """The tree for JSON data; its arrays are taken from `arrays`, each once."""
    if isinstance(tree, list):
        return [_unpacked(item, arrays) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if "floats" in tree:
        numbers = _taken(tree["floats"], arrays)
        if numbers.ndim != 1 or numbers.dtype != np.float64:
            raise ValueError(f"floats in an array of {numbers.dtype} of shape {numbers.shape}")
        return dict(zip(map(_key, tree["keys"]), numbers.tolist(), strict=True))
    if "array" in tree:
        return _taken(tree["array"], arrays)
    if "tuple" in tree:
        return tuple(_unpacked(item, arrays) for item in tree["tuple"])
    return {_key(key): _unpacked(item, arrays) for key, item in tree["dict"]}


def _taken(number: Any, arrays: dict[str, Any]) -> Any:
    name = f"array_{number}.npy"
    if name not in arrays:
        raise ValueError(f"{name} is missing, or named twice")
    return arrays.pop(name)


def _key(key: Any) -> str | int:
    if type(key) not in (str, int):
        raise ValueError(f"{key!r} is no key")
    return key  # type: ignore[no-any-return]
