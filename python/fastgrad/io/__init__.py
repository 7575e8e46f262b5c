"""Files: what `save` and `load` write and read, and writing that never leaves half a file."""

from fastgrad.io.save import load, save

__all__ = ["load", "save"]
