"""Programs to read, to run and to change: `fastgrad examples` lists them and runs one.

This folder is installed as the package ``fastgrad.examples``, and each program also runs by itself from a clone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from fastgrad.cli.status import FAILED

from .common import INSTALL, command, missing

__all__ = ["NAMES", "listing", "main", "run"]

#: The examples, which are modules of this package, from the simplest to the longest.
NAMES = ("moons", "curve_fit", "lotka_volterra", "black_scholes", "digits", "gpt")


def listing() -> str:
    """One line for each example: its name, what it does, and the libraries that it needs besides fastgrad."""
    lines = ["usage: fastgrad examples NAME [--help] [options]", ""]
    needed: set[str] = set()
    for name in NAMES:
        example = _example(name)
        needed.update(example.NEEDS)
        about = str(example.__doc__).partition("\n")[0]
        lines.append(f"  {name:15} {about:81} needs {', '.join(example.NEEDS)}")
    absent = missing(*sorted(needed))
    if absent:
        lines += ["", f"not installed: {', '.join(absent)}: {INSTALL}"]
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    """`fastgrad examples`: run the example named first in ``argv``, or print the `listing`; the exit status."""
    if not argv or argv[0] in ("-h", "--help"):
        print(listing())
        return 0
    name, *rest = argv
    if name not in NAMES:
        print(f"fastgrad examples: no example named {name!r}: choose from {', '.join(NAMES)}", file=sys.stderr)
        return FAILED
    return run(name, rest, prog=f"fastgrad examples {name}")


def run(name: str, argv: Sequence[str], prog: str) -> int:
    """Run an example with the options in ``argv`` and return the exit status; ``prog`` is what the user typed."""
    example = _example(name)
    parser = example.parser()
    parser.prog = prog
    return command(example.run, parser, argv)


def _example(name: str) -> Any:
    return import_module(f"fastgrad.examples.{name}")
