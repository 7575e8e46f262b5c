"""The store's own check, which only a build with checks has: `pip install . -C cmake.build-type=Debug`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fastgrad import _core

HAS_CHECKS = hasattr(_core, "check")
needs_checks = pytest.mark.skipif(not HAS_CHECKS, reason="a build without FASTGRAD_CHECKS: no _core.check")

check: Callable[[], None] = getattr(_core, "check", lambda: None)
"""Raises an AssertionError that names a broken invariant; does nothing in a build without checks."""
