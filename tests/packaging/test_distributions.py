"""tools/distributions.py finds files that do not belong in a wheel."""

from __future__ import annotations

import importlib.util
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from support.paths import ROOT

INFO = "fastgrad-1.0.dist-info/"
NATIVE = "fastgrad/_core.cpython-313-x86_64-linux-gnu.so"

Change = Callable[[dict[str, bytes]], object]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    if not (ROOT / ".git").exists():
        pytest.skip("what belongs in a wheel is what git tracks")
    spec = importlib.util.spec_from_file_location("distributions", ROOT / "tools" / "distributions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda files: None, None),
        (lambda files: files.update({"tests/x.py": b""}), "stray: tests/x.py"),
        (lambda files: files.update({"fastgrad/notes.txt": b""}), "stray: fastgrad/notes.txt"),
        (lambda files: files.update({"fastgrad/examples/notebooks/1.ipynb": b""}), "stray: fastgrad/examples/note"),
        (lambda files: files.update({f"{INFO}top_level.txt": b""}), f"stray: {INFO}top_level.txt"),
        (lambda files: files.update({"fastgrad.libs/libstdc++-0a1b.so.6": b""}), "stray: fastgrad.libs/libstdc"),
        (lambda files: files.pop("fastgrad/py.typed"), "missing: fastgrad/py.typed"),
        (lambda files: files.pop(f"{INFO}licenses/LICENSE"), f"missing: {INFO}licenses/LICENSE"),
        (lambda files: files.update({"fastgrad/engine.py": b"pass"}), "changed: fastgrad/engine.py"),
        (lambda files: files.pop(NATIVE), "not one native module"),
        (lambda files: files.update({NATIVE: b"x" * 2_100_000}), "bytes, more than"),
    ],
)
def test_faults_of_a_wheel(change: Change, fault: str | None, tool: ModuleType, tmp_path: Path):
    files = tool.package(tool.tracked()) | {f"{INFO}{name}": b"" for name in tool.METADATA} | {NATIVE: b""}
    change(files)
    path = tmp_path / "fastgrad-1.0-cp313-cp313-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    found = list(tool.faults_of_wheel(path))
    assert len(found) == (fault is not None)
    assert all(fault in one for one in found)


def test_a_folder_of_the_builder_is_found(tool: ModuleType):
    pattern = tool.FOLDERS_OF_A_BUILDER
    assert pattern.findall(b"\0/tmp/build-env/include/pybind11.h\0") == [b"/tmp/build-env/include/pybind11.h"]
    assert pattern.findall(b"\0./csrc/core/tape.cpp\0/lib64/ld-linux-x86-64.so.2\0") == []
