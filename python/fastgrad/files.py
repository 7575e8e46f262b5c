"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file; one that is there already is replaced once the new one is whole, also behind a link.

    Raises:
        OSError: the file cannot be written. What was there is as it was.
    """
    target = os.path.realpath(os.fspath(path))
    if os.path.exists(target) and not os.path.isfile(target):  # a pipe or a device stays what it is
        with open(target, "wb") as file:
            file.write(data)
        return
    beside = f"{target}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    try:
        with open(beside, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
