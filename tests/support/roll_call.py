"""Roll calls: for each kind of object, the ones in the package, and the ones with a row in a table of the tests."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import fastgrad
from fastgrad import Value, _core, nn, optim
from fastgrad.functional import derivatives
from fastgrad.nn import init, losses
from fastgrad.reference import sequences
from support.initializers import CONSTANTS, DRAWN
from support.layers import MODULES
from support.losses import CASES as LOSSES
from support.operations import OPERATIONS
from support.optimizers import CASES
from support.passes import PASSES
from support.schedules import PLATEAUS, SCHEDULES, optimizer
from support.transforms import TRANSFORMS


@dataclass(frozen=True)
class Roll:
    """The names of all objects of a kind, and of those with a row in the table."""

    table: str
    registered: Iterable[str]
    rows: Iterable[str]

    def missing(self) -> str:
        """What the table lacks or has too much; empty if it is complete."""
        registered, rows = {*self.registered}, {*self.rows}
        untested, gone = ", ".join(sorted(registered - rows)), ", ".join(sorted(rows - registered))
        complaints = [f"has no row for {untested}"] if untested else []
        complaints += [f"has rows for what is gone: {gone}"] if gone else []
        return f"{self.table} {' and '.join(complaints)}" if complaints else ""


def classes_below(base: type, package: str) -> Iterator[str]:
    """The public subclasses, at any depth, that a package defines."""
    for each in base.__subclasses__():
        if f"{each.__module__}.".startswith(f"{package}.") and not each.__name__.startswith("_"):
            yield each.__name__
        yield from classes_below(each, package)


def names(things: Iterable[Any]) -> list[str]:
    return [thing.name for thing in things]


def types(things: Iterable[Any]) -> list[str]:
    return [type(thing).__name__ for thing in things]


def optimizers() -> list[optim.Optimizer]:
    return [case.make([Value(1.0)]) for case in CASES.values()]


def schedules() -> Iterator[optim.LRScheduler]:
    """The schedules of the rows, and those that they contain."""
    for make, _ in SCHEDULES.values():
        schedule = make(optim, optimizer())
        yield schedule
        yield from getattr(schedule, "schedulers", ())
    for plateau in PLATEAUS.values():
        yield optim.ReduceLROnPlateau(optimizer(), **plateau.settings)


def initializers() -> Iterator[str]:
    for make, *_ in (*DRAWN.values(), *CONSTANTS.values()):
        yield getattr(make, "func", make).__name__


ROLLS: dict[str, Callable[[], Roll]] = {
    "operations": lambda: Roll("fastgrad.reference.OPERATIONS", names(fastgrad.operations()), OPERATIONS),
    "sequence operations": lambda: Roll(
        "fastgrad.reference.sequences", names(fastgrad.sequence_operations()), sequences.__all__
    ),
    "passes": lambda: Roll("support/passes.py", [name for name, *_ in _core.passes()], PASSES),
    "optimizers": lambda: Roll(
        "support/optimizers.py", classes_below(optim.Optimizer, "fastgrad.optim"), types(optimizers())
    ),
    "rules of optimizers": lambda: Roll("support/optimizers.py", _core.RULES, {c.optimizer for c in CASES.values()}),
    "schedules": lambda: Roll(
        "support/schedules.py", classes_below(optim.LRScheduler, "fastgrad.optim"), types(schedules())
    ),
    "modules": lambda: Roll(
        "support/layers.py",
        {*nn.__all__, *classes_below(nn.Module, "fastgrad.nn")}
        - {"Module", "IncompatibleKeys", "init", *losses.__all__},
        types(sample.make() for sample in MODULES.values()),
    ),
    "losses": lambda: Roll("support/losses.py", losses.__all__, (case.loss for case in LOSSES.values())),
    "initializers": lambda: Roll(
        "support/initializers.py", (n for n in init.__all__ if not inspect.isclass(getattr(init, n))), initializers()
    ),
    "transforms": lambda: Roll("support/transforms.py", derivatives.__all__, TRANSFORMS),
}
