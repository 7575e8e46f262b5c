"""Saved states, for tests: see python/fastgrad/io/archive.py."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from support.paths import DATA

#: A file of the first version of the format, which must stay readable, and its contents.
FIRST = DATA / "states" / "first.npz"
FIRST_PARTS = {
    "model": {"weight.0.0": 0.1, "weight.0.1": -0.0, "bias.0": 2.5},
    "optimizer": {"kind": "adam", "step": 3, "betas": (0.9, 0.999), "m": np.arange(3.0), "on": [True, None]},
    "numbers": {0: np.array([[1, 2]], dtype=np.int16), 1: float("inf")},
    "text": "[1]",
}


def same(one: Any, other: Any) -> bool:
    """Whether both have the same types and values everywhere, floats to the last bit."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    return bool(struct.pack("d", one) == struct.pack("d", other) if isinstance(one, float) else one == other)
