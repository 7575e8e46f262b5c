"""``fastgrad examples`` and ``fastgrad demo``: list the example programs, or run one."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["add_parser", "pass_on"]


def add_parser(commands: Any) -> None:
    """Add the two commands."""
    pass_on(commands, "demo", "train a network of scalars on two moons, time it, and draw it", _demo)
    pass_on(commands, "examples", "list the example programs, or run one", _examples)


def pass_on(commands: Any, name: str, about: str, run: Callable[[list[str]], int]) -> None:
    """Add a command whose options are parsed elsewhere: no word after it is an option of this parser."""
    parser = commands.add_parser(name, help=about, add_help=False, prefix_chars="\0")
    parser.add_argument("argv", nargs="*")
    parser.set_defaults(run=lambda arguments: run(arguments.argv))


def _demo(argv: list[str]) -> int:
    status: int = import_module("fastgrad.examples").run("moons", argv, "fastgrad demo")
    return status


def _examples(argv: list[str]) -> int:
    status: int = import_module("fastgrad.examples").main(argv)
    return status
