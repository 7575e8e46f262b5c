"""Bytes that are not a saved state, or a damaged one: refused with a reason, and nothing in them is executed."""

from __future__ import annotations

import io
import os
import pickle
import struct
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fastgrad
from fastgrad import optim
from fastgrad.io.archive import from_bytes, to_bytes
from fastgrad.nn import Linear
from support.programs import run
from support.state_bytes import ARRAY, DATA, ONE, accepted, beginning, header, made, npy
from support.states import FIRST_PARTS, same

# ---- damage


def test_every_truncation_is_refused(tried: Callable[..., None]):
    for length in range(len(DATA)):
        with pytest.raises(ValueError, match="damaged or cut short" if length >= 4 else "not a file that fastgrad"):
            from_bytes(DATA[:length])
        tried()


def test_every_changed_byte_is_noticed_or_harmless(tried: Callable[..., None]):
    for i, byte in enumerate(DATA):
        for other in {0xFF - byte, *(byte ^ 1 << bit for bit in range(8))}:
            tree = accepted(DATA[:i] + bytes([other]) + DATA[i + 1 :])
            assert tree is None or same(tree, FIRST_PARTS)
            tried()


def test_huge_numbers_everywhere(tried: Callable[..., None]):
    for i in range(0, len(DATA) - 8, 2):
        for number in (2**64 - 1, 10**7):
            tree = accepted(DATA[:i] + struct.pack("<Q", number) + DATA[i + 8 :])
            assert tree is None or same(tree, FIRST_PARTS)
            tried()


def test_counts_in_the_directory(tried: Callable[..., None]):
    """No checksum covers its sizes, offsets and numbers of entries: these are set to 0 and to the largest number."""
    for i in range(DATA.index(b"PK\x01\x02"), len(DATA) - 4):
        for number in (0, 2**32 - 1):
            tree = accepted(DATA[:i] + struct.pack("<I", number) + DATA[i + 4 :])
            assert tree is None or same(tree, FIRST_PARTS)
            tried()


@pytest.mark.parametrize("more", [b"x", bytes(1000), DATA[-22:], DATA], ids=["byte", "zeros", "end", "archive"])
def test_what_stands_around_an_archive_is_refused_or_ignored(more: bytes):
    for data in (DATA + more, more + DATA):
        tree = accepted(data)
        assert tree is None or same(tree, FIRST_PARTS)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_random_changes(data: st.DataObject, tried: Callable[..., None]):
    content = bytearray(DATA)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        size = data.draw(st.integers(0, 12))
        content[at : at + size] = data.draw(st.binary(max_size=12))
    tree = accepted(bytes(content))
    assert tree is None or same(tree, FIRST_PARTS)
    tried()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(content=st.binary(max_size=400))
def test_random_bytes(content: bytes, tried: Callable[..., None]):
    assert accepted(content) is None
    assert accepted(b"PK\x03\x04" + content) is None
    assert accepted(made(header=content)) is None
    assert accepted(made({"dict": []}, array_0=content)) is None
    assert accepted(made(header=npy(np.frombuffer(content, np.uint8)))) is None
    tried(5)


json_trees = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.floats() | st.sampled_from(["dict", "array", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["dict", "tuple", "array", "floats", "keys"]), inner, max_size=3)
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(tree=json_trees)
def test_random_trees(tree: Any, tried: Callable[..., None]):
    """With correct checksums: any accepted data can be saved again."""
    data = made({"dict": [["x", tree]]}, array_0=npy(np.ones(1)))
    found = accepted(data)
    if found is not None:
        assert same(from_bytes(to_bytes(found)), found)
    tried()


@settings(max_examples=40)
@given(json_trees, json_trees, st.sampled_from(["steps", "lr", "initial_lr", "betas", "eps", "exp_avg", "more"]))
def test_any_data_in_the_place_of_a_state(model: Any, entry: Any, name: str):
    """It is loaded, or refused by a ValueError and nothing has changed."""
    layer = Linear(1, 1)
    optimizer = optim.Adam(layer.parameters())
    state = optimizer.state_dict()
    before = [layer.state_dict(), state]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "x"
        for parts in (
            {"model": model, "optimizer": state},
            {"model": {"weight.0.0": 5.0, "bias.0": entry}, "optimizer": state},
            {"model": {"weight.0.0": 5.0, "bias.0": 6.0}, "optimizer": {**state, name: entry}},
        ):
            fastgrad.save(path, **parts)
            try:
                fastgrad.load(path, model=layer, optimizer=optimizer)
            except ValueError:
                assert same([layer.state_dict(), optimizer.state_dict()], before)
            else:
                before = [layer.state_dict(), optimizer.state_dict()]


