"""The labels of the Values in a picture."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from fastgrad._core import Value

__all__ = ["labels_of"]


def labels_of(values: Iterable[Value]) -> dict[Value, str]:
    """The labels of the Values; a leaf without one has its name as a parameter of a module, if it is one."""
    labels = {value: value.label for value in values}
    if "fastgrad.nn" in sys.modules:  # else there are no modules
        from fastgrad.nn.names import names_of

        labels |= names_of(value for value, label in labels.items() if not (label or value._operands_or_constants()))
    return labels
