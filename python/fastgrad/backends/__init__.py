"""Translate a graph into another form: source code in another language, or a computation of another library.

A backend is one module: an `Emitter`, which `lower` calls for each statement of a graph's program, and a function for
users.
"""

from fastgrad.backends.lowering import Emitter, lower
from fastgrad.backends.python import to_python

__all__ = ["Emitter", "lower", "to_python"]
