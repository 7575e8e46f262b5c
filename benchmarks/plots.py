"""The comparison as plots: the cost of a node or a step against the size, on logarithmic axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .comparison import EAGER, FLOOR
from .harness import spread
from .results import Found, Result, cost

#: A color for each peer, the same in every plot; fastgrad's stand out.
COLORS = {
    "fastgrad": "#b2182b", "fastgrad.reference": "#999999", "micrograd": "#8c510a", "autograd": "#01665e",
    "torch": "#e08214", "jax": "#2166ac", "casadi": "#762a83", "xad": "#1b7837", "numpy": "#4d4d4d",
    "builtins": "#4d4d4d",
}  # fmt: skip
MARKERS = "osD^v<>PX*"
FORMATS = ("svg", "png")


def write(result: Result, folder: Path, formats: Sequence[str] = FORMATS) -> Iterator[Path]:
    """Draw every workload; yields the files as they are written."""
    folder.mkdir(parents=True, exist_ok=True)
    for workload in result.workloads:
        figure = draw(workload)
        for suffix in formats:
            path = folder / f"{workload.name}.{suffix}"
            save(figure, path, result.about["date"])
            yield path


def save(figure: Any, path: Path, date: str) -> None:
    """Write a figure that says when its numbers were measured."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "fastgrad", "svg.fonttype": "none"}):
        figure.savefig(
            path, metadata={"Description": f"measured {date}"} | ({"Date": None} if path.suffix == ".svg" else {})
        )


def draw(found: Found) -> Any:
    """A curve for each entry if sizes can be compared, or bars if they are names."""
    figure, axes = _axes()
    if len(found.sizes) > 2 and all(found.units[size] == size for size in found.sizes):
        _curves(axes, found)
    else:
        _bars(axes, found)
    axes.set_title(plain(found.title), loc="left")
    return figure


def plain(markdown: str) -> str:
    return markdown.replace("`", "")


def _axes() -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.6, 5.0), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e5e5e5", linewidth=0.7)
    axes.set_axisbelow(True)
    return figure, axes


def _styles(found: Found) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each timed entry, its package's color, and the style of its line."""
    seen: dict[str, int] = {}
    for entry in found.entries:
        row = found.rows_of(entry)[0]
        if found.costs(entry):
            nth = seen[row.package] = seen.get(row.package, -1) + 1
            style = {EAGER: "solid", FLOOR: "dotted"}.get(row.kind, "dashed")
            wide = 2.4 if row.package == "fastgrad" else 1.3
            yield entry, COLORS[row.package], {"linestyle": style, "marker": MARKERS[nth], "linewidth": wide}


def _curves(axes: Any, found: Found) -> None:
    powers = {entry: f", slope {power:.2f}" for entry, phase, power in found.slopes() if phase == "run"}
    ends = []
    for entry, color, look in _styles(found):
        rows = [row for row in found.rows_of(entry) if row.costs]
        sizes, costs = [row.size for row in rows], [cost(row) for row in rows]
        low, high = zip(*(spread(row.costs["run"]) for row in rows), strict=True)
        axes.fill_between(sizes, low, high, color=color, alpha=0.15, linewidth=0)
        axes.plot(
            sizes,
            costs,
            color=color,
            markersize=4.5,
            label=f"{entry}{powers.get(entry, '')}".replace("`", ""),
            **look,
        )
        ends.append(costs[-1])
    axes.set(xscale="log", yscale="log", xlabel=found.size, ylabel=f"nanoseconds per {found.unit}")
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(ends)), key=lambda i: -ends[i])
    axes.legend(
        [handles[i] for i in order], [labels[i] for i in order], loc="center left", bbox_to_anchor=(1.0, 0.5),
        frameon=False, fontsize="small",
    )  # fmt: skip


def _bars(axes: Any, found: Found) -> None:
    styles = list(_styles(found))
    many = len(found.sizes) > 2
    places = range(len(found.sizes)) if many else range(len(styles))
    for nth, (entry, color, look) in enumerate(styles):
        costs = found.costs(entry)
        for index, size in enumerate(found.sizes):
            if size in costs:
                at = index if many else nth + 0.22 * (index - (len(found.sizes) - 1) / 2)
                low, high = spread(found.row(entry, size).costs["run"])
                axes.plot([low, high], [at, at], color=color, alpha=0.4, linewidth=4)
                filled = color if index == 0 or many else "white"
                label = plain(entry) if many and size == next(iter(costs)) else None
                axes.plot(
                    costs[size], at, look["marker"], color=color, markerfacecolor=filled, markersize=7, label=label
                )
    names = [plain(found.labels[size]) for size in found.sizes] if many else [plain(entry) for entry, *_ in styles]
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    key = ""
    if many:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize="small")
    elif len(found.sizes) > 1:
        key = " (filled: {}, hollow: {})".format(*map(plain, found.labels.values()))
    axes.set(xscale="log", xlabel=f"nanoseconds per {found.unit}{key}")
