"""CPython's own test cases for `math`, read from the running interpreter: all that concern operations."""

from __future__ import annotations

import math
import random
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import fastgrad
from fastgrad import Graph, Value
from fastgrad.reference import OPERATIONS
from support.operations import Outcome, bits, outcome
from support.replays import all_bits

LIBRARY = Path(sysconfig.get_paths()["stdlib"]) / "test"


@dataclass
class Case:
    identifier: str
    name: str
    argument: float
    expected: Outcome


def case_file(name: str) -> Path | None:
    """Since Python 3.12 the data have a separate folder; many distributions leave out the tests."""
    candidates = (LIBRARY / "mathdata" / name, LIBRARY / name)
    return next((path for path in candidates if path.exists()), None)


def expectation(result: str, flags: list[str]) -> Outcome:
    if {"invalid", "divide-by-zero"} & set(flags):
        return ValueError
    return OverflowError if "overflow" in flags else float(result)


def cases(name: str) -> Iterator[Case]:
    """`identifier function argument -> result flags`; in the file for `cmath`, numbers are complex."""
    path = case_file(name)
    if path is None:
        pytest.skip(f"this Python comes without {name}")
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("--") or not line.strip():
            continue
        left, right = (side.split() for side in line.split("->"))
        if name.startswith("cmath") and (float(left.pop()) != 0.0 or float(right.pop(1)) != 0.0):
            continue
        identifier, function, argument = left
        if function in OPERATIONS:
            yield Case(identifier, function, float(argument), expectation(right[0], right[1:]))


def tolerance(case: Case) -> tuple[int, float]:
    """CPython's own tolerance, in units in the last place, and absolute."""
    if case.name == "lgamma":
        return 5, 1e-15
    if case.name == "erfc" and case.argument >= 0.0:
        return 10 if case.argument < 1.0 else 100 if case.argument < 10.0 else 1000, 0.0
    return 5, 0.0


def is_close(case: Case, result: Outcome) -> bool:
    if not (isinstance(result, float) and isinstance(case.expected, float)):
        return result is case.expected
    if not (math.isfinite(result) and math.isfinite(case.expected)):
        return bits(result) == bits(case.expected)
    units, absolute = tolerance(case)
    return abs(result - case.expected) <= max(units * math.ulp(case.expected), absolute)


every_file = pytest.mark.parametrize("name", ["math_testcases.txt", "cmath_testcases.txt"])


@every_file
def test_results_and_errors_are_those_of_cpythons_cases(name: str):
    wrong = []
    for case in cases(name):
        result = outcome(getattr(fastgrad, case.name), Value(case.argument))
        if not is_close(case, result):
            wrong.append((case, result))
    assert wrong == []


@every_file
def test_results_have_the_bits_and_the_errors_of_math(name: str):
    wrong = []
    for case in cases(name):
        function = getattr(math, case.name, None)  # Python 3.10 has no exp2 and cbrt
        if function is None:
            continue
        ours, theirs = outcome(getattr(fastgrad, case.name), Value(case.argument)), outcome(function, case.argument)
        same = bits(ours) == bits(theirs) if isinstance(ours, float) and isinstance(theirs, float) else ours is theirs
        if not same:
            wrong.append((case, ours, theirs))
    assert wrong == []


@every_file
def test_captured_graphs_give_the_same_bits_and_an_inf_or_nan_for_an_error(name: str):
    by_name: dict[str, list[Case]] = {}
    for case in cases(name):
        by_name.setdefault(case.name, []).append(case)
    assert len(by_name) >= 5
    for function, of_function in by_name.items():
        x = Value(OPERATIONS[function].points[0][0])
        graph = Graph(getattr(fastgrad, function)(x), x, passes=())
        replayed = np.ravel(graph([[case.argument] for case in of_function]))
        for case, result in zip(of_function, replayed, strict=True):
            eager = outcome(getattr(fastgrad, function), Value(case.argument))
            if isinstance(eager, float):
                assert all_bits(result) == all_bits(eager), case
            else:
                assert not math.isfinite(result), case


def pythagorean_triples(count: int) -> Iterator[tuple[float, float]]:
    """Legs whose hypotenuse needs 54 bits, so that it lies halfway between two doubles."""
    rng = random.Random(5)
    found = 0
    while found < count:
        a, b, c = rng.choice([(3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (20, 21, 29)])
        k = rng.getrandbits(52) | 1
        if max(a, b) * k < 2**53 <= c * k < 2**54:
            found += 1
            yield float(a * k), float(b * k)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="math.hypot rounds such ties since Python 3.12 as it does now")
def test_hypot_rounds_ties_as_python_does():
    for x, y in pythagorean_triples(2_000):
        for scale in (1.0, -(2.0**-1060), 2.0**960):
            assert fastgrad.hypot(Value(x * scale), y * scale).data == math.hypot(x * scale, y * scale), (x, y, scale)


def test_hypot_of_a_tie_that_a_random_graph_found():
    x, y = float.fromhex("-0x1.53e459a52d48ap+0"), float.fromhex("-0x1.fdd68677c3ecfp-1")  # y is 3 / 4 of x
    assert fastgrad.hypot(Value(x), y).data == fastgrad.hypot(Value(y), x).data == math.hypot(x, y)
