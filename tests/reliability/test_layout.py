"""The layout of the tests mirrors the package; shared code is in `support`, and no test file is imported."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from support.paths import ROOT, TESTS

FILES = sorted(TESTS.rglob("*.py"))
#: Modules that a bare name would find: a file in the same folder, or another folder of tests/.
LOCAL = {name for path in FILES for name in (path.stem, path.parent.name)} - {"support", *sys.stdlib_module_names}


def imported(path: Path) -> Iterator[str]:
    """The modules that a file imports anywhere; relative imports begin with a dot."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def test_no_file_of_the_tests_is_imported_by_a_bare_name():
    wrong = [(path.name, name) for path in FILES for name in imported(path) if name.partition(".")[0] in {"", *LOCAL}]
    assert wrong == []


def test_a_bare_name_would_be_found(tmp_path: Path):
    program = tmp_path / "test_x.py"
    program.write_text(
        "import exact\ndef f():\n    from operations.x import bits\nfrom . import y\nimport support.z\n"
    )
    assert list(imported(program)) == ["exact", ".", "support.z", "operations.x"]
    assert {"exact", "operations", "test_layout", "engine"} <= LOCAL


def test_every_test_file_is_in_a_folder_and_has_a_unique_name():
    assert [path.name for path in TESTS.glob("*.py")] == ["conftest.py"]
    counts = Counter(path.name for path in FILES if path.name.startswith("test_"))
    assert counts.most_common(1)[0][1] == 1
    assert all(path.parent.parent == TESTS for path in FILES if path.name in counts)


def test_every_folder_is_named_after_what_it_tests():
    tested = {path.stem for folder in ("python/fastgrad", "csrc", ".") for path in (ROOT / folder).iterdir()}
    assert {path.parent.name for path in TESTS.glob("*/*.py")} <= {*tested, "packaging", "reliability", "support"}
