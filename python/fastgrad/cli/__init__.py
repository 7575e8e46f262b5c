"""The ``fastgrad`` command. Each module is a subcommand: `add_parser` declares its options and function."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from fastgrad import _core
from fastgrad.cli import bench, draw, examples, info
from fastgrad.cli.status import FAILED, INTERRUPTED, CommandError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with ``argv`` (``sys.argv[1:]`` by default) and return its exit status."""
    parser = _parser()
    arguments = _parse(parser, argv)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return FAILED
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # as in `fastgrad draw ... | head`: the reader is gone, and Python would complain at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        print(f"fastgrad {arguments.command}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (CommandError, ImportError, OSError, ArithmeticError) as error:
        print(f"fastgrad {arguments.command}: {error}", file=sys.stderr)
        return FAILED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fastgrad", description="micrograd's scalar Value at native speed")
    parser.add_argument("--version", action="version", version=f"fastgrad {_core.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    for command in (examples, draw, bench, info):
        command.add_parser(commands)
    return parser


def _parse(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the arguments. Arguments may also follow an option, which argparse alone does not support."""
    arguments, rest = parser.parse_known_args(argv)
    if rest and (not hasattr(arguments, "values") or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        arguments.values += rest
    return arguments
