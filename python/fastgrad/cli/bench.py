"""``fastgrad bench``: time fastgrad and its peers at the same work."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from fastgrad.cli.examples import pass_on

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    pass_on(commands, "bench", "time fastgrad and its peers at the same work", _bench)


def _bench(argv: list[str]) -> int:
    status: int = import_module("fastgrad.benchmarks.cli").main(argv, "fastgrad bench")
    return status
