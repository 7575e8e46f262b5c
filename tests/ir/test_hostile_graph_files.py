"""Bytes that are not a saved graph, or a damaged one: refused with a reason, and never a crash."""

from __future__ import annotations

import math
import os
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fastgrad
from fastgrad import Graph
from support.graph_bytes import ADD, CORPUS, NEG, VERSION, loaded, sealed
from support.paths import DATA
from support.programs import run
from support.replays import EVERY_WIDTH

DOT, NONE = 255, 0xFFFFFFFF


def exercise(data: bytes) -> None:
    """Uses the graph that the bytes describe, if any, in every way; a ValueError means that they were refused."""
    try:
        graph = loaded(data)
    except ValueError:
        return
    x = np.linspace(-2.0, 2.0, EVERY_WIDTH * graph.inputs_count).reshape(EVERY_WIDTH, graph.inputs_count)
    with np.errstate(all="ignore"):
        for batch in (x[0], x[:7], x):
            graph(batch)
            graph.vjp(batch, np.ones((*batch.shape[:-1], graph.outputs_count)))
    repr(graph.stats())
    repr(graph.passes)
    repr([(leaf, leaf.label) for leaf in graph.parameters])
    assert loaded(graph._to_bytes())._to_bytes() == graph._to_bytes()


@pytest.mark.parametrize("path", CORPUS, ids=[path.stem for path in CORPUS])
def test_every_truncation_is_refused(path: Path, live_nodes: Callable[[], int], tried: Callable[..., None]):
    data = path.read_bytes()
    for length in range(len(data)):
        with pytest.raises(ValueError, match="cut short" if length >= VERSION else "not a fastgrad graph"):
            loaded(data[:length])
        with pytest.raises(ValueError, match="fastgrad graph"):
            loaded(sealed(data[:length]))
        tried(2)


@pytest.mark.parametrize("path", CORPUS, ids=[path.stem for path in CORPUS])
def test_every_changed_byte_is_noticed_or_harmless(
    path: Path, live_nodes: Callable[[], int], tried: Callable[..., None]
):
    data = path.read_bytes()
    for i, byte in enumerate(data):
        for other in {0x00, 0xFF, *(byte ^ 1 << bit for bit in range(8))} - {byte}:
            changed = data[:i] + bytes([other]) + data[i + 1 :]
            with pytest.raises(ValueError, match="fastgrad graph"):
                loaded(changed)
            tried()
            if i < len(data) - 4:
                exercise(sealed(changed))
                tried()


@pytest.mark.parametrize("path", CORPUS, ids=[path.stem for path in CORPUS])
def test_huge_numbers_everywhere(path: Path, live_nodes: Callable[[], int], tried: Callable[..., None]):
    data = path.read_bytes()
    for i in range(VERSION, len(data) - 8):
        for number in (2**64 - 1, 2**63, 2**61, 2**32 - 1, 2**32, 2**31, 10**7):
            exercise(sealed(data[:i] + struct.pack("<Q", number) + data[i + 8 :]))
            tried()


