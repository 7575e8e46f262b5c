"""Turn a graph into something else: source code in another language, or another library's computation.

A backend is one module: an `Emitter`, which `lower` leads through the program of a graph, and a function for users.
"""

from fastgrad.backends.lowering import Emitter, lower
from fastgrad.backends.python import to_python

__all__ = ["Emitter", "lower", "to_python"]
