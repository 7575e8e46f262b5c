"""Saving and loading: everything is restored to the last bit; anything invalid is refused and changes nothing."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastgrad
from fastgrad import Graph, Value, optim
from fastgrad.nn import MLP, Dropout, Linear, Sequential
from support.optimizers import CASES
from support.states import FIRST, FIRST_PARTS, same


class Holder:
    """Its state is whatever it is given, unless it refuses."""

    def __init__(self, state: Any, refusal: BaseException | None = None) -> None:
        self.state = state
        self.refusal = refusal

    def state_dict(self) -> Any:
        return self.state

    def load_state_dict(self, state: Any) -> None:
        if self.refusal:
            refusal, self.refusal = self.refusal, None
            raise refusal
        self.state = state


def through_file(tmp_path: Path, tree: Any) -> Any:
    fastgrad.save(tmp_path / "x.npz", tree=tree)
    return fastgrad.load(tmp_path / "x.npz")["tree"]


# ---- what is restored


def test_a_network_comes_back(tmp_path: Path):
    net, twin = MLP(3, [4, 2]), MLP(3, [4, 2])
    fastgrad.save(tmp_path / "net.npz", model=net, epoch=3)
    parts = fastgrad.load(tmp_path / "net.npz", model=twin)
    assert twin.state_dict() == net.state_dict() == parts["model"]
    assert parts["epoch"] == 3
    assert list(parts) == ["model", "epoch"]


@pytest.mark.parametrize(
    "tree",
    [
        0.1, -0.0, 5e-324, float("inf"), float("nan"), 3, -(2**70), True, None, "", "é 中 \ud800 \0 😀",
        [], (), {}, [1, (2.0, [None]), "x"], {"a": {1: 2.0, "1": [3.0]}}, {"dict": {}, "tuple": (), "array": 1.5},
        {"w.0": 1.5, "w.1": -0.0, 7: float("nan")}, {"floats": 1.0, "keys": 2.0}, {"a": 1.0, "b": 2},
        np.arange(6.0).reshape(2, 3), np.zeros(0), np.zeros((3, 0)), np.array(2.5), np.float32([0.1, 0.2]),
        np.array([True, False]), np.array([1, 2], dtype=np.uint8), np.arange(3, dtype=">i4"),
        [np.zeros(2), {"m": np.ones(3), "v": [np.ones(1)]}, np.full(1, -0.0)], random.Random(5).getstate(),
    ],
    ids=lambda tree: repr(tree)[:40],
)  # fmt: skip
def test_data_comes_back_to_the_last_bit(tree: Any, tmp_path: Path):
    assert same(through_file(tmp_path, tree), tree)


def test_numbers_of_numpy_come_back_as_pythons(tmp_path: Path):
    tree = [np.float64(0.1), np.float32(0.5), np.int32(7), np.bool_(True), np.str_("x")]
    assert same(through_file(tmp_path, tree), [0.1, 0.5, 7, True, "x"])


def test_arrays_in_other_orders_come_back(tmp_path: Path):
    square = np.arange(12.0).reshape(3, 4)
    for array in (square.T, np.asfortranarray(square), square[::2, ::-1]):
        back = through_file(tmp_path, array)
        np.testing.assert_array_equal(back, array)
        back[0, 0] = 100.0  # is writable


@pytest.mark.parametrize("payload", [0x7FF8000000000001, 0xFFF8000000000000, 0x8000000000000000])
def test_parameters_keep_their_bits(payload: int, tmp_path: Path):
    net, twin = Linear(1, 1), Linear(1, 1)
    net.bias[0].data = struct.unpack("<d", struct.pack("<Q", payload))[0]
    fastgrad.save(tmp_path / "x", model=net)
    fastgrad.load(tmp_path / "x", model=twin)
    assert struct.pack("<d", twin.bias[0].data) == struct.pack("<Q", payload)


def test_the_same_parts_give_the_same_bytes(tmp_path: Path):
    net = MLP(2, [3, 1])
    for name in ("one", "other"):
        fastgrad.save(tmp_path / name, model=net, rows=np.ones((2, 2)))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_the_file_is_an_archive_that_numpy_reads(tmp_path: Path):
    layer = Linear(2, 1)
    fastgrad.save(tmp_path / "net.npz", model=layer)
    with np.load(tmp_path / "net.npz", allow_pickle=False) as archived:
        assert sorted(archived.files) == ["array_0", "header"]
        assert archived["array_0"].tolist() == list(layer.state_dict().values())
        header = json.loads(archived["header"].tobytes())
    assert (header["format"], header["version"], header["fastgrad"]) == ("fastgrad state", 1, fastgrad.__version__)


#: The last case of each, with the most settings.
OPTIMIZERS: dict[str, Callable[[list[Value]], optim.Optimizer]] = {
    case.optimizer: case.make for case in CASES.values()
}


class Training:
    """A network with dropout, its optimizer and schedule, and the generator of samples and masks."""

    def __init__(self, optimizer: str, seed: int) -> None:
        self.chance = random.Random(seed)
        self.net = Sequential(Linear(2, 4), "tanh", Dropout(0.25, generator=self.chance), Linear(4, 1))
        self.optimizer = OPTIMIZERS[optimizer](self.net.parameters())
        self.schedule = optim.CosineAnnealingLR(self.optimizer, T_max=40)

    def go_on(self, steps: int) -> list[Any]:
        """Continue training; the state afterwards."""
        for _ in range(steps):
            x = [self.chance.uniform(-1.0, 1.0), self.chance.uniform(-1.0, 1.0)]
            self.optimizer.zero_grad()
            ((self.net(x)[0] - x[0] * x[1]) ** 2).backward()
            self.optimizer.step()
            self.schedule.step()
        return [thing.state_dict() for thing in (self.net, self.optimizer, self.schedule)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_continuing_after_loading_gives_the_bits_of_an_uninterrupted_run(optimizer: str, tmp_path: Path):
    first, second = Training(optimizer, 0), Training(optimizer, 1)
    first.go_on(15)
    fastgrad.save(
        tmp_path / "x",
        model=first.net,
        optimizer=first.optimizer,
        schedule=first.schedule,
        chance=first.chance.getstate(),
    )
    parts = fastgrad.load(tmp_path / "x", model=second.net, optimizer=second.optimizer, schedule=second.schedule)
    second.chance.setstate(parts["chance"])
    assert same(first.go_on(15), second.go_on(15))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_optimizer_of_another_kind_or_size_is_refused_with_its_model(optimizer: str, tmp_path: Path):
    saved, net = Training(optimizer, 0), Linear(2, 1)
    saved.go_on(1)
    fastgrad.save(tmp_path / "x", model=Linear(2, 1), optimizer=saved.optimizer)
    for name, make in OPTIMIZERS.items():
        other = make(net.parameters())
        before = [net.state_dict(), other.state_dict()]
        why = "3 parameters" if name == optimizer else f"cannot be loaded into {name}"
        with pytest.raises(ValueError, match=f"x: its optimizer does not fit: .*{why}"):
            fastgrad.load(tmp_path / "x", model=net, optimizer=other)
        assert same([net.state_dict(), other.state_dict()], before)


# ---- what cannot be saved


@pytest.mark.parametrize(
    ("part", "place"),
    [
        (Value(1.0), "part"),
        (object(), "part"),
        ({1, 2}, "part"),
        (1j, "part"),
        ({"a": [1, b"bytes"]}, r"part\.a\.1"),
        (np.array([Value(1.0)]), "part"),
        (np.array(["text"]), "part"),
        (np.array([1j]), "part"),
        (np.datetime64("2020-01-01"), "part"),
        ({2.5: 1}, "part"),
        ({"a": {True: 1}}, r"part\.a"),
    ],
)
def test_other_things_are_refused_with_their_place(part: Any, place: str, tmp_path: Path):
    with pytest.raises(TypeError, match=rf"^cannot save {place}: "):
        fastgrad.save(tmp_path / "x", good=1.0, part=part)
    assert list(tmp_path.iterdir()) == []


def test_data_that_contain_themselves_are_refused(tmp_path: Path):
    part: list[Any] = []
    part.append(part)
    with pytest.raises(ValueError, match="nested too deeply, or holds itself"):
        fastgrad.save(tmp_path / "x", part=part)


def test_nothing_to_save(tmp_path: Path):
    with pytest.raises(ValueError, match="name the parts"):
        fastgrad.save(tmp_path / "x")


# ---- states that do not fit


def test_another_network_is_refused_and_names_are_listed(tmp_path: Path):
    fastgrad.save(tmp_path / "net.npz", model=Linear(2, 1))
    layer = Linear(1, 2)
    before = layer.state_dict()
    message = (
        r'(?s)net\.npz: its model does not fit: .* for Linear:.*Missing.*: "weight\.1\.0", "bias\.1"\.'
        r'.*Unexpected.*: "weight\.0\.1"\.$'
    )
    with pytest.raises(ValueError, match=message):
        fastgrad.load(tmp_path / "net.npz", model=layer)
    assert layer.state_dict() == before


def test_missing_parts_are_named(tmp_path: Path):
    fastgrad.save(tmp_path / "net.npz", model=Linear(2, 1), step=3)
    with pytest.raises(ValueError, match=r"net\.npz: it has no optimizer or schedule, but model, step$"):
        fastgrad.load(tmp_path / "net.npz", optimizer=Holder({}), model=Linear(2, 1), schedule=Holder({}))


def test_data_is_not_loaded_into_objects(tmp_path: Path):
    fastgrad.save(tmp_path / "net.npz", step=3)
    with pytest.raises(TypeError, match=r"step=0 has no load_state_dict\(\)"):
        fastgrad.load(tmp_path / "net.npz", step=0)


@pytest.mark.parametrize(
    "refusal", [ValueError("no"), KeyError("no"), TypeError("no"), AttributeError("no"), OverflowError("no")]
)
def test_if_one_object_refuses_the_others_are_unchanged(refusal: Exception, tmp_path: Path):
    net = Linear(2, 1)
    fastgrad.save(tmp_path / "x", model=net, first={"m": np.ones(2)}, second={"n": 2})
    twin, first, second = Linear(2, 1), Holder({"m": np.zeros(2)}), Holder({"n": 1}, refusal)
    before = twin.state_dict()
    with pytest.raises(ValueError, match=r"x: its second does not fit: .*no"):
        fastgrad.load(tmp_path / "x", model=twin, first=first, second=second)
    assert twin.state_dict() == before
    assert same(first.state, {"m": np.zeros(2)})
    assert second.state == {"n": 1}


def test_states_that_are_changed_in_place_come_back_too(tmp_path: Path):
    class InPlace(Holder):
        def load_state_dict(self, state: Any) -> None:
            self.state["m"][:] = state["m"]

    fastgrad.save(tmp_path / "x", first={"m": np.ones(2)}, second={})
    first = InPlace({"m": np.zeros(2)})
    with pytest.raises(ValueError, match="its second does not fit"):
        fastgrad.load(tmp_path / "x", first=first, second=Holder({}, ValueError("no")))
    assert first.state["m"].tolist() == [0.0, 0.0]


def test_an_interrupted_load_changes_nothing(tmp_path: Path):
    fastgrad.save(tmp_path / "x", first={"n": 5}, second={"n": 6})
    first = Holder({"n": 1})
    with pytest.raises(KeyboardInterrupt):
        fastgrad.load(tmp_path / "x", first=first, second=Holder({}, KeyboardInterrupt()))
    assert first.state == {"n": 1}


def test_a_graphs_file_is_another(tmp_path: Path):
    Graph(Value(1.0)).save(tmp_path / "x.graph")
    with pytest.raises(ValueError, match=r"x\.graph: not a file that fastgrad\.save\(\) wrote$"):
        fastgrad.load(tmp_path / "x.graph")


def test_the_first_format_stays_readable():
    assert same(fastgrad.load(FIRST), FIRST_PARTS)
