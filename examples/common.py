"""Shared by the examples: options, a progress bar that Ctrl-C ends, pictures, and the exit status."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from fastgrad.cli.status import FAILED, INTERRUPTED

__all__ = [
    "BLUE", "GRAY", "INSTALL", "RED", "BadInput", "MissingExtra", "Outcome", "Progress", "command", "drawing",
    "folder", "missing", "options", "require", "save_picture", "whole_number",
]  # fmt: skip

INSTALL = 'pip install "fastgrad[examples]"'
BLUE, RED, GRAY = "#2166ac", "#b2182b", "#4d4d4d"


class MissingExtra(ImportError):
    """A library of the ``examples`` extra is not installed."""


class BadInput(ValueError):
    """The user's input cannot be used: the message says why."""


class Outcome(Protocol):
    """The minimum that an example's ``run`` returns."""

    @property
    def interrupted(self) -> bool: ...


# ---- the command line ----------------------------------------------------------------------------------------


def options(about: str | None, *, steps: int, seed: int, unit: str = "steps of training") -> argparse.ArgumentParser:
    """A parser with the options that every example has: ``--steps``, ``--seed`` and ``--out``."""
    parser = argparse.ArgumentParser(description=about, formatter_class=_Help)
    parser.add_argument("--steps", type=whole_number(1), default=steps, metavar="N", help=unit)
    parser.add_argument("--seed", type=int, default=seed, metavar="N", help="decides all that is random")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where the files are written")
    return parser


class _Help(argparse.RawDescriptionHelpFormatter, argparse.ArgumentDefaultsHelpFormatter):
    """The description as it is written, and each option's default."""


def whole_number(least: int) -> Callable[[str], int]:
    """An option's type: a whole number from ``least`` on."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if number < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {number}")
        return number

    return parse


def command(run: Callable[..., Outcome], parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    """Call ``run`` with the options in ``argv`` (``sys.argv[1:]`` if it is None) and return the exit status.

    0 for success, 2 for an error that the user can fix, which is reported on stderr, and 130 if Ctrl-C ended it.
    Other errors are raised: examples are meant to be changed, and their authors need to see where it went wrong.
    """
    arguments = vars(parser.parse_args(argv))
    try:
        outcome = run(**arguments, progress=True)
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (BadInput, MissingExtra, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return FAILED
    return INTERRUPTED if outcome.interrupted else 0


# ---- required libraries, and the output folder -----------------------------------------------------------------


def missing(*libraries: str) -> list[str]:
    """The libraries among them that are not installed."""
    return [library for library in libraries if find_spec(library) is None]


def require(*libraries: str) -> None:
    """Check that libraries are installed before the work instead of after it.

    Raises:
        MissingExtra: some are not installed.
    """
    absent = missing(*libraries)
    if absent:
        verb = "is" if len(absent) == 1 else "are"
        raise MissingExtra(f"{', '.join(absent)} {verb} not installed: {INSTALL}")


def folder(path: Path | str) -> Path:
    """The folder, created if it does not exist.

    Raises:
        OSError: it cannot be created.
    """
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    return path


# ---- progress --------------------------------------------------------------------------------------------------


class Progress:
    """A loop that Ctrl-C ends early without losing its results; with a bar on stderr if ``shown``.

        with Progress("training", 100, shown=True) as progress:
            for step in progress:
                ...
                progress.note(loss=f"{loss:.4f}")

    Attributes:
        done: how many steps were finished.
        interrupted: whether Ctrl-C ended the loop.
    """

    def __init__(self, title: str, steps: int | None, *, shown: bool = False) -> None:
        self.steps = steps
        self.done = 0
        self.interrupted = False
        self._bar: Any = None
        if shown:
            self._bar = import_module("tqdm").tqdm(total=steps, desc=title, dynamic_ncols=True)

    def __iter__(self) -> Iterator[int]:
        """The numbers of the steps, from 0."""
        for step in range(self.steps or 0):
            yield step
            self.advance()

    def advance(self) -> None:
        """Count a step, for a loop run by another library."""
        self.done += 1
        if self._bar is not None:
            self._bar.update()

    def note(self, **facts: str) -> None:
        """Show the facts after the bar."""
        if self._bar is not None:
            self._bar.set_postfix(facts, refresh=False)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._bar is not None:
            self._bar.close()
        self.interrupted = kind is not None and issubclass(kind, KeyboardInterrupt)
        if self.interrupted:
            print(f"interrupted after {self.done} steps: this is what was learned until then")
        return self.interrupted


# ---- pictures --------------------------------------------------------------------------------------------------


def drawing(layout: Any = None, *, width: float = 7.6, height: float = 4.8, **grid: Any) -> tuple[Any, Any]:
    """A matplotlib figure that needs no screen, and its axes, or for a mosaic of names a dict of axes.

    Sizes are in inches; ``grid`` is passed to matplotlib's `Figure.subplot_mosaic`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot() if layout is None else figure.subplot_mosaic(layout, **grid)
    for each in figure.axes:
        each.spines[["top", "right"]].set_visible(False)
        each.grid(color="#e5e5e5", linewidth=0.7)
        each.set_axisbelow(True)
    return figure, axes


def save_picture(figure: Any, path: Path) -> Path:
    """Write the picture and print its path."""
    figure.savefig(path)
    print(f"wrote {path}")
    return path
