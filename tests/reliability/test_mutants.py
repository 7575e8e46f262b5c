"""Every mutant of tests/mutants.py can still be planted; `tools/mutants.py` builds them and runs the tests."""

from __future__ import annotations

import pytest

from mutants import MUTANTS, ROOT, Mutant


@pytest.mark.skipif(not (ROOT / "csrc").is_dir(), reason="needs the sources")
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_a_mutant_has_exactly_one_place(mutant: Mutant):
    text = (ROOT / mutant.file).read_text()
    assert mutant.applied(text) != text
    assert all((ROOT / "tests" / f"{name}.py").is_file() for name in mutant.tests)