def test_what_fuzzing_found(live_nodes: Callable[[], int], tried: Callable[..., None]):
    """One file for each path through the reader that 10^8 runs of tools/fuzz_graph_file.cpp found."""
    with zipfile.ZipFile(DATA / "fuzzed.zip") as archive:
        for name in archive.namelist():
            exercise(archive.read(name))
            tried()


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_random_changes(data: st.DataObject, tried: Callable[..., None]):
    content = bytearray(data.draw(st.sampled_from(CORPUS)).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(VERSION, len(content) - 1))
        size = data.draw(st.integers(0, 12))
        content[at : at + size] = data.draw(st.binary(max_size=12))
    exercise(bytes(content))
    exercise(sealed(bytes(content)))
    tried(2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(content=st.binary(max_size=400))
def test_random_bytes(content: bytes, tried: Callable[..., None]):
    exercise(content)
    head = b"fastgrad graph\r\n" + struct.pack("<IIQ", 1, 60, 0)
    exercise(sealed(head + content + bytes(4)))
    tried(2)


def made(
    instructions: list[tuple[int, ...]],
    *,
    bound: int = 1,
    labels: tuple[tuple[int, bytes], ...] = (),
    constants: tuple[float, ...] = (2.0,),
    inputs: int = 1,
    outputs: tuple[int, ...] = (0,),
    conditions: int = 0,
    guards: tuple[tuple[int, int], ...] = (),
    version: int = 1,
    rows: int = len(fastgrad.operations()),
    options: int = 3,
    passes: tuple[bytes, ...] = (),
    end: bytes = b"",
    said: dict[str, int] | None = None,
) -> bytes:
    """A file with these contents. An instruction is (op, x, y); a dot's terms follow as further numbers.

    `said`: what it states instead of the true counts, by name.
    """

    def count(name: str, true: int, code: str = "<Q") -> bytes:
        return struct.pack(code, (said or {}).get(name, true))

    out = b"fastgrad graph\r\n" + struct.pack("<IIQQQB", version, rows, 0, 3, 2, options)
    out += count("passes", len(passes)) + b"".join(count("pass", len(p)) + p for p in passes)
    out += count("bound", bound) + struct.pack("<d", 0.5) * bound
    out += count("labels", len(labels)) + b"".join(
        struct.pack("<I", i) + count("label", len(t)) + t for i, t in labels
    )
    out += count("constants", len(constants)) + struct.pack(f"<{len(constants)}d", *constants)
    out += count("inputs", inputs, "<I") + count("instructions", len(instructions))
    for op, *rest in instructions:
        out += struct.pack("<B", op)
        if op == DOT:
            out += count("terms", rest.pop(0), "<I")
        out += struct.pack(f"<{len(rest)}I", *rest)
    out += count("outputs", len(outputs)) + struct.pack(f"<{len(outputs)}I", *outputs)
    if version == 1:
        out += count("conditions", conditions, "<I")
    else:
        out += count("guards", len(guards)) + b"".join(struct.pack("<IB", *guard) for guard in guards)
    return sealed(out + end + bytes(4))


LEAF, OWN = 0, 1
INPUT = (LEAF, 0, 0)  # slot 2: slot 0 is the bound leaf, slot 1 the constant


def test_a_file_made_by_hand():
    graph = loaded(
        made([INPUT, (ADD, 2, 1), (NEG, 3, 0), (DOT, 2, 4, 3, 3, 0, 1)], outputs=(5, 3), labels=((0, b"w"),))
    )
    assert list(graph([7.0])) == [-9.0 + 81.0 + 0.5 * 2.0, 9.0]
    assert graph.parameters[0].label == "w"
    assert graph.stats()["nodes"] == 3


def test_conditions_of_the_first_version_are_plain_outputs():
    graph = loaded(made([INPUT, (ADD, 2, 2), (NEG, 2, 0)], outputs=(3, 4), conditions=1))
    assert graph([7.0]).tolist() == [14.0, -7.0]


@pytest.mark.parametrize("expected", [0, 1])
def test_guards_are_read_and_written(expected: int):
    data = made([INPUT, (ADD, 2, 2)], outputs=(3,), guards=((2, expected),), version=2)
    graph = loaded(data)
    assert graph.program.guards.tolist() == [(2, bool(expected))]
    assert graph._to_bytes() == data
    holds, fails = ([7.0], [0.0]) if expected else ([0.0], [7.0])
    assert graph(holds).tolist() == [2.0 * holds[0]]
    with pytest.raises(ValueError, match="sample 0 takes another branch than this recording"):
        graph(fails)


def test_order_of_the_inputs_is_free():
    graph = loaded(made([(LEAF, 1, 0), (NEG, 2, 0), (LEAF, 0, 0), (ADD, 3, 4)], inputs=2, outputs=(5,)))
    assert list(graph([10.0, 1.0])) == [9.0]
    assert list(loaded(graph._to_bytes())([10.0, 1.0])) == [9.0]


def test_an_output_may_be_there_twice(live_nodes: Callable[[], int]):
    graph = loaded(made([INPUT, (NEG, 2, 0)], outputs=(3, 3, 2, 0)))
    assert list(graph([7.0])) == [-7.0, -7.0, 7.0, 0.5]
    assert list(graph.vjp([7.0], [1.0, 2.0, 4.0, 8.0])[1]) == [1.0]


STRANGE = (math.nan, -math.nan, math.inf, -math.inf, -0.0, 5e-324, sys.float_info.max)


def test_strange_constants_keep_their_bits():
    """Even a nan with a payload, because nothing is computed with it here."""
    payload = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_DEAD_BEEF))[0]
    constants = (*STRANGE, payload)
    data = made([(LEAF, 0, 0)], bound=0, constants=constants, outputs=tuple(range(len(constants))), options=0)
    graph = loaded(data)
    assert graph([1.0]).tobytes() == np.array(constants).tobytes()
    assert loaded(graph._to_bytes())([1.0]).tobytes() == np.array(constants).tobytes()


@pytest.mark.parametrize("constant", STRANGE)
def test_arithmetic_with_strange_constants_is_numpys(constant: float):
    graph = loaded(made([INPUT, (ADD, 2, 1), (NEG, 3, 0)], constants=(constant,), outputs=(4,)))
    with np.errstate(all="ignore"):
        assert np.array_equal(graph([2.0]), [-(2.0 + np.float64(constant))], equal_nan=True)
    assert list(graph.vjp([2.0], [1.0])[1]) == [-1.0]


