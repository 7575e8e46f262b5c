"""Plant the mutants of tests/support/mutants.py one by one, build each, and check that the tests find it.

Works in a copy of the tree. First it tests the unchanged copy: the whole suite must pass, because otherwise later
failures mean nothing. Then each mutant: the tests that its row names, and the whole suite if they pass. Prints a
table and exits with 1 if fewer than 95 % are caught. ccache makes it faster.

Usage: python tools/mutants.py [--only TEXT ...] [--no-control] [--work DIRECTORY]
Needs Python 3.11, CMake, Ninja, and the tests' dependencies. Nothing is installed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.mutants import MUTANTS, Mutant  # noqa: E402

#: The files of a wheel, and their sources.
PACKAGES: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["scikit-build"]["wheel"][
    "packages"
]
LEAST_CAUGHT = 0.95
#: Seconds. A mutant that makes a test run forever is caught as well.
CHOSEN_LIMIT, SUITE_LIMIT = 300, 1800


class Copy:
    """A copy of the tree with a separate build; one file at a time is changed."""

    def __init__(self, work: Path) -> None:
        self.tree, self.build, self.package = work / "tree", work / "build", work / "package"
        listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in filter(None, subprocess.check_output(listed, text=True).split("\0")):
            if (ROOT / name).is_file():
                (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.tree / name)  # with a new date, so that it is rebuilt
        self._configure()

    def _configure(self) -> None:
        import pybind11

        options = {
            "CMAKE_BUILD_TYPE": "Debug",
            "CMAKE_CXX_FLAGS_DEBUG": "",  # nobody will debug it: optimizing and -g would double the time
            "pybind11_DIR": pybind11.get_cmake_dir(),
            "PYBIND11_FINDPYTHON": "ON",
            "Python_EXECUTABLE": sys.executable,
            "SKBUILD_PROJECT_VERSION": "0.0",
            "SKBUILD_PROJECT_VERSION_FULL": "0.0",
        }
        if shutil.which("ccache"):
            options["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
        given = [f"-D{name}={value}" for name, value in options.items()]
        run(["cmake", "-S", self.tree, "-B", self.build, "-G", "Ninja", *given])

    def install(self) -> None:
        """Install what a wheel would contain into a separate folder."""
        run(["cmake", "--build", self.build])
        shutil.rmtree(self.package, ignore_errors=True)
        for name, source in PACKAGES.items():
            shutil.copytree(self.tree / source, self.package / name, dirs_exist_ok=True)
        for library in self.build.glob("_core.*"):
            if library.suffix in (".so", ".pyd", ".dylib"):
                shutil.copy2(library, self.package / "fastgrad")

    def failure(self, tests: tuple[str, ...], limit: int) -> str:
        """The first test that fails, or how the run ended; empty if all pass. No names mean the whole suite."""
        command = [sys.executable, "-X", "dev", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=no"]
        command += ["--hypothesis-profile=mutants", "--ignore=tests/reliability/test_mutants.py"]  # would always fail
        command += [str(path) for name in tests for path in self.tree.glob(f"tests/*/{name}.py")]
        environment = os.environ | {"PYTHONPATH": str(self.package), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                command, cwd=self.tree, env=environment, capture_output=True, text=True, timeout=limit, check=False
            )
        except subprocess.TimeoutExpired:
            return f"no end within {limit} s"
        if done.returncode == 0:
            return ""
        if done.returncode < 0:
            return f"crash: signal {-done.returncode} in {', '.join(tests) or 'the suite'}"
        found = re.search(r"^(?:FAILED|ERROR) tests/(?:\w+/)*(\S+)", done.stdout, re.MULTILINE)
        return found[1] if found else f"exit code {done.returncode}"

    def caught_by(self, mutant: Mutant) -> str:
        """The test that finds the mutant; empty if none does."""
        file = self.tree / mutant.file
        text = file.read_text()
        file.write_text(mutant.applied(text))
        try:
            self.install()
            return self.failure(mutant.tests, CHOSEN_LIMIT) or self.failure((), SUITE_LIMIT)
        finally:
            file.write_text(text)


def run(command: list[str | Path]) -> None:
    """A build step; its output is shown only when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout[-5000:]}\n{done.stderr[-5000:]}")


def row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="+", default=[""], help="mutants whose description or file has one of these")
    parser.add_argument("--no-control", action="store_true", help="do not test the unchanged tree first")
    parser.add_argument("--work", type=Path, help="where to build; by default a directory that is removed at the end")
    options = parser.parse_args()
    chosen = [m for m in MUTANTS if any(text in f"{m.what} {m.file}" for text in options.only)]
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        copy = Copy(options.work or Path(temporary))
        row("mistake", "file", "found by")
        row("---", "---", "---")
        if not options.no_control:
            copy.install()
            if failure := copy.failure((), SUITE_LIMIT):
                raise SystemExit(f"the unchanged tree fails: {failure}")
            row("none: the control", "", "nothing: the whole suite passes")
        caught = 0
        for mutant in chosen:
            found = copy.caught_by(mutant)
            caught += bool(found)
            row(mutant.what, f"`{mutant.file}`", f"`{found}`" if found else "**nothing**")
    minutes = (time.monotonic() - started) / 60
    print(f"\n{caught} of {len(chosen)} mutants caught, in {minutes:.0f} minutes.")
    return 0 if caught >= LEAST_CAUGHT * len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
