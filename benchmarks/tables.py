"""The comparison as tables: for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from .comparison import COMPILED, EAGER, FLOOR, Kind, Row
from .harness import rounded, spread
from .results import Found, Result, cost

Table = list[list[str]]
KINDS: dict[Kind, str] = {
    EAGER: "built anew in each run",
    COMPILED: "compiled once, or arrays",
    FLOOR: "the floor: no graph",
}
UNITS = (("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9))
SLOPE, TOLERANCE = 1.0, 0.03


def time(nanoseconds: float) -> str:
    """The time, in a readable unit."""
    name, scale = next(
        ((name, scale) for name, scale in UNITS if nanoseconds < 999.5 * scale or name == "s"), UNITS[-1]
    )
    return f"{rounded(nanoseconds / scale)} {name}"


def times(quotient: float) -> str:
    return f"{rounded(quotient)}x"


def cell(row: Row, ours: Row | None) -> str:
    """The median, the quartiles, and the ratio to the time of fastgrad's best entry of that kind."""
    if not row.costs:
        return row.note
    low, high = spread(row.costs["run"])
    text = f"{time(cost(row))} ({time(low)} to {time(high)})"
    if ours is None or row.package == "fastgrad" or row.kind == FLOOR:
        return text
    return f"{text}, {times(cost(row) / cost(ours))}"


def main_table(found: Found) -> Table:
    """A row for each entry, a column for each size."""
    kinds = {entry: found.rows_of(entry)[0].kind for entry in found.entries}
    table = [[f"time per {found.unit}", *heads(found)]]
    for kind, words in KINDS.items():
        entries = [entry for entry in found.entries if kinds[entry] == kind]
        if entries and len(set(kinds.values())) > 1:
            table.append([f"*{words}*", *[""] * len(found.sizes)])
        for entry in entries:
            best = [found.fastest(kind, size, ours=True) for size in found.sizes]
            rows = [found.row(entry, size) for size in found.sizes]
            table.append([entry, *(cell(row, ours) for row, ours in zip(rows, best, strict=True))])
    return table


def heads(found: Found) -> list[str]:
    return [found.labels[size] for size in found.sizes]


def phase_tables(found: Found) -> Iterator[Table]:
    """A table each for building, sweeping, freeing and bytes, with the entries that can separate them."""
    for phase in found.phases:
        unit = f"bytes per {found.unit}" if phase == "bytes" else f"{phase}, ns per {found.unit}"
        sizes = [size for size in found.sizes if any(size in found.costs(entry, phase) for entry in found.entries)]
        table = [[unit, *(found.labels[size] for size in sizes)]]
        for entry in found.entries:
            costs = found.costs(entry, phase)
            if costs:
                table.append([entry, *(rounded(costs[size]) if size in costs else "" for size in sizes)])
        yield table


def verdict(found: Found) -> list[str]:
    """Where fastgrad is ahead of the fastest peer, and where it is not."""
    duels = list(found.duels())
    behind = [
        f"{found.labels[size]}: {theirs.entry} takes {time(cost(theirs))}, {ours.entry} {time(cost(ours))}"
        for _, size, ours, theirs in duels
        if cost(theirs) < cost(ours)
    ]
    lines = []
    for kind, words in KINDS.items():
        won = [cost(theirs) / cost(ours) for k, _, ours, theirs in duels if k == kind and cost(ours) <= cost(theirs)]
        if won:
            most = f" to {times(max(won))}" if len(won) > 1 else ""
            met = sum(each == kind for each, *_ in duels)
            where = "everywhere" if len(won) == met else f"in {len(won)} of {met} columns"
            lines.append(
                f"{words.capitalize()}: fastgrad is ahead of the fastest peer {where}, {times(min(won))}{most}."
            )
    if behind:
        lines.append(f"**fastgrad is not ahead** at {'; '.join(behind)}.")
    return lines


def slopes(found: Found) -> list[str]:
    """The slopes of the total times, and whether they are 1."""
    if found.slope_from is None:
        return []
    parts = [
        f"{entry}, {phase}: {power:.3f}{'' if abs(power - SLOPE) <= TOLERANCE else ' (NOT linear)'}"
        for entry, phase, power in found.slopes()
    ]
    target = f"{SLOPE:.2f} +- {TOLERANCE}"
    start = f"from {found.slope_from:,} {found.size} on"
    return (
        [f"Slope of the total time against the size, {start} (target {target}): {'; '.join(parts)}."] if parts else []
    )


def text(found: Found) -> str:
    """The text for a terminal."""
    parts = [found.title, _aligned(main_table(found))]
    parts += map(_aligned, phase_tables(found))
    return "\n".join([*parts, *(line.replace("**", "") for line in verdict(found)), *slopes(found)])


def markdown(found: Found) -> str:
    """The section of a page."""
    parts = [f"## {found.title}", found.about, _piped(main_table(found))]
    parts += map(_piped, phase_tables(found))
    return "\n\n".join([*parts, *verdict(found), *slopes(found)])


def page(result: Result) -> str:
    """All workloads of a run."""
    about = [f"- {key}: {words}" for key, words in result.about.items()]
    limits = [f"- {name}: {rounded(median(rounds))}" for name, rounds in result.limits.items()]
    parts = ["# Benchmarks", "\n".join(about), "The machine's own limits:", "\n".join(limits)]
    return "\n\n".join([*parts, *map(markdown, result.workloads)]) + "\n"


def _aligned(table: Sequence[Sequence[str]]) -> str:
    table = [[cell.strip("*`") for cell in row] for row in table]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _piped(table: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in table]
    lines.insert(1, "|---" * len(table[0]) + "|")
    return "\n".join(lines)
