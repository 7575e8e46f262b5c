"""Try each fault, count how often, and write the losses into docs/reliability.md.

    python tools/faults.py

runs the tests that inject faults, and `tools/endurance.py`. It writes how often each fault was tried and what was
lost to `docs/results/faults.json`, and generates the page's table from it; it stops if a test fails or is skipped.
`--check` only compares the page, the file and the names of the tests, and exits with 1 if they disagree. Needs Linux,
a CPython that includes its own tests, and fastgrad with the checks of its store: `pip install '.[test]' -C
cmake.define.FASTGRAD_CHECKS=ON`.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
PAGE, RESULT = ROOT / "docs/reliability.md", ROOT / "docs/results/faults.json"
BEGIN, END = "<!-- faults: written by tools/faults.py -->", "<!-- end of faults -->"

GRAPHS, STATES = "tests/ir/test_hostile_graph_files.py", "tests/io/test_hostile_state_files.py"
MEMORY, INTERRUPTIONS = "tests/reliability/test_out_of_memory.py", "tests/reliability/test_interruptions.py"
ERRORS, CUSTOM, LIFETIME = (f"tests/engine/test_{name}.py" for name in ("errors", "custom_operations", "lifetime"))
PROCESSES, THREADS = "tests/reliability/test_processes.py", "tests/reliability/test_threads.py"
BATCHES, JIT = "tests/run/test_batches.py", "tests/compile/test_jit_lifetime.py"
ENDURANCE = "tests/support/endurance.py"

REFUSED = "nothing: refused, or read as what was saved"
DONE = "nothing: right results, exit code 0, no message"


@dataclass(frozen=True)
class Fault:
    """A row: a fault, how it is injected, and the tests in a file that do so."""

    what: str
    how: str
    file: str
    tests: tuple[str, ...]
    #: What the tests assert, if none of them counts nodes.
    lost: str = DONE
    rounds: int = 1

    def names(self) -> list[str]:
        return [f"{self.file}::{test}" for test in self.tests]


FAULTS = [
    Fault(
        "a saved graph, cut short",
        "after each byte: as it is, and with size and checksum that fit",
        GRAPHS,
        ("test_every_truncation_is_refused",),
    ),
    Fault(
        "a saved graph, a byte changed",
        "each bit flipped, 0 and 255 for each byte: all refused by the checksum; again behind a checksum that fits",
        GRAPHS,
        ("test_every_changed_byte_is_noticed_or_harmless",),
    ),
    Fault(
        "a saved graph, a huge number in it",
        "10^7 to 2^64 - 1 at each place, behind a checksum that fits",
        GRAPHS,
        ("test_huge_numbers_everywhere",),
    ),
    Fault(
        "a saved graph, a count that is not true",
        "0, one off, 2^32 - 1, products that overflow",
        GRAPHS,
        ("test_counts_that_are_not_true",),
    ),
    Fault(
        "a saved graph, written with intent",
        "indices of itself, of what comes later, of nothing; unknown operations, versions, options; wrong arity; "
        "inputs missing or twice; no outputs",
        GRAPHS,
        ("test_hostile_bytes_are_refused_with_a_reason",),
    ),
    Fault(
        "a saved graph, changed at random, or of random bytes",
        "hypothesis",
        GRAPHS,
        ("test_random_changes", "test_random_bytes"),
        lost="nothing: refused, or run in every way",
    ),
    Fault(
        "a saved graph, as the fuzzer left it",
        "one file for each way through the reader that 10^8 runs of `tools/fuzz_graph_file.cpp` found",
        GRAPHS,
        ("test_what_fuzzing_found",),
    ),
    Fault(
        "a small saved graph that claims much",
        "2^28 to 2^64 - 1 at each place, where 64 MiB are left",
        GRAPHS,
        ("test_a_small_file_cannot_ask_for_much_memory",),
        lost="nothing: no `MemoryError`",
    ),
    Fault(
        "a saved graph of 10^7 operations in a chain, 90 MB",
        "loaded where 50 MiB are left: a `MemoryError`; then loaded, run and differentiated within 400 MiB",
        GRAPHS,
        ("test_a_chain_of_ten_million",),
        lost="0 nodes",
    ),
    Fault("a saved state, cut short", "after each byte", STATES, ("test_every_truncation_is_refused",), lost=REFUSED),
    Fault(
        "a saved state, a byte changed",
        "each bit flipped, and all of a byte; loaded as it is, and into a model",
        STATES,
        ("test_every_changed_byte_is_noticed_or_harmless", "test_damage_changes_nothing_in_the_objects"),
        lost=REFUSED,
    ),
    Fault(
        "a saved state, a huge number or a count that is not true",
        "10^7 and 2^64 - 1 at each place; 0 and 2^32 - 1 in the archive's directory, which no checksum covers",
        STATES,
        ("test_huge_numbers_everywhere", "test_counts_in_the_directory"),
        lost=REFUSED,
    ),
    Fault(
        "a saved state, written with intent",
        "other types and shapes; parts missing, twice, in one place, or of another name; deep nesting; "
        "pickled objects; zip bombs; bytes around it",
        STATES,
        (
            "test_hostile_bytes_are_refused_with_a_reason",
            "test_pickle_is_not_executed",
            "test_two_parts_of_one_name_are_refused",
            "test_two_parts_in_one_place_are_refused",
            "test_bombs_are_refused",
            "test_what_stands_around_an_archive_is_refused_or_ignored",
        ),
        lost=REFUSED,
    ),
    Fault(
        "a saved state, changed at random, or of random bytes and trees",
        "hypothesis",
        STATES,
        ("test_random_changes", "test_random_bytes", "test_random_trees"),
        lost=REFUSED,
    ),
    Fault(
        "a small saved state that claims much",
        "2^28 and 2^61 + 1 at each place, where 64 MiB are left",
        STATES,
        ("test_a_small_file_cannot_ask_for_much_memory",),
        lost="nothing: no `MemoryError`",
    ),
    Fault(
        "an allocation of the native module fails",
        "each in turn, alone and with all that follow, in the programs of `tests/support/scenarios.py`: from a "
        "labeled leaf to batches on threads",
        MEMORY,
        ("test_each_allocation_fails_in_turn",),
    ),
    Fault(
        "no page is left while a graph grows",
        "a chain, leaves, ever longer sums",
        MEMORY,
        ("test_pages_run_out_while_a_chain_grows",),
    ),
    Fault(
        "an allocation of Python's fails",
        "each in turn, in operations, labels, sequences, custom operations and sweeps: `_testcapi.set_nomemory`",
        MEMORY,
        ("test_the_python_allocator_fails_in_turn",),
        lost="0 nodes",
    ),
    Fault(
        "Ctrl-C",
        "a signal in a sweep, traversals, a copy, a pickle, a capture and its passes, saving and loading, replays",
        INTERRUPTIONS,
        ("test_store_is_as_it_was_after_an_interruption_of",),
        rounds=10,
    ),
    Fault(
        "Ctrl-C at a known place, or with a handler that goes on",
        "`PyErr_SetInterrupt` in a sweep, and in one inside of another; a handler that sweeps and builds",
        INTERRUPTIONS,
        (
            "test_pending_interrupt_stops_a_sweep_at_its_second_chunk",
            "test_interrupted_sweep_inside_of_a_sweep_ends_both",
            "test_handler_that_raises_nothing_may_sweep_and_build_while_the_sweep_waits",
        ),
    ),
    Fault(
        "an exception in a custom operation's `_backward`",
        "raised in the middle of a sweep; the next one must be right",
        ENDURANCE,
        ("fail_in_a_closure",),
    ),
    Fault(
        "a wrong operand, argument or assignment",
        "eight kinds in turn, each in the middle of an expression",
        ENDURANCE,
        ("fail",),
    ),
    Fault(
        "mistakes that have an error message of their own, and expressions that fail half-way",
        "each three times",
        ERRORS,
        ("test_message", "test_failing_expression_leaves_no_nodes_behind"),
    ),
    Fault(
        "graphs that come and go",
        "subclasses, custom operations with and without closures in cycles, sequences, captures",
        ENDURANCE,
        ("build_and_drop",),
    ),
    Fault(
        "a graph of 10^7 nodes is freed",
        "built, swept and dropped; it may keep 5 % of the memory that it took",
        LIFETIME,
        ("test_ten_million_nodes_are_built_swept_copied_freed_and_their_memory_used_again",),
    ),
    Fault(
        "a chain of 10^6 nodes on a stack of 64 KiB",
        "in a thread: built, swept, copied, pickled, drawn, captured, freed",
        LIFETIME,
        ("test_deep_chain_on_a_small_stack",),
    ),
    Fault(
        "a chain of 100,000 closures",
        "that name their output, in cycles, or not",
        CUSTOM,
        ("test_deep_chain_of_closures_dies_without_recursion",),
    ),
    Fault(
        "finalizers and weak references",
        "that look at the graph, or keep what dies",
        LIFETIME,
        (
            "test_finalizer_of_a_subclass_may_look_at_the_graph",
            "test_finalizer_of_a_subclass_may_keep_the_object",
            "test_weak_references_die_with_the_object",
            "test_callback_of_a_weak_reference_may_look_at_the_graph",
        ),
    ),
    Fault(
        "threads, which take turns every 5 us",
        "four to eight do all of `tests/support/scenarios.py` at once, share leaves, sweep the same graph, hand "
        "Values on, capture what others use",
        THREADS,
        (
            "test_each_thread_has_graphs_of_its_own",
            "test_everything_at_once",
            "test_threads_share_leaves",
            "test_a_value_that_one_thread_made_is_used_and_dropped_by_others",
            "test_threads_sweep_the_same_graph",
            "test_one_graph_is_captured_and_run_while_others_build",
            "test_a_run_sees_one_number_of_each_leaf",
        ),
        rounds=10,
    ),
    Fault(
        "threads in custom operations",
        "two sweeps overlap in their closures",
        LIFETIME,
        ("test_sweeps_of_two_threads_may_overlap_in_their_closures",),
        rounds=10,
    ),
    Fault(
        "threads with a captured graph",
        "four run one graph, and add to the same gradients",
        BATCHES,
        (
            "test_several_python_threads_run_one_graph_at_once",
            "test_several_python_threads_add_to_the_gradients_of_the_same_leaves",
        ),
        rounds=10,
    ),
    Fault(
        "threads with a recorded function",
        "eight record and call one",
        JIT,
        ("test_one_recorded_function_in_many_threads",),
        rounds=10,
    ),
    Fault("`fork`", "with a live graph", PROCESSES, ("test_child_of_a_fork_goes_on_with_its_own_graph",), rounds=10),
    Fault(
        "`fork` with threads",
        "that run a captured graph",
        BATCHES,
        ("test_a_forked_child_runs_graphs_with_threads_of_its_own",),
        rounds=10,
    ),
    Fault(
        "the interpreter's exit",
        "with a live graph, cycles, finalizers, exit handlers, daemon threads at work",
        PROCESSES,
        ("test_interpreter_exits_cleanly_with",),
        rounds=10,
    ),
]

COUNTED = ("tried", "nodes", "bytes", "peak")
#: The results of a test: how often it tried, and the losses of what it counted.
Found = Counter[str]


def tested(report: Path) -> Iterator[tuple[str, Found]]:
    """The tests of pytest's report, by name."""
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.attrib['classname'].replace('.', '/')}.py::{case.attrib['name'].partition('[')[0]}"
        if case.find("skipped") is not None:
            raise SystemExit(f"skipped: {name}")
        numbers = {each.attrib["name"]: each.attrib["value"] for each in case.iter("property")}
        yield name, Counter({"tried": 1} | {key: int(numbers[key]) for key in COUNTED if key in numbers})