INSTRUCTIONS = [INPUT, (ADD, 2, 1), (DOT, 2, NONE, 3, 0, 0, 1)]
CONTENTS: dict[str, Any] = {"labels": ((0, b"weight"),), "passes": (b"dot",), "outputs": (4, 3), "conditions": 1}
COUNTS = {  # for each of its counts: the true value, and the bytes of one counted item
    "passes": (1, 8),
    "pass": (3, 1),
    "bound": (1, 8),
    "labels": (1, 12),
    "label": (6, 1),
    "constants": (1, 8),
    "inputs": (1, 1),
    "instructions": (3, 9),
    "terms": (2, 8),
    "outputs": (2, 4),
    "conditions": (1, 1),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_that_are_not_true(name: str, live_nodes: Callable[[], int], tried: Callable[..., None]):
    """Zero, one less or more, the largest, and those whose product with a size is small in 32 or 64 bits."""
    true, size = COUNTS[name]
    bits = 32 if name in ("inputs", "terms", "conditions") else 64
    numbers = {0, true - 1, true + 1, 2**31, 2**32 - 1, 2**bits - 1, 2**bits // size, 2**bits // size + true}
    if name == "conditions":
        numbers -= {0, 2}  # of two outputs, as many may be conditions
    assert list(loaded(made(INSTRUCTIONS, **CONTENTS))([1.0])) == [3.0 * 0.5 + 0.5 * 2.0, 3.0]
    for number in numbers - {true}:
        if number < 2**bits:
            with pytest.raises(ValueError, match="damaged fastgrad graph"):
                loaded(made(INSTRUCTIONS, **CONTENTS, said={name: number}))
            tried()


USED_BEFORE = "used before it is computed"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "^not a fastgrad graph$"),
        (b"\x80\x04K\x01.", "^not a fastgrad graph$"),
        (b"fastgrad snapshot 1\n" + bytes(50), "^not a fastgrad graph$"),
        (b"fastgrad graph\n" + bytes(50), "^not a fastgrad graph$"),
        (b"fastgrad graph\r\n" + struct.pack("<IIQ", 7, 60, 36) + bytes(4), r"newer format \(version 7; this is 2\)"),
        (b"fastgrad graph\r\n" + struct.pack("<IIQ", 0, 60, 36) + bytes(4), "no version 0"),
        (b"fastgrad graph\r\n" + struct.pack("<IIQ", 1, 60, 35) + bytes(3), "cut short"),
        (b"fastgrad graph\r\n" + struct.pack("<IIQ", 1, 60, 0), "something follows its end"),
        (sealed(b"fastgrad graph\r\n" + struct.pack("<IIQ", 1, 60, 36) + bytes(4)), "cut short"),
        (made([INPUT]) + b"x", "something follows its end"),
        (made([INPUT], end=b"x"), "something follows its end"),
        (made([INPUT])[:-1] + bytes([made([INPUT])[-1] ^ 1]), "checksum"),
        (made([INPUT], options=4), "an option is unknown"),
        (made([INPUT, (ADD, 3, 0)]), USED_BEFORE),  # itself
        (made([INPUT, (ADD, 0, 3)]), USED_BEFORE),
        (made([INPUT, (ADD, 4, 0), (ADD, 3, 0)]), USED_BEFORE),  # each other
        (made([INPUT, (NEG, NONE, 0)]), USED_BEFORE),
        (made([INPUT, (DOT, 1, NONE, 3, 0)]), USED_BEFORE),
        (made([INPUT, (DOT, 1, NONE, 0, 3)]), USED_BEFORE),
        (made([INPUT, (DOT, 1, 3, 0, 0)]), USED_BEFORE),
        (made([INPUT], outputs=(3,)), USED_BEFORE),
        (made([INPUT], outputs=(0, NONE)), USED_BEFORE),
        (made([INPUT, (NEG, 0, 1)]), "operand that it does not take"),
        (made([INPUT, (DOT, 0, NONE)]), "a sum has no terms"),
        (made([INPUT, (DOT, 100, NONE, 0, 0)]), "a count is too large"),
        (made([INPUT, (DOT, NONE, NONE, 0, 0)]), "a count is too large"),
        (made([INPUT, (OWN, 0, 0)]), "an operation is unknown"),
        (made([INPUT, (254, 0, 0)]), "an operation is unknown"),
        (made([INPUT, (OWN + 5, 0, 0)], rows=4), "an operation is unknown"),
        (made([INPUT, (OWN + 200, 0, 0)], rows=220), "operation 200 of 220, of which this fastgrad has .*update"),
        (made([INPUT, INPUT]), "an input is there twice"),
        (made([INPUT, INPUT], inputs=2), "an input is there twice"),
        (made([INPUT], inputs=2), "an input is missing"),
        (made([INPUT, (ADD, 0, 0)], inputs=2), "an input is missing"),
        (made([], inputs=1), "an input is missing"),
        (made([INPUT], inputs=0), "not counted"),
        (made([(LEAF, 1, 0)]), "not counted"),
        (made([(LEAF, 0, 1)]), "an input has an operand"),
        (made([INPUT], inputs=NONE), "an input is missing"),
        (made([INPUT], outputs=()), "it has no output"),
        (made([INPUT], conditions=2), "more conditions than outputs"),
        (made([INPUT], guards=((3, 1),), version=2), USED_BEFORE),
        (made([INPUT], guards=((2, 2),), version=2), "neither true nor false"),
        (made([INPUT], guards=((2, 1),), version=2, said={"guards": 2**40}), "a count is too large"),
        (made([INPUT], labels=((1, b"x"),)), "a label belongs to no leaf"),
        (made([INPUT], labels=((0, b"x"), (0, b"y"))), "the labels are not in order"),
        (made([INPUT], labels=((0, b"\xff"),)), "utf-8"),
        (made([INPUT], passes=(b"\xff",)), "utf-8"),
    ],
)
def test_hostile_bytes_are_refused_with_a_reason(data: bytes, why: str, live_nodes: Callable[[], int]):
    with pytest.raises(ValueError, match=why):
        loaded(data)


