"""The bytes of saved graphs, for tests: see csrc/ir/file.hpp."""

from __future__ import annotations

import struct
import zlib

from fastgrad import _core
from support.paths import DATA

#: Files of the first version of the format, which must stay readable.
CORPUS = sorted((DATA / "graphs").iterdir())

#: Offsets in the bytes.
VERSION, ROWS, SIZE, HEADER = 16, 20, 24, 32
#: The numbers of two operations in a file.
ADD, NEG = (2 + next(i for i, row in enumerate(_core.operations()) if row.name == name) for name in ("add", "neg"))


def loaded(data: bytes) -> _core.Graph:
    return _core.Graph(_core.read_program(data))


def sealed(data: bytes) -> bytes:
    """The same bytes with correct size and checksum, so that the later checks are reached."""
    if len(data) < HEADER + 4:
        return data
    data = data[:SIZE] + struct.pack("<Q", len(data)) + data[HEADER:-4]
    return data + struct.pack("<I", zlib.crc32(data))
