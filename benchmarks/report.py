"""The reports as a table, as Markdown and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .harness import Figure, Report, installed

Facts = dict[str, str]
HEADER = ("figure", "target", "measured", "met")


def facts(affinity: str) -> Facts:
    """The machine, the Python and the versions that the numbers belong to."""
    found = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "run": affinity,
        "Python": f"{platform.python_implementation()} {platform.python_version()} ({platform.python_compiler()})",
    }
    for package in ("fastgrad", "numpy", "micrograd", "autograd", "torch", "jax", "casadi", "xad"):
        found[package] = version(package) if installed(package) else "not installed"
    return found


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown processor")


def _row(figure: Figure) -> tuple[str, str, str, str]:
    met = {True: "yes", False: "NO", None: ""}[figure.met]
    return figure.name, figure.target, figure.measured, met


def table(report: Report) -> str:
    """The report as text for a terminal."""
    rows = [HEADER, *map(_row, report.figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([report.title, *lines, *report.notes])


def markdown(reports: Sequence[Report], about: Facts) -> str:
    lines = [
        "# Targets",
        "",
        "The figures that the project holds itself to: medians of the rounds, with the quartiles in parentheses. The",
        "[comparison](benchmarks.md) has all peers and more sizes.",
        "",
    ]
    lines += [f"- {key}: {text}" for key, text in about.items()]
    for report in reports:
        lines += ["", f"## {report.title}", "", _markdown_row(HEADER), "|---|---|---|---|"]
        lines += [_markdown_row(_row(figure)) for figure in report.figures]
        lines += ["", *report.notes] if report.notes else []
    return "\n".join(lines) + "\n"


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def as_json(reports: Sequence[Report], about: Facts) -> str:
    found: dict[str, Any] = {"about": about, "benchmarks": []}
    for report in reports:
        figures = [
            {
                "figure": figure.name,
                "target": figure.target,
                "unit": figure.unit.strip(),
                "median": figure.median,
                "rounds": list(figure.rounds),
                "text": figure.text,
                "met": figure.met,
            }
            for figure in report.figures
        ]
        found["benchmarks"].append({"title": report.title, "figures": figures, "notes": report.notes})
    return json.dumps(found, indent=2) + "\n"