def run_tests(names: list[str]) -> list[tuple[str, Found]]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-X", "dev", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        subprocess.run([*command, f"--junitxml={report}", *names], cwd=ROOT, check=True)
        return list(tested(report))


def run_endurance() -> Iterator[tuple[str, Found]]:
    done = subprocess.run(
        [sys.executable, ROOT / "tools/endurance.py"], check=True, stdout=subprocess.PIPE, text=True
    )
    for line in done.stdout.splitlines():
        numbers = json.loads(line)
        yield f"{ENDURANCE}::{numbers.pop('name')}", Counter(numbers)


def found_by(faults: list[Fault]) -> Iterator[tuple[str, Found]]:
    """The results of each run of each test."""
    for number in range(max(fault.rounds for fault in faults)):
        again = [fault for fault in faults if fault.rounds > number and fault.file != ENDURANCE]
        yield from run_tests([name for fault in again for name in fault.names()])
    yield from run_endurance()


def total(fault: Fault, found: Iterable[tuple[str, Found]]) -> Found:
    """The results of all its tests, in all rounds."""
    result: Found = Counter()
    for name, numbers in found:
        if name in fault.names():
            result.update(numbers)  # which, unlike +, keeps counts of 0
    return result


def lost(fault: Fault, numbers: dict[str, int]) -> str:
    """The text of the last column."""
    parts = [f"{numbers[key]:,} {key}" for key in ("nodes", "references") if key in numbers]
    if "bytes" in numbers:
        share = f", {numbers['bytes'] / numbers['peak']:.1%} of the peak" if "peak" in numbers else ""
        parts.append(f"{numbers['bytes'] / 1024:+,.0f} KiB{share}")
    return ", ".join(parts) or fault.lost


