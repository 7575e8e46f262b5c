"""The comparison: workloads that every peer runs, checked for the same answer before any is timed.

A `Workload` has sizes and entries. An `Entry` names a package and creates, in a separate process for that package, a
`harness.Repeated` for a size: `run()` does the work once, and `answer()` does it and returns the value and the
gradients as numbers, which must agree with those of the first entry. All entries of a size take turns, round by
round, on one core. An entry takes part in a size if its times at the last size predict that it fits into the budget.

A workload is a module of `benchmarks.workloads` that ends in `WORKLOAD = Workload(...)`. Its programs are created by
classes and functions at the module's top level, because other processes import them. A program that is the same for
all peers is written once: see `benchmarks.peers`.
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
    """The peer does not take part, because it lacks a feature or takes too long; the message says which."""


@dataclass(frozen=True)
class Entry:
    """A contender of a workload.

    Attributes:
        name: as in the tables; the first word or words name the peer.
        package: the package to import, in whose process it runs.
        make: creates the program for a size, in that process.
        kind: what it is compared with: `EAGER` builds its graph in each run, `COMPILED` keeps a program or arrays,
            and the `FLOOR` is not a peer, but the machine's limit with plain numbers.
        largest: the largest size at which it takes part, if limited.
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
    """The common work of some entries.

    Attributes:
        name: for the command line.
        title: the heading of its table.
        about: what is computed, and what each kind of entry does in a run.
        sizes: of a full run; `quick`, of a quick one.
        size: what a size counts, as in "nodes".
        unit: the unit of costs, as in "node".
        units: the number of units in a run, by size.
        labels: names for sizes whose number says too little.
        entries: fastgrad's first, whose answer the others must match.
        phases: whether to time building, sweeping and freeing separately, for entries that can separate them.
        memory: the sizes from which on to measure the bytes of a built graph.
        slope_from: if given, the size from which on fastgrad's costs must grow linearly with the size (slope 1).
        tolerance: the tolerance of answers.
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
    """The costs of an entry at a size: nanoseconds (for "bytes", bytes) per unit, a number for each round."""

    entry: str
    package: str
    size: int
    costs: Mapping[str, Sequence[float]] = field(default_factory=dict)
    note: str = ""  # why there are none
    kind: Kind = COMPILED


@dataclass(frozen=True)
class Effort:
    """Limits on time, in seconds.

    Attributes:
        slot: the duration of an entry's turn in a round.
        rounds: how many turns each has; at least `fewest` if a run takes longer than a turn.
        budget: for all turns of an entry at a size, and again for preparing it and checking its answer.
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
        import_module(package)  # so that the first program's time does not include it
        self.programs: dict[str, Any] = {}

    def prepare(self, entry: Entry, size: int) -> float:
        """Create the program; returns the seconds."""
        start = perf_counter()
        self.programs[entry.name] = entry.make(size)
        return perf_counter() - start

    def answer(self, name: str) -> tuple[list[float], float]:
        """The value and the gradients, and the seconds of the first run, which has one-time costs."""
        start = perf_counter()
        found = self.programs[name].answer()
        return found, perf_counter() - start

    def measure(self, name: str, runs: int, phases: bool) -> dict[str, float]:
        """Seconds per run, in total and by phase."""
        program = self.programs[name]
        if phases and hasattr(program, "split"):
            found: dict[str, float] = program.split(runs)
            return {"run": sum(found.values()), **found}
        return {"run": program.measure(runs) / 1e6}

    def drop(self, name: str) -> None:
        program = self.programs.pop(name, None)
        if hasattr(program, "close"):
            program.close()
        del program  # so that what it kept alive is not collected while another is timed
        gc.collect()

    def resident(self, entry: Entry, size: int) -> float:
        """The growth of the process, in bytes, when it builds a graph and keeps it: in a new process."""
        program: Any = entry.make(size)
        before = resident_bytes()[0]
        graph = program.build()
        after = resident_bytes()[0]
        del graph
        return float(after - before)


class Processes:
    """A process for each package, started on first use and ended with the block."""

    def __init__(self) -> None:
        self._stack, self._hosts = ExitStack(), dict[str, Contender]()

    def __getitem__(self, package: str) -> Contender:
        if package not in self._hosts:
            host = Contender(Host, package)
            self._stack.callback(host.close)
            self._hosts[package] = host
        return self._hosts[package]

    def forget(self, package: str) -> None:
        """Note that the process has died, so that the next one is new."""
        self._hosts.pop(package, None)

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


# --- in the calling process


class Course:
    """One entry of a workload, from size to size."""

    def __init__(self, entry: Entry, workload: Workload, effort: Effort, processes: Processes) -> None:
        self.entry, self.workload, self.effort, self.processes = entry, workload, effort, processes
        self.spent: list[tuple[float, float, float]] = []  # the units; the seconds to prepare, and of a run
        self.failure = ""
        self.costs: dict[str, list[float]] = {}
        self.size, self.once, self.rounds = 0, 0.0, 0

    @cached_property
    def absent(self) -> bool:
        return not installed(self.entry.package)

    def enter(self, size: int, expected: Sequence[float] | None) -> list[float] | None:
        """Prepare the program of a size and check its answer, unless there is an objection."""
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
        except Exception as error:  # a peer's failure of any kind is a row
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
        """The reason why the entry does not take part; empty if it does."""
        if self.absent:
            return "not installed"
        if self.entry.largest is not None and size > self.entry.largest:
            return f"not run beyond {self.entry.largest:,}"
        if not self.spent:
            return self.failure  # an entry that failed at a size fails at larger ones
        if self.entry.ours:
            return ""
        preparing, once = self.predicted(1, size, 0.0), self.predicted(2, size, 1.0)
        if preparing > self.effort.budget or once * self.effort.fewest > self.effort.budget:
            return TOO_LONG.format(duration(preparing + once * self.effort.fewest))
        return ""

    def predicted(self, column: int, size: int, power: float) -> float:
        """Seconds at a larger size, if they grow as before, or with this power of the units if that is faster."""
        units, last = self.workload.units(size), self.spent[-1]
        if len(self.spent) > 1:
            earlier = self.spent[-2]
            if last[0] > earlier[0]:
                # At most the square: otherwise noise at small sizes would predict centuries at large ones.
                power = max(power, min(2.0, log(last[column] / earlier[column]) / log(last[0] / earlier[0])))
        return float(last[column] * (units / last[0]) ** power)

    def take_turn(self) -> None:
        runs = max(1, int(self.effort.slot / max(self.once, 1e-9)))
        found = self.processes[self.entry.package]("measure", self.entry.name, runs, self.workload.phases)
        for phase, seconds in found.items():
            self.costs.setdefault(phase, []).append(seconds / self.workload.units(self.size) * 1e9)

    def leave(self) -> Row:
        """End the size and return its row."""
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
    """Run a workload; returns the rows of each size. `tick` is called once for each entry and size.

    Raises:
        AssertionError: fastgrad's entries disagree. A wrong peer is a row that says so.
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
    """The power of the size with which the totals grow, by least squares on logarithms."""
    if len(sizes) < 2:
        return -inf
    xs, ys = [log(size) for size in sizes], [log(total) for total in totals]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    above = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    return above / sum((x - x_mean) ** 2 for x in xs)
