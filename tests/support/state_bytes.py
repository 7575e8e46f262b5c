"""The bytes of saved states, built by hand: see python/fastgrad/io/archive.py."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from typing import Any

import numpy as np

from fastgrad.io.archive import from_bytes
from support.states import FIRST

DATA = FIRST.read_bytes()


def accepted(data: bytes) -> dict[str, Any] | None:
    """The tree, or None if the bytes were refused properly."""
    try:
        return from_bytes(data)
    except ValueError:
        return None


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


ONE = npy(np.ones(1))
ARRAY = {"dict": [["x", {"array": 0}]]}


def header(tree: Any, **other: Any) -> bytes:
    text = json.dumps({"format": "fastgrad state", "version": 1, "fastgrad": "0", "tree": tree} | other)
    return npy(np.frombuffer(text.encode(), np.uint8))


def made(tree: Any = None, *, compression: int = zipfile.ZIP_STORED, **members: bytes) -> bytes:
    """An archive with correct checksums."""
    if tree is not None:
        members = {"header": header(tree), **members}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


def beginning(descr: str = "'<f8'", shape: str = "(1,)", order: str = "False", rest: str = "") -> bytes:
    """The file of an array with one number, with the given header."""
    text = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, {rest}}} \n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + struct.pack("<d", 0.5)
