"""The machinery of the benchmarks with a tiny workload, and README's numbers against the committed result."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from fastgrad import cli
from fastgrad.benchmarks import cli as command
from fastgrad.benchmarks import comparison, machine, plots, results, tables
from fastgrad.benchmarks.comparison import COMPILED, EAGER, FLOOR, Effort, Entry, Row, Workload
from fastgrad.benchmarks.harness import Repeated
from support.paths import ROOT

TINY = Effort(slot=1e-4, rounds=3, budget=1.0, quick=True)


class Power(Repeated):
    """2 to the power of the size, and its derivative, right or wrong."""

    def __init__(self, error: float, size: int) -> None:
        self.size, self.error = size, error

    def run(self) -> tuple[float, float]:
        return 2.0**self.size, self.size * 2.0 ** (self.size - 1) * (1.0 + self.error)

    def answer(self) -> list[float]:
        return [*self.run()]

    def split(self, runs: int) -> dict[str, float]:
        return {"build": 2e-9 * self.size, "sweep": 1e-9 * self.size}


def refuse(size: int) -> Repeated:
    raise RuntimeError(f"cannot do {size}")


WORKLOAD = Workload(
    name="powers",
    title="Powers `2**n`",
    about="Nothing that takes time.",
    sizes=[1, 10, 100],
    quick=[1, 10],
    size="n",
    unit="power",
    phases=True,
    slope_from=1,
    entries=[
        Entry("fastgrad", "fastgrad", partial(Power, 0.0), EAGER),
        Entry("exact", "numpy", partial(Power, 1e-12), EAGER),
        Entry("wrong", "numpy", partial(Power, 1e-6), EAGER),
        Entry("broken", "numpy", refuse),
        Entry("small", "numpy", partial(Power, 0.0), largest=1),
        Entry("absent", "no_such_package", partial(Power, 0.0)),
        Entry("floor", "builtins", partial(Power, 0.0), FLOOR),
    ],
)


class Here:
    """Stands for a process, but runs in this one, to test the machinery without processes."""

    def __init__(self, host: comparison.Host) -> None:
        self.host = host

    def __call__(self, method: str, *arguments: Any) -> Any:
        return getattr(self.host, method)(*arguments)


class Nearby(comparison.Processes):
    """Starts no processes."""

    def __getitem__(self, package: str) -> Any:
        return self._hosts.setdefault(package, Here(comparison.Host(package)))  # type: ignore[arg-type]


def compare(workload: Workload, tick: Callable[[], object] = lambda: None) -> list[Row]:
    rounds: Iterator[list[Row]] = comparison.compare(workload, TINY, Nearby(), workload.entries, tick)
    return [row for rows in rounds for row in rows]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return compare(WORKLOAD)


@pytest.fixture(scope="module")
def result(rows: list[Row]) -> results.Result:
    about = {"date": "2026-01-02T03:04:05+00:00", "machine": "this one", "Python": "CPython"}
    return results.Result(about, {"a limit, ns": [1.0, 2.0, 4.0]}, [results.found(WORKLOAD, rows)])


def row(rows: Sequence[Row], entry: str, size: int) -> Row:
    return next(row for row in rows if (row.entry, row.size) == (entry, size))


def test_a_peer_with_the_same_result_is_timed_in_each_round(rows):
    for entry in ("fastgrad", "exact", "floor"):
        for size in WORKLOAD.quick:
            costs = row(rows, entry, size).costs
            assert {phase: len(rounds) for phase, rounds in costs.items()} == {"run": 3, "build": 3, "sweep": 3}
            assert costs["build"] == pytest.approx([2.0] * 3)


@pytest.mark.parametrize(
    ("entry", "size", "note"),
    [
        ("wrong", 1, "wrong: number 1 is 1.000001, not 1.0"),
        ("wrong", 10, "wrong: number 1 is 1.000001, not 1.0"),
        ("broken", 1, "RuntimeError: cannot do 1"),
        ("small", 10, "not run beyond 1"),
        ("absent", 1, "not installed"),
    ],
)
def test_a_peer_without_the_same_result_is_a_row_that_says_why(rows, entry, size, note):
    found = row(rows, entry, size)
    assert (found.note, found.costs) == (note, {})


def test_a_wrong_answer_of_our_own_is_an_error():
    entries = [WORKLOAD.entries[0], Entry("fastgrad, wrong", "fastgrad", partial(Power, 1e-6), EAGER)]
    with pytest.raises(AssertionError, match=r"wrong: number 1 is 1\.000001, not 1\.0"):
        compare(replace(WORKLOAD, entries=entries))


def test_each_entry_and_size_is_counted_once():
    ticks: list[None] = []
    compare(replace(WORKLOAD, entries=WORKLOAD.entries[:3]), tick=lambda: ticks.append(None))
    assert len(ticks) == 3 * len(WORKLOAD.quick)


def course(spent: list[tuple[float, float, float]]) -> comparison.Course:
    made = comparison.Course(WORKLOAD.entries[1], WORKLOAD, comparison.FULL, Nearby())
    made.spent = spent
    return made


@pytest.mark.parametrize(
    ("spent", "size", "objection"),
    [
        ([(1.0, 0.1, 0.001)], 100, ""),
        ([(1.0, 0.1, 0.1)], 100, "not run: would take about 30 s"),
        ([(1.0, 0.01, 0.001), (10.0, 0.01, 0.1)], 100, "not run: would take about 30 s"),  # grows with the square
        ([(1.0, 0.1, 1e-6), (10.0, 1.0, 1e-6)], 100, "not run: would take about 10 s"),  # compiling grows
        ([(1.0, 0.1, 10.0)], 1000, "not run: would take about 8 h"),
    ],
)
def test_a_peer_that_would_take_too_long_is_not_run(spent, size, objection):
    assert course(spent).objection(size) == objection


def test_the_slope_is_the_power_that_costs_grow_with():
    assert comparison.slope([1.0, 10.0, 100.0], [3.0, 30.0, 300.0]) == pytest.approx(1.0)
    assert comparison.slope([1.0, 10.0, 100.0], [3.0, 300.0, 30000.0]) == pytest.approx(2.0)


def timed(entry: str, package: str, size: int, nanoseconds: float, kind: comparison.Kind = EAGER) -> Row:
    return Row(entry, package, size, {"run": [nanoseconds] * 3}, "", kind)


def test_the_verdict_names_where_we_are_behind():
    rows = [timed("fastgrad", "fastgrad", 1, 20.0), timed("fastgrad", "fastgrad", 10, 20.0)]
    rows += [timed("theirs", "numpy", 1, 10.0), timed("theirs", "numpy", 10, 60.0), timed("slow", "numpy", 10, 90.0)]
    assert tables.verdict(results.found(WORKLOAD, rows)) == [
        "Built anew in each run: fastgrad is ahead of the fastest peer in 1 of 2 columns, 3.00x.",
        "**fastgrad is not ahead** at 1 n: theirs takes 10.0 ns, fastgrad 20.0 ns.",
    ]


def test_only_what_is_alike_is_compared():
    rows = [timed("fastgrad", "fastgrad", 1, 20.0), timed("theirs", "numpy", 1, 10.0, COMPILED)]
    assert tables.verdict(results.found(WORKLOAD, rows)) == []


@pytest.mark.parametrize(("last", "said"), [(1000.0, "fastgrad, run: 1.000."), (3000.0, "1.239 (NOT linear).")])
def test_a_slope_that_does_not_fit_is_reported(last, said):
    rows = [timed("fastgrad", "fastgrad", 10**power, cost) for power, cost in ((1, 1000.0), (2, 1000.0), (3, last))]
    (line,) = tables.slopes(results.found(WORKLOAD, rows))
    assert line.endswith(said)


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(0.1234, "0.123 ns"), (999.0, "999 ns"), (999.6, "1.00 us"), (12_345.0, "12.3 us"), (5.4e9, "5.40 s")],
)
def test_times_have_readable_units(nanoseconds, text):
    assert tables.time(nanoseconds) == text


def test_json_gives_back_what_was_written(result):
    text = results.as_json(result)
    again = results.from_json(text)
    assert results.as_json(again) == text
    assert [w.units for w in again.workloads] == [{1: 1.0, 10: 10.0}]
    assert again.workloads[0].rows[0].entry == "fastgrad"


def test_markdown_has_every_entry_and_its_note(result):
    page = tables.page(result)
    assert "| time per power | 1 n | 10 n |" in page
    assert "| absent | not installed | not installed |" in page
    assert "| fastgrad | 2.00 | 2.00 |" in page  # building alone


def test_plots_are_written_and_dated(result, tmp_path):
    pytest.importorskip("matplotlib", reason="of the bench extra")
    svg, png = plots.write(result, tmp_path)
    assert "measured 2026-01-02T03:04:05+00:00" in svg.read_text()
    assert png.read_bytes().startswith(b"\x89PNG")


# ---- the command line ------------------------------------------------------------------------------------------


def test_the_list_names_workloads_and_peers(capsys):
    assert cli.main(["bench", "--list"]) == 0
    printed = capsys.readouterr().out
    for name in ("chain", "random_graph", "fastgrad.reference", "xad", "1,000 nodes to 10,000,000 nodes"):
        assert name in printed


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["chains"], "there is no chains: choose from operators, chain"),
        (["--targets", "products"], "there is no products: choose from operators, chain"),
        (["--peers", "aadc"], "there is no peer aadc: choose from fastgrad.reference, micrograd"),
    ],
)
def test_unknown_names_are_errors(argv, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["bench", *argv])
    assert message in capsys.readouterr().err


def test_a_run_prints_and_writes(monkeypatch, tmp_path, capsys):
    pytest.importorskip("tqdm", reason="of the bench extra")
    monkeypatch.setattr(command, "WORKLOADS", {"powers": WORKLOAD})
    monkeypatch.setattr(command, "QUICK", TINY)
    monkeypatch.setattr(command, "Processes", Nearby)
    monkeypatch.setattr(command, "pin", lambda: "not pinned")
    monkeypatch.setattr(command.machine, "limits", lambda effort: {"a limit, ns": [1.0]})
    files = {name: tmp_path / f"found.{name}" for name in ("json", "markdown")}
    options = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    assert command.main(["--quick", "--peers", "numpy", *options]) == 0
    assert "Powers `2**n`" in capsys.readouterr().out
    found = results.from_json(files["json"].read_text())
    assert found.workloads[0].entries == ["fastgrad", "exact", "wrong", "broken", "small", "floor"]
    assert "## Powers" in files["markdown"].read_text()


def test_the_limits_of_the_machine_are_found():
    found = machine.Limits(numbers=1000, rows=8).measure()
    assert len(found) == 5
    assert all(map(math.isfinite, found.values()))


# ---- the report of a run ---------------------------------------------------------------------------------------


def test_readme_and_documentation_say_what_the_committed_result_says():
    done = subprocess.run(
        [sys.executable, ROOT / "tools/comparison.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
