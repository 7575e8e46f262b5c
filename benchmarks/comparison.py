"""The comparison: workloads that every peer runs, checked for the same answer before any is timed.

A `Workload` has sizes and entries. An `Entry` names a package and makes, in that package's own process, a
`harness.Repeated` for a size: `run()` does the work once, and `answer()` does it and returns the value and the
gradients as numbers, which must be those of the first entry. All entries of a size take turns, round by round, on one
core. An entry takes part in a size if what it needed at the last one lets it fit into the budget.

A workload is a module of `benchmarks.workloads` that ends in `WORKLOAD = Workload(...)`; what makes its programs are
classes and functions at the module's top level, because other processes import them. A program that is the same
for all peers is written once: see `benchmarks.peers`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from math import inf, log
from time import perf_counter
from typing import Any, Literal

from .harness import Contender, Repeated, installed, require_close, resident_bytes

Kind = Literal["eager", "compiled", "floor"]
EAGER: Kind = "eager"
COMPILED: Kind = "compiled"
FLOOR: Kind = "floor"


TOO_LONG = "not run: would take about {}"


class NotOffered(Exception):
    """The peer takes no part, because it lacks what the program needs or takes too long: the message says which."""


@dataclass(frozen=True)
class Entry:
    """A contender of a workload.

    Attributes:
        name: as in the tables; the first word or words name the peer.
        package: what is imported, and whose process it runs in.
        make: makes the program for a size, in that process.
        kind: what it is compared with: `EAGER` builds its graph anew in each run, `COMPILED` has a program or arrays
            that stay, and the `FLOOR` is no peer, but what the machine can do with plain numbers.
        largest: the largest size at which it takes part, if not all.
    """

    name: str
    package: str
    make: Callable[[int], Repeated]
    kind: Kind = COMPILED
    largest: int | None = None

    @property
    def ours(self) -> bool:
        return self.package == "fastgrad" and self.kind != FLOOR


@dataclass(frozen=True)
class Workload:
    """What the entries do.

    Attributes:
        name: for the command line.
        title: for a table's head.
        about: what is computed, and what each kind of entry does in a run.
        sizes: of a full run; `quick`, of a quick one.
        size: what a size counts, as in "nodes".
        unit: what a cost is stated per, as in "node".
        units: how many of them a run has at a size.
        labels: what to call a size, where the number says too little.
        entries: fastgrad's first, whose answer the others must have.
        phases: whether building, sweeping and freeing are timed each on its own, where an entry can tell them apart.
        memory: the sizes from which on the bytes of a built graph are measured.
        slope_from: the size from which on the slope of fastgrad's costs against the size must be 1, if it must be.
        tolerance: of the answers.
    """

    name: str
    title: str
    about: str
    sizes: Sequence[int]
    quick: Sequence[int]
    size: str
    unit: str
    entries: Sequence[Entry]
    units: Callable[[int], float] = float
    labels: Mapping[int, str] = field(default_factory=dict)
    phases: bool = False
    memory: int | None = None
    slope_from: int | None = None
    tolerance: float = 1e-9

    def label(self, size: int) -> str:
        return self.labels.get(size, f"{size:,} {self.size}")


@dataclass(frozen=True)
class Row:
    """What an entry found at a size: nanoseconds (of "bytes", bytes) per unit, a number for each round."""

    entry: str
    package: str
    size: int
    costs: Mapping[str, Sequence[float]] = field(default_factory=dict)
    note: str = ""  # why there are none
    kind: Kind = COMPILED


@dataclass(frozen=True)
class Effort:
    """How long things may take, in seconds.

    Attributes:
        slot: an entry's turn in a round.
        rounds: how often each takes its turn; at least `fewest` where a run fills more than its turn.
        budget: all turns of an entry at a size, and as much again to prepare it and to check its answer.
    """

    slot: float
    rounds: int
    budget: float
    fewest: int = 3
    quick: bool = False

    def sizes(self, workload: Workload) -> Sequence[int]:
        return workload.quick if self.quick else workload.sizes


FULL, QUICK = Effort(0.04, 9, 2.0), Effort(0.01, 3, 0.2, quick=True)


# --- in the process of a package


class Host:
    """The programs of one package, by name."""

    def __init__(self, package: str) -> None:
        import_module(package)  # not on the first program's account
        self.programs: dict[str, Any] = {}

    def prepare(self, entry: Entry, size: int) -> float:
        """Make the program: seconds."""
        start = perf_counter()
        self.programs[entry.name] = entry.make(size)
        return perf_counter() - start

    def answer(self, name: str) -> tuple[list[float], float]:
        """The value and the gradients, and the seconds of the first run, which has costs that no later one has."""
        start = perf_counter()
        found = self.programs[name].answer()
        return found, perf_counter() - start

    def measure(self, name: str, runs: int, phases: bool) -> dict[str, float]:
        """Seconds per run, in all and by phase."""
        program = self.programs[name]
        if phases and hasattr(program, "split"):
            found: dict[str, float] = program.split(runs)
            return {"run": sum(found.values()), **found}
        return {"run": program.measure(runs) / 1e6}

    def drop(self, name: str) -> None:
        program = self.programs.pop(name, None)
        if hasattr(program, "close"):
            program.close()
        del program  # what it kept alive shall not be collected while another is timed
        gc.collect()

    def resident(self, entry: Entry, size: int) -> float:
        """By how many bytes the process grows while it builds a graph and keeps it: in a fresh process."""
        program: Any = entry.make(size)
        before = resident_bytes()[0]
        graph = program.build()
        after = resident_bytes()[0]
        del graph
        return float(after - before)


class Processes:
    """A process for each package, started when it is first asked for, and ended with the block."""

    def __init__(self) -> None:
        self._stack, self._hosts = ExitStack(), dict[str, Contender]()

    def __getitem__(self, package: str) -> Contender:
        if package not in self._hosts:
            host = Contender(Host, package)
            self._stack.callback(host.close)
            self._hosts[package] = host
        return self._hosts[package]

    def forget(self, package: str) -> None:
        """The process has died: the next one is new."""
        self._hosts.pop(package, None)

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


# --- in the process that asks


class Course:
    """One entry of a workload, from size to size."""

    def __init__(self, entry: Entry, workload: Workload, effort: Effort, processes: Processes) -> None:
        self.entry, self.workload, self.effort, self.processes = entry, workload, effort, processes
        self.spent: list[tuple[float, float, float]] = []  # the units; seconds to prepare, and of a run
        self.failure = ""
        self.costs: dict[str, list[float]] = {}
        self.size, self.once, self.rounds = 0, 0.0, 0

    @cached_property
    def absent(self) -> bool:
        return not installed(self.entry.package)

    def enter(self, size: int, expected: Sequence[float] | None) -> list[float] | None:
        """Prepare the program of a size and check its answer, unless a reason speaks against it."""
        self.size, self.costs = size, {}
        self.failure = self.objection(size)
        if self.failure:
            return None
        host, name = self.processes[self.entry.package], self.entry.name
        try:
            seconds = host("prepare", self.entry, size)
            found, first = host("answer", name)
            if expected is not None:
                checked = expected[: len(found)] if self.entry.kind == FLOOR else expected
                require_close(found, checked, "wrong", self.workload.tolerance)
            self.once = host("measure", name, 1, self.workload.phases)["run"]
            if self.once * self.effort.fewest > self.effort.budget and not self.entry.ours:
                raise NotOffered(TOO_LONG.format(duration(self.once * self.effort.fewest)))
        except Exception as error:  # a peer's failure is a row, of whatever kind it is
            self.failed(error)
            return None
        self.spent.append((self.workload.units(size), seconds + first, self.once))
        budget = self.effort.budget
        self.rounds = min(self.effort.rounds, max(self.effort.fewest, int(budget / max(self.once, 1e-9))))
        return list(found)

    def failed(self, error: BaseException) -> None:
        if self.entry.ours:
            raise error
        if isinstance(error, BrokenProcessPool):
            self.processes.forget(self.entry.package)
            self.failure = "its process died"
        else:
            self.processes[self.entry.package]("drop", self.entry.name)
            is_plain = isinstance(error, (NotOffered, AssertionError))
            self.failure = str(error) if is_plain else f"{type(error).__name__}: {str(error)[:100]}"

    def objection(self, size: int) -> str:
        """Why the entry does not take part; empty if it does."""
        if self.absent:
            return "not installed"
        if self.entry.largest is not None and size > self.entry.largest:
            return f"not run beyond {self.entry.largest:,}"
        if not self.spent:
            return self.failure  # what failed at a size fails at larger ones
        if self.entry.ours:
            return ""
        preparing, once = self.predicted(1, size, 0.0), self.predicted(2, size, 1.0)
        if preparing > self.effort.budget or once * self.effort.fewest > self.effort.budget:
            return TOO_LONG.format(duration(preparing + once * self.effort.fewest))
        return ""

    def predicted(self, column: int, size: int, power: float) -> float:
        """Seconds at a larger size: as they grew before, or with this power of the units if that is faster."""
        units, last = self.workload.units(size), self.spent[-1]
        if len(self.spent) > 1:
            earlier = self.spent[-2]
            if last[0] > earlier[0]:
                # Not beyond the square: noise at small sizes would be taken for centuries at large ones.
                power = max(power, min(2.0, log(last[column] / earlier[column]) / log(last[0] / earlier[0])))
        return float(last[column] * (units / last[0]) ** power)

    def take_turn(self) -> None:
        runs = max(1, int(self.effort.slot / max(self.once, 1e-9)))
        found = self.processes[self.entry.package]("measure", self.entry.name, runs, self.workload.phases)
        for phase, seconds in found.items():
            self.costs.setdefault(phase, []).append(seconds / self.workload.units(self.size) * 1e9)

    def leave(self) -> Row:
        """End the size: what was found."""
        entry, workload = self.entry, self.workload
        if not self.failure:
            self.processes[entry.package]("drop", entry.name)
            if self.measures_memory:
                fresh = Contender(Host, entry.package)
                self.costs["bytes"] = [fresh("resident", entry, self.size) / workload.units(self.size)]
                fresh.close()
        return Row(entry.name, entry.package, self.size, self.costs, self.failure, entry.kind)

    @property
    def measures_memory(self) -> bool:
        return "build" in self.costs and self.workload.memory is not None and self.size >= self.workload.memory


def duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"


def compare(
    workload: Workload, effort: Effort, processes: Processes, entries: Sequence[Entry], tick: Callable[[], object]
) -> Iterator[list[Row]]:
    """Run a workload: the rows of each size. `tick` is called once for each entry and size, as they are done.

    Raises:
        AssertionError: fastgrad's entries do not agree. A peer that is wrong is a row that says so.
    """
    courses = [Course(entry, workload, effort, processes) for entry in entries]
    for size in effort.sizes(workload):
        expected = None
        for course in courses:
            found = course.enter(size, expected)
            expected = found if expected is None else expected
        racing = [course for course in courses if not course.failure]
        for number in range(max((course.rounds for course in racing), default=0)):
            for course in racing:
                if number < course.rounds:
                    course.take_turn()
        rows = []
        for course in courses:
            rows.append(course.leave())
            tick()
        yield rows


def slope(sizes: Sequence[float], totals: Sequence[float]) -> float:
    """The power of the size with which the totals grow: least squares on logarithms."""
    if len(sizes) < 2:
        return -inf
    xs, ys = [log(size) for size in sizes], [log(total) for total in totals]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    above = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    return above / sum((x - x_mean) ** 2 for x in xs)