def test_damage_changes_nothing_in_the_objects(tmp_path: Path, tried: Callable[..., None]):
    layer = Linear(1, 1)
    path = tmp_path / "net.npz"
    fastgrad.save(path, model=layer)
    data = path.read_bytes()
    before = layer.state_dict()
    for p in layer.parameters():
        p.data = 7.0
    for i in range(0, len(data), 7):
        path.write_bytes(data[:i] + bytes([data[i] ^ 0x11]) + data[i + 1 :])
        try:
            fastgrad.load(path, model=layer)
        except ValueError:
            assert set(layer.state_dict().values()) == {7.0}
        else:
            assert layer.state_dict() == before
            for p in layer.parameters():
                p.data = 7.0
        tried()


# ---- intent


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("pickle was executed",)


def test_pickle_is_not_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    objects = npy(np.array([Evil()], dtype=object))
    for data, why in (
        (
            made({"dict": [["x", {"array": 0}]]}, array_0=objects),
            "^it holds pickled objects, which are never loaded$",
        ),
        (made(header=objects), "^it holds pickled objects, which are never loaded$"),
        (made({"dict": []}, x=pickle.dumps(Evil())), "^damaged.* no array of numbers"),
        (pickle.dumps(Evil()), "^not a file that"),
    ):
        with pytest.raises(ValueError, match=why):
            from_bytes(data)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_made_by_hand():
    assert same(from_bytes(made(ARRAY, array_0=beginning())), {"x": np.array([0.5])})
    assert same(from_bytes(made(ARRAY, array_0=ONE)), {"x": np.ones(1)})


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "^not a file that fastgrad.save"),
        (b"text", "^not a file that fastgrad.save"),
        (npy(np.zeros(3)), "^not a file that fastgrad.save"),
        (made(), "^not a file that fastgrad.save"),
        (made(array_0=ONE), "^not a file that fastgrad.save"),
        (made(header=npy(np.frombuffer(b"{}", np.uint8))), "^not a file that fastgrad.save"),
        (made(header=npy(np.frombuffer(b"[]", np.uint8))), "^not a file that fastgrad.save"),
        (made(header=header(0, format="another")), "^not a file that fastgrad.save"),
        (made({"dict": []}, compression=zipfile.ZIP_DEFLATED), "^not a file that fastgrad.save"),
        (made(header=header(0, version=7)), r"^it has a newer format \(version 7; this is 1\): update fastgrad$"),
        (made(header=header(0, version=0)), "no version 0"),
        (made(header=header(0, version="1")), "no version '1'"),
        (made(header=npy(np.frombuffer(b'{"format": "fastgrad state"}', np.uint8))), "damaged.*version"),
        (made(header=npy(np.frombuffer(b"\xff{", np.uint8))), "damaged"),
        (made(header=npy(np.frombuffer(b"[" * 200_000, np.uint8))), "damaged"),
        (made(5), "does not name what is in it"),
        (made([]), "does not name what is in it"),
        (made({"dict": []}, array_0=ONE), "does not name what is in it"),
        (
            made({"dict": [["x", {"array": 0}], ["y", {"array": 0}]]}, array_0=ONE),
            r"array_0\.npy is missing, or named twice",
        ),
        (made(ARRAY), r"array_0\.npy is missing"),
        (made({"dict": [["x", {"array": "../x"}]]}, array_0=ONE), r"array_\.\./x\.npy is missing"),
        (made({"dict": [[[], 1]]}), "no key"),
        (made({"dict": [[1.5, 1]]}), "no key"),
        (made({"dict": [["x"]]}), "damaged"),
        (made({"dict": 5}), "damaged"),
        (made({"set": []}), "damaged"),
        (made({"dict": [["x", {"tuple": 5}]]}), "damaged"),
        (made({"floats": 0, "keys": ["a", "b"]}, array_0=ONE), "damaged"),
        (made({"floats": 0, "keys": []}, array_0=ONE), "damaged"),
        (made({"floats": 0, "keys": [None]}, array_0=ONE), "no key"),
        (made({"floats": 0}, array_0=ONE), "damaged"),
        (made({"floats": 0, "keys": ["a"]}, array_0=npy(np.ones((1, 1)))), r"float64 of shape \(1, 1\)"),
        (made({"floats": 0, "keys": ["a"]}, array_0=npy(np.ones(1, np.int64))), "floats in an array of int64"),
        (made(ARRAY, array_0=npy(np.array(["text"]))), "no array of numbers"),
        (made(ARRAY, array_0=npy(np.ones(1, complex))), "no array of numbers"),
        (made(ARRAY, array_0=npy(np.zeros(1, [("a", "f8")]))), "no array of numbers"),
        (made(ARRAY, array_0=b""), "no array of numbers"),
        (made(ARRAY, array_0=ONE[:-1]), "another number of bytes"),
        (made(ARRAY, array_0=ONE + b"x"), "another number of bytes"),
        (made(ARRAY, array_0=beginning(shape="(2,)")), "another number of bytes"),
        (made(ARRAY, array_0=beginning(shape="(1000000000000,)")), "another number of bytes"),
        (made(ARRAY, array_0=beginning(shape=f"({2**64 + 1},)")), "another number of bytes"),
        (made(ARRAY, array_0=beginning(shape=f"({2**32}, {2**32}, 1)")), "another number of bytes"),
        (made(ARRAY, array_0=beginning(shape="(-1, -1)")), "no array of numbers"),
        (made(ARRAY, array_0=beginning(shape=f"({'1, ' * 100})")), "damaged"),
        (made(ARRAY, array_0=beginning(shape=f"(0, {2**70})")[:-8]), "damaged"),
        (made(ARRAY, array_0=beginning(shape="(1L,)")), "no array of numbers"),
        (made(ARRAY, array_0=beginning(descr="'<f7'", shape="()")), "damaged"),
        (made(ARRAY, array_0=beginning(descr="'<f0'", shape="()")), "damaged"),
        (made(ARRAY, array_0=beginning(descr=f"'<f{'9' * 5000}'")), "damaged"),
        (made(ARRAY, array_0=beginning(order="None")), "no array of numbers"),
        (made(ARRAY, array_0=beginning(rest="'x': " + "(" * 5000)), "no array of numbers"),
    ],
)
def test_hostile_bytes_are_refused_with_a_reason(data: bytes, why: str):
    with pytest.raises(ValueError, match=why):
        from_bytes(data)


