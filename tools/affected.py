"""The tests nearest to the changes, for pytest: `python -m pytest $(python tools/affected.py)`.

A folder of tests has the name of what it tests, so a file's path determines its tests: those of csrc/run/plan.cpp are
tests/run, and those of the layers above it. Changes to files without such a folder, such as csrc/core, can break all
tests. The changes are the differences from the newest commit that this branch shares with origin/main, committed or
not.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {path.parent.name for path in ROOT.glob("tests/*/test_*.py")}
LAYERS = ("ir", "passes", "run", "compile")  # each of them uses those before it
TREES = ("csrc", "python", "docs", "examples", "benchmarks", "tests")  # elsewhere, as in .ci, a name means nothing
EVERYTHING = {"tests"}


def git(*arguments: str) -> list[str]:
    """The lines of git's output."""
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def changed() -> Iterable[str]:
    """The changed files, including new ones."""
    main = git("for-each-ref", "--format=%(objectname)", "refs/remotes/origin/main")
    base = git("merge-base", "HEAD", *main)[0] if main else "HEAD"
    return [*git("diff", "--name-only", base), *git("ls-files", "--others", "--exclude-standard")]


def tests_of(name: str) -> set[str]:
    """The tests of one file: a test file, folders, or all of them."""
    path = PurePosixPath(name)
    if path.parts[:2] == ("tests", "cpp"):
        return set()  # ctest runs them
    if path.parts[0] == "tests" and path.name.startswith("test_"):
        return {name} if (ROOT / name).exists() else set()
    if path.suffix == ".md":
        return {"tests/docs"}
    if path.parts[0] not in TREES:
        return EVERYTHING
    for part in path.parts[:2] if path.parts[0] == "tests" else path.with_suffix("").parts:
        if part in LAYERS:
            return {f"tests/{layer}" for layer in LAYERS[LAYERS.index(part) :]}
        if part in FOLDERS:
            return {f"tests/{part}"}
    return EVERYTHING


def affected(names: Iterable[str]) -> set[str]:
    """The tests of several files, without duplicates."""
    found = set().union(*map(tests_of, names))
    if found >= EVERYTHING:
        return EVERYTHING
    return {test for test in found if test.count("/") < 2 or test.rpartition("/")[0] not in found}


if __name__ == "__main__":
    print(*sorted(affected(changed())))
