"""Every mutant of support/mutants.py can still be planted; `tools/mutants.py` builds them and runs the tests."""

from __future__ import annotations

import pytest

from support.mutants import MUTANTS, Mutant
from support.paths import ROOT, TESTS


@pytest.mark.skipif(not (ROOT / "csrc").is_dir(), reason="needs the sources")
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_a_mutant_has_exactly_one_place(mutant: Mutant):
    text = (ROOT / mutant.file).read_text()
    assert mutant.applied(text) != text
    assert all(len(list(TESTS.glob(f"*/{name}.py"))) == 1 for name in mutant.tests)