def table(result: dict[str, Any]) -> str:
    about, found = result["about"], result["found"]
    lines = ["| fault | how it is injected | tried | lost |", "|---|---|--:|---|"]
    for fault in FAULTS:
        numbers = found[fault.what]
        lines.append(f"| {fault.what} | {fault.how} | {numbers['tried']:,} | {lost(fault, numbers)} |")
    run = f"One run of `tools/faults.py`, {about['date']}: {about['seconds']} s, {about['system']}."
    return "\n".join([*lines, "", run])


def page(result: dict[str, Any]) -> str:
    """docs/reliability.md with its table for the result."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    return pattern.sub(lambda _: f"{BEGIN}\n\n{table(result)}\n\n{END}", PAGE.read_text(encoding="utf-8"))


def measure() -> dict[str, Any]:
    start = time.monotonic()
    found = list(found_by(FAULTS))
    about = {
        "date": f"{datetime.now(timezone.utc):%Y-%m-%d}",
        "seconds": round(time.monotonic() - start),
        "system": f"CPython {platform.python_version()}, {platform.system()}, {platform.machine()}",
    }
    return {"about": about, "found": {fault.what: total(fault, found) for fault in FAULTS}}


def stale() -> Iterator[str]:
    """The disagreements."""
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    if list(result["found"]) != [fault.what for fault in FAULTS]:
        yield str(RESULT.relative_to(ROOT))
    elif page(result) != PAGE.read_text(encoding="utf-8"):
        yield str(PAGE.relative_to(ROOT))
    for fault in FAULTS:
        content = (ROOT / fault.file).read_text(encoding="utf-8")
        yield from (f"{fault.file}::{test}" for test in fault.tests if f"\ndef {test}(" not in content)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    if parser.parse_args().check:
        found = list(stale())
        if found:
            print(f"stale: {', '.join(found)}: run tools/faults.py")
        return int(bool(found))
    result = measure()
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(result), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
