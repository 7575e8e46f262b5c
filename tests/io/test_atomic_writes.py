"""A saved file is either complete or not written at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import fastgrad
from fastgrad import Graph, Value


def save_graph(path: Path, number: float) -> None:
    Graph(Value(number)).save(path)


def save_state(path: Path, number: float) -> None:
    fastgrad.save(path, number=number)


Save = Callable[[Path, float], None]
READ: dict[Save, Callable[[Path], float]] = {
    save_graph: lambda path: float(Graph.load(path)()[0]),
    save_state: lambda path: fastgrad.load(path)["number"],
}
both = pytest.mark.parametrize("save", READ)


@both
def test_missing_file(save: Save, tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        READ[save](tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        save(tmp_path / "none" / "x", 1.0)
    with pytest.raises(IsADirectoryError if sys.platform != "win32" else OSError):
        save(tmp_path, 1.0)
    assert list(tmp_path.iterdir()) == []


@both
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_failing_save_leaves_the_old_file_whole(
    step: str, save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "x"
    save(path, 2.0)
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(OSError, match="the disk is full"):
            save(path, 3.0)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    save(path, 3.0)
    assert READ[save](path) == 3.0


@both
@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_save_follows_a_link(save: Save, tmp_path: Path):
    target, link = tmp_path / "target", tmp_path / "link"
    save(target, 2.0)
    link.symlink_to(target)
    save(link, 3.0)
    assert link.is_symlink()
    assert READ[save](target) == 3.0


@both
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no such device")
def test_a_device_stays_a_device(save: Save):
    with pytest.raises(OSError, match="No space left"):
        save(Path("/dev/full"), 1.0)
    assert not os.path.isfile("/dev/full")


@both
def test_path_may_be_text_or_a_path(save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    save("plain", 2.0)  # type: ignore[arg-type]
    save(Path("é 中.npz"), 3.0)
    assert sorted(os.listdir()) == ["plain", "é 中.npz"]
    assert (READ[save](tmp_path / "plain"), READ[save](Path("é 中.npz"))) == (2.0, 3.0)
