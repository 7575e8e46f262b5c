"""tools/affected.py names the tests nearest to a change: tests that exist, and all of them where it cannot tell."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from support.paths import ROOT

TOOLS = ROOT / "tools"
pytestmark = pytest.mark.skipif(not (ROOT / "csrc").is_dir(), reason="needs the sources")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    sys.path.insert(0, str(TOOLS))
    try:
        return importlib.import_module("affected")
    finally:
        sys.path.remove(str(TOOLS))


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        # Each layer of C++ with those that use it.
        ("csrc/ir/text.cpp", "tests/compile tests/ir tests/passes tests/run"),
        ("csrc/passes/cse.cpp", "tests/compile tests/passes tests/run"),
        ("csrc/passes.def", "tests/compile tests/passes tests/run"),
        ("csrc/run/kernels/kernels.cpp", "tests/compile tests/run"),
        # A part of the package, be it a folder or a module.
        ("python/fastgrad/compile/jit.py", "tests/compile"),
        ("python/fastgrad/nn/layers.py", "tests/nn"),
        ("python/fastgrad/engine.py", "tests/engine"),
        # Folders beside the package.
        ("examples/moons.py", "tests/examples"),
        ("benchmarks/workloads/chain.py", "tests/benchmarks"),
        ("docs/conf.py", "tests/docs"),
        # Pages, wherever they lie.
        ("README.md", "tests/docs"),
        ("docs/graphs.md", "tests/docs"),
        # Tests themselves, and what only the tests of one folder read.
        ("tests/ir/test_program_text.py", "tests/ir/test_program_text.py"),
        ("tests/packaging/typed_example.py", "tests/packaging"),
        ("tests/ir/test_that_was_deleted.py", ""),
        ("tests/cpp/ir_text.cpp", ""),
        # What every test depends on, and what no folder is named after.
        ("csrc/core/tape.cpp", "tests"),
        ("csrc/bind/graph.cpp", "tests"),
        ("csrc/ops.def", "tests"),
        ("python/fastgrad/__init__.py", "tests"),
        ("tests/conftest.py", "tests"),
        ("tests/support/operations.py", "tests"),
        ("tests/data/graphs/plain.graph", "tests"),
        ("CMakeLists.txt", "tests"),
        ("something/new.xyz", "tests"),
        # A name outside the sources is no part of the package.
        (".ci/run", "tests"),
        ("tools/stubs/fastgrad/examples/__init__.pyi", "tests"),
    ],
)
def test_a_changed_file_names_its_tests(tool: ModuleType, changed: str, tests: str):
    assert " ".join(sorted(tool.affected([changed]))) == tests


def test_several_files_name_each_test_once(tool: ModuleType):
    names = ["csrc/run/plan.cpp", "csrc/run/plan.hpp", "tests/run/test_batches.py", "tests/nn/test_layers.py"]
    assert tool.affected(names) == {"tests/run", "tests/compile", "tests/nn/test_layers.py"}


def test_one_file_that_needs_all_tests_is_enough(tool: ModuleType):
    assert tool.affected(["python/fastgrad/nn/layers.py", "csrc/ops.def", "README.md"]) == {"tests"}


def test_every_source_names_tests_that_exist(tool: ModuleType):
    trees = {*tool.TREES} - {"tests"}  # which ctest may run, or nothing if they are gone
    sources = [path for tree in trees for path in (ROOT / tree).rglob("*") if path.is_file()]
    assert len(sources) > 100
    for path in sources:
        tests = tool.affected([path.relative_to(ROOT).as_posix()])
        assert tests
        for name in tests:
            assert any((ROOT / name).rglob("test_*.py")), f"{path} names {name}"


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_changes_are_those_since_the_branch_left_main(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tool, "ROOT", tmp_path)

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=A", "-c", "user.email=a@b.invalid", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)

    def commit(name: str) -> None:
        (tmp_path / name).write_text(name)
        git("add", name)
        git("commit", "-m", name)

    git("init")
    commit("before")
    assert set(tool.changed()) == set()
    (tmp_path / "before").write_text("edited")
    (tmp_path / "untracked").write_text("")
    assert set(tool.changed()) == {"before", "untracked"}  # without a main to compare with: what is not committed
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    commit("committed")
    assert set(tool.changed()) == {"before", "committed", "untracked"}