def test_two_parts_of_one_name_are_refused():
    data = made(ARRAY, array_0=ONE, array_1=ONE)
    with pytest.raises(ValueError, match="two of its parts have one name"):
        from_bytes(data.replace(b"array_1", b"array_0"))


def test_two_parts_in_one_place_are_refused():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("header.npy", header(ARRAY))
        archive.writestr("array_0.npy", ONE)
        archive.writestr("array_1.npy", ONE)
        archive.getinfo("array_1.npy").header_offset = archive.getinfo("array_0.npy").header_offset
    with pytest.raises(ValueError, match="two of its parts are in one place"):
        from_bytes(stream.getvalue())


def test_bombs_are_refused():
    """Megabytes that are packed into kilobytes, or that many entries share."""
    zeros = npy(np.zeros(10**6))
    packed = made(ARRAY, array_0=zeros, compression=zipfile.ZIP_DEFLATED)
    assert len(packed) < len(zeros) / 500
    with pytest.raises(ValueError, match="not a file that fastgrad"):
        from_bytes(packed)

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("header.npy", header(ARRAY))
        archive.writestr("array_0.npy", zeros)
        shared = archive.getinfo("array_0.npy")
        for _ in range(50):
            archive.filelist.append(shared)  # one more entry in the directory, for the same bytes
    with pytest.raises(ValueError, match="declares more bytes than it has"):
        from_bytes(stream.getvalue())


def test_the_file_is_named(tmp_path: Path):
    path = tmp_path / "some.npz"
    path.write_bytes(b"text")
    with pytest.raises(ValueError, match=r"some\.npz: not a file that fastgrad\.save\(\) wrote$"):
        fastgrad.load(path)


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory by what Linux has")
@pytest.mark.skipif("asan" in os.environ.get("LD_PRELOAD", ""), reason="the sanitizer needs the address space")
def test_a_small_file_cannot_ask_for_much_memory(tried: Callable[..., None]):
    """Beyond 64 MiB more than the process has, there would be a MemoryError."""
    output = run(
        """
        import resource, struct, sys
        from pathlib import Path
        from support.state_bytes import ARRAY, DATA, accepted, beginning, made
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + 2**26, size + 2**26))
        tried = 0
        for i in range(0, len(DATA) - 8, 2):
            for number in (2**28, 2**61 + 1):
                accepted(DATA[:i] + struct.pack("<Q", number) + DATA[i + 8 :])
                tried += 1
        for shape in ("(268435456,)", "(4294967295,)", "(65536, 65536)"):
            assert accepted(made(ARRAY, array_0=beginning(shape=shape))) is None
            tried += 1
        print(tried)
        """
    )
    tried(int(output))
