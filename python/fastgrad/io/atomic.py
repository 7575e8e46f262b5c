"""Write files atomically: after a crash or on a full disk the old file is still there, intact."""

from __future__ import annotations

import contextlib
import os


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file. An existing file, also behind a link, is replaced only once the new one is complete.

    Raises:
        OSError: the file cannot be written; an existing one is unchanged.
    """
    target = os.path.realpath(os.fspath(path))
    if os.path.exists(target) and not os.path.isfile(target):  # a pipe or a device is not replaced
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
