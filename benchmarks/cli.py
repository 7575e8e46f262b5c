"""The command line of the benchmarks: list them, run them, and write their results."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from . import machine, report, tables
from .comparison import FULL, QUICK, Effort, Entry, Processes, Workload, compare
from .harness import bar, installed, pin
from .results import Result, as_json, found
from .targets import TARGETS
from .workloads import WORKLOADS

#: The module to import, its distribution, and a description.
PEERS = {
    "fastgrad.reference": ("fastgrad", "the same engine in pure Python"),
    "micrograd": ("micrograd", "where the interface comes from"),
    "autograd": ("autograd", "NumPy, differentiated"),
    "torch": ("torch", "PyTorch, on one thread, in float64"),
    "jax": ("jax", "JAX, on one thread of the CPU, in float64"),
    "casadi": ("casadi", "CasADi's scalars, SX"),
    "xad": ("xad", "XAD's tape"),
    "numpy": ("numpy", "the floor: derivatives by hand"),
}
INSTALL = 'pip install "fastgrad[bench]"'


def main(argv: Sequence[str] | None = None, prog: str = "fastgrad bench") -> int:
    """Run the command and return its exit status."""
    parser = _parser(prog)
    options = parser.parse_args(argv)
    if options.list:
        print(listing())
        return 0
    known: Mapping[str, object] = TARGETS if options.targets else WORKLOADS
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}: choose from {', '.join(known)}")
    names = [name for name in known if name in (options.names or known)]
    strangers = [peer for peer in options.peers or () if peer not in PEERS]
    if strangers:
        parser.error(f"there is no peer {', '.join(strangers)}: choose from {', '.join(PEERS)}")
    needed = ["tqdm", *(["matplotlib"] if options.plots else [])]
    absent = [package for package in needed if not installed(package)]
    if absent:
        parser.error(f"{' and '.join(absent)} must be installed: {INSTALL}")
    if options.targets:
        _run_targets(names, options)
    else:
        _run_workloads([WORKLOADS[name] for name in names], options)
    return 0


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Time fastgrad and its peers at the same work, after checking that they find the same numbers.",
    )
    parser.add_argument("names", nargs="*", metavar="name", help="workloads to run; by default all")
    parser.add_argument("--list", action="store_true", help="list the workloads, and which peers are installed")
    parser.add_argument("--peers", type=lambda text: text.split(","), metavar="A,B", help="run these peers alone")
    parser.add_argument("--quick", action="store_true", help="less than a minute: small sizes, few rounds")
    parser.add_argument("--targets", action="store_true", help="measure the project's own figures instead")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round as JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables as Markdown")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="draw the plots, as SVG and PNG")
    return parser


def listing() -> str:
    """The workloads and the peers as text."""
    lines = ["workloads"]
    for workload in WORKLOADS.values():
        ends = [workload.label(size) for size in dict.fromkeys((workload.sizes[0], workload.sizes[-1]))]
        lines.append(f"  {workload.name:20}{workload.title.replace('`', '')}: {' to '.join(ends).replace('`', '')}")
    lines += ["", "peers"]
    for package, (distribution, about) in PEERS.items():
        state = version(distribution) if installed(package) else "not installed"
        lines.append(f"  {package:20}{state:16}{about}")
    lines += ["", f"the project's own figures (--targets): {', '.join(TARGETS)}"]
    if not all(map(installed, PEERS)):
        lines += ["", f"all peers: {INSTALL}"]
    return "\n".join(lines)


def run(
    workloads: Sequence[Workload], effort: Effort, peers: Sequence[str] | None = None, about: str = "not pinned"
) -> Iterator[Result]:
    """Run the workloads; yields the results so far after each.

    Args:
        workloads: any workloads, such as those of `benchmarks.workloads`.
        effort: `FULL` or `QUICK`.
        peers: packages to compare with fastgrad; by default all that are installed.
        about: how the process was kept on a core, for the record.
    """
    result = Result(report.facts(about), machine.limits(effort), [])
    chosen = {workload.name: _chosen(workload.entries, peers) for workload in workloads}
    total = sum(len(effort.sizes(workload)) * len(chosen[workload.name]) for workload in workloads)
    with Processes() as processes, bar(total) as progress:
        for workload in workloads:
            progress.set_description(workload.name)
            rounds = compare(workload, effort, processes, chosen[workload.name], progress.update)
            result.workloads.append(found(workload, [row for rows in rounds for row in rows]))
            progress.clear()  # the printed text takes its place
            yield result


def _chosen(entries: Sequence[Entry], peers: Sequence[str] | None) -> list[Entry]:
    return [entry for entry in entries if peers is None or entry.package in ("fastgrad", "builtins", *peers)]


def _run_workloads(workloads: Sequence[Workload], options: Any) -> None:
    for result in run(workloads, QUICK if options.quick else FULL, options.peers, pin()):
        print(f"\n{tables.text(result.workloads[-1])}", flush=True)
        if options.json:  # each time, so that an interrupted run keeps its results
            options.json.write_text(as_json(result), encoding="utf-8")
    if options.markdown:
        options.markdown.write_text(tables.page(result), encoding="utf-8")
    if options.plots:
        from . import plots

        for path in plots.write(result, options.plots):
            print(f"wrote {path}", file=sys.stderr)


def _run_targets(names: Sequence[str], options: Any) -> None:
    about = report.facts(pin())
    print("\n".join(f"{key}: {text}" for key, text in about.items()))
    reports = []
    for name in names:
        reports.append(TARGETS[name](options.quick))
        print(f"\n{report.table(reports[-1])}", flush=True)
    if options.json:
        options.json.write_text(report.as_json(reports, about), encoding="utf-8")
    if options.markdown:
        options.markdown.write_text(report.markdown(reports, about), encoding="utf-8")
