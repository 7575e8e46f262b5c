"""The results of a comparison run, as JSON: the source for tables and plots in README and the documentation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from .comparison import COMPILED, EAGER, Kind, Row, Workload, slope

DIGITS = 4  # of each number: clocks are not more precise


@dataclass(frozen=True)
class Found:
    """One workload, with the texts of its tables, and its rows."""

    name: str
    title: str
    about: str
    size: str
    unit: str
    slope_from: int | None
    units: dict[int, float]  # the number of units, by size
    labels: dict[int, str]  # the name of a size
    rows: list[Row] = field(default_factory=list)

    @property
    def entries(self) -> list[str]:
        return list(dict.fromkeys(row.entry for row in self.rows))

    @property
    def sizes(self) -> list[int]:
        return list(dict.fromkeys(row.size for row in self.rows))

    @property
    def phases(self) -> list[str]:
        """The phases that were measured, besides whole runs."""
        return list(dict.fromkeys(phase for row in self.rows for phase in row.costs if phase != "run"))

    def row(self, entry: str, size: int) -> Row:
        return next(row for row in self.rows if (row.entry, row.size) == (entry, size))

    def costs(self, entry: str, phase: str = "run") -> dict[int, float]:
        """The medians by size, if there are any."""
        mine = (row for row in self.rows if row.entry == entry and phase in row.costs)
        return {row.size: median(row.costs[phase]) for row in mine}

    def fastest(self, kind: Kind, size: int, ours: bool) -> Row | None:
        """The fastest of fastgrad's own entries, or of the others'."""
        rows = [
            row
            for row in self.rows
            if row.kind == kind and row.size == size and row.costs and (row.package == "fastgrad") == ours
        ]
        return min(rows, key=cost, default=None)

    def duels(self) -> Iterator[tuple[Kind, int, Row, Row]]:
        """fastgrad against the fastest peer of each kind at each size."""
        kinds: tuple[Kind, Kind] = (EAGER, COMPILED)
        for kind in kinds:
            for size in self.sizes:
                ours, theirs = self.fastest(kind, size, True), self.fastest(kind, size, False)
                if ours and theirs:
                    yield kind, size, ours, theirs

    def slopes(self) -> Iterator[tuple[str, str, float]]:
        """For each of fastgrad's phases, the power of the size with which its total time grows."""
        if self.slope_from is None:
            return
        for entry in self.entries:
            if self.rows_of(entry)[0].package == "fastgrad":
                for phase in dict.fromkeys(phase for row in self.rows_of(entry) for phase in row.costs):
                    costs = {s: c for s, c in self.costs(entry, phase).items() if s >= self.slope_from}
                    if phase != "bytes" and len(costs) > 1:
                        totals = [self.units[size] * each for size, each in costs.items()]
                        yield entry, phase, slope([self.units[size] for size in costs], totals)

    def rows_of(self, entry: str) -> list[Row]:
        return [row for row in self.rows if row.entry == entry]


@dataclass(frozen=True)
class Result:
    """A run: the machine and the versions, its limits, and the results of each workload."""

    about: dict[str, str]
    limits: dict[str, list[float]]  # see `machine`: each by its name and unit
    workloads: list[Found]


def cost(row: Row) -> float:
    """The median of whole runs, in nanoseconds per unit."""
    return median(row.costs["run"])


def found(workload: Workload, rows: Sequence[Row]) -> Found:
    sizes = list(dict.fromkeys(row.size for row in rows))
    return Found(
        name=workload.name,
        title=workload.title,
        about=workload.about,
        size=workload.size,
        unit=workload.unit,
        slope_from=workload.slope_from,
        units={size: workload.units(size) for size in sizes},
        labels={size: workload.label(size) for size in sizes},
        rows=list(rows),
    )


def as_json(result: Result) -> str:
    """One line for each row of a table, so that a committed result can be read and compared."""
    plain = asdict(result)
    rows = {workload["name"]: workload.pop("rows") for workload in plain["workloads"]}
    for workload in plain["workloads"]:
        workload["rows"] = f"<{workload['name']}>"
    text = json.dumps(_rounded(plain), indent=1)
    for name, each in rows.items():
        lines = ",\n".join(f"   {json.dumps(_rounded(row))}" for row in each)
        text = text.replace(f'"<{name}>"', f"[\n{lines}\n  ]")
    return text + "\n"


def from_json(text: str) -> Result:
    plain = json.loads(text)
    return Result(plain["about"], plain["limits"], [_found(workload) for workload in plain["workloads"]])


def _found(plain: dict[str, Any]) -> Found:
    rows = [Row(**row) for row in plain.pop("rows")]
    for name in ("units", "labels"):
        plain[name] = {int(size): each for size, each in plain[name].items()}
    return Found(**plain, rows=rows)


def _rounded(item: Any) -> Any:
    each: Callable[[Any], Any] = _rounded
    match item:
        case float():
            return float(f"{item:.{DIGITS}g}")
        case dict():
            return {key: each(value) for key, value in item.items()}
        case list() | tuple():
            return [each(value) for value in item]
    return item