def test_a_graph_of_a_fastgrad_with_more_operations_is_read_if_it_uses_none_of_them():
    assert list(loaded(made([INPUT, (NEG, 2, 0)], rows=220, outputs=(3,)))([2.0])) == [-2.0]


def test_the_file_is_named(tmp_path: Path):
    path = tmp_path / "some.graph"
    path.write_bytes(b"text")
    with pytest.raises(ValueError, match=r"some\.graph: not a fastgrad graph"):
        Graph.load(path)


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory by what Linux has")
@pytest.mark.skipif("asan" in os.environ.get("LD_PRELOAD", ""), reason="the sanitizer needs the address space")
def test_a_small_file_cannot_ask_for_much_memory(tried: Callable[..., None]):
    """If it took more than 64 MiB beyond the process's memory, there would be a MemoryError."""
    output = run(
        """
        import resource, struct, sys
        from pathlib import Path
        from support.graph_bytes import CORPUS, VERSION, loaded, sealed
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + 2**26, size + 2**26))
        tried = 0
        for path in CORPUS:
            data = path.read_bytes()
            for i in range(VERSION, len(data) - 8):
                for number in (2**28, 2**32 - 1, 2**34, 2**61 + 1, 2**64 - 1):
                    try:
                        loaded(sealed(data[:i] + struct.pack("<Q", number) + data[i + 8 :]))
                    except ValueError:
                        pass
                    tried += 1
        print(tried)
        """
    )
    tried(int(output))


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory by what Linux has")
@pytest.mark.skipif("asan" in os.environ.get("LD_PRELOAD", ""), reason="the sanitizer needs the address space")
def test_a_chain_of_ten_million():
    """90 MB: loaded and run within 400 MiB; with less memory, a MemoryError after which everything still works."""
    assert (
        run("""
        import resource, struct, sys, zlib
        from pathlib import Path
        import numpy as np
        from fastgrad import _core
        from support.graph_bytes import CORPUS, NEG, ROWS, loaded
        depth = 10**7
        chain = np.zeros(depth, [("op", "u1"), ("x", "<u4"), ("y", "<u4")])
        chain["op"][1:] = NEG
        chain["x"][1:] = np.arange(depth - 1)
        head = struct.pack("<IQQBQQQQIQ", 57, 0, 0, 0, 0, 0, 0, 0, 1, depth)
        size = struct.pack("<Q", 16 + 4 + len(head) + 8 + 9 * depth + 16 + 4)
        begin = CORPUS[0].read_bytes()[:ROWS]
        data = b"".join([begin, head[:4], size, head[4:], chain.tobytes()])
        data += struct.pack("<QII", 1, depth - 1, 0)
        data += struct.pack("<I", zlib.crc32(data))
        del chain
        def limit(mebibytes):
            size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (size + mebibytes * 2**20, resource.RLIM_INFINITY))
        limit(50)
        try:
            loaded(data)
        except MemoryError:
            print("MemoryError")
        assert _core.memory()["live_nodes"] == 0
        limit(400)
        print(*loaded(data).value_and_grad([1.0]))
    """)
        == "MemoryError\n-1.0 [-1.]\n"
    )
