"""The modules of the package depend on each other in one direction, and import names from their owner, not the root.

Every import counts: at the top, in a function, only for type checkers, and by a name in a string.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from support import paths

ROOT = "fastgrad"
PACKAGE = paths.ROOT / "python" / ROOT
#: Packages installed besides the modules of this folder.
ELSEWHERE = ("fastgrad._core", "fastgrad.examples", "fastgrad.benchmarks")

Graph = dict[str, set[str]]


def modules_of(package: Path) -> dict[str, Path]:
    """The files of a package by module name."""
    parts = {path: path.relative_to(package.parent).with_suffix("").parts for path in package.rglob("*.py")}
    return {".".join(parts[path]).removesuffix(".__init__"): path for path in parts}


def imports_of(path: Path) -> Iterator[str]:
    """The imports of a file: modules, and names in modules as ``module.name``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                assert level == 0, f"{path} has a relative import"
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str() as name)],
            ):
                yield name


def graph_of(package: Path) -> Graph:
    """For each module of the package, the modules that it imports."""
    modules = modules_of(package)
    graph: Graph = {name: set() for name in modules}
    for name, path in modules.items():
        for target in imports_of(path):
            if target.startswith(ELSEWHERE):
                continue
            while target not in modules and "." in target:
                target = target.rpartition(".")[0]
            if target in modules:
                graph[name].add(target)
    return graph


def coarse(graph: Graph) -> Graph:
    """The same graph between the direct members of the package: its modules and packages."""

    def part(name: str) -> str:
        return ".".join(name.split(".")[:2])

    parts: Graph = {part(name): set() for name in graph}
    for name, targets in graph.items():
        parts[part(name)] |= {part(target) for target in targets} - {part(name)}
    return parts


def cycle_in(graph: Graph) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def importers_of_the_root(graph: Graph) -> list[str]:
    return [name for name, targets in graph.items() if ROOT in targets]


def test_no_module_imports_one_that_imports_it():
    assert cycle_in(graph_of(PACKAGE)) == []


def test_no_part_of_the_package_imports_one_that_imports_it():
    assert cycle_in(coarse(graph_of(PACKAGE))) == []


def test_no_module_imports_from_the_root_of_the_package():
    assert importers_of_the_root(graph_of(PACKAGE)) == []


# ---- tests of the test itself ----------------------------------------------------------------------------------


def make(folder: Path, files: dict[str, str]) -> Path:
    """A package with these files."""
    package = folder / ROOT
    for name, text in files.items():
        path = package / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return package


@pytest.mark.parametrize(
    "line",
    [
        "from fastgrad.b import y",
        "from fastgrad import b",
        "import fastgrad.b",
        "def f():\n    from fastgrad.b import y",
        "if TYPE_CHECKING:\n    from fastgrad.b import y",
        "b = importlib.import_module('fastgrad.b')",
    ],
)
def test_every_form_of_a_cycle_is_found(line: str, tmp_path: Path):
    package = make(tmp_path, {"__init__": "", "a": line, "b": "from fastgrad.a import x"})
    assert set(cycle_in(graph_of(package))) == {"fastgrad.a", "fastgrad.b"}


def test_cycles_between_packages_are_found(tmp_path: Path):
    package = make(tmp_path, {"p/a": "import fastgrad.q.b", "p/b": "", "q/a": "import fastgrad.p.b", "q/b": ""})
    assert cycle_in(graph_of(package)) == []
    assert set(cycle_in(coarse(graph_of(package)))) == {"fastgrad.p", "fastgrad.q"}


@pytest.mark.parametrize(
    "line", ["import fastgrad", "from fastgrad import x", "def f():\n    from fastgrad import x"]
)
def test_every_import_of_the_root_is_found(line: str, tmp_path: Path):
    package = make(
        tmp_path, {"__init__": "from fastgrad._core import x", "a": line, "b": "from fastgrad import _core"}
    )
    assert importers_of_the_root(graph_of(package)) == ["fastgrad.a"]
