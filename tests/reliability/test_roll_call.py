"""Every part of the package is tested: each kind of object has a table, and every row of the table is tested."""

from __future__ import annotations

import pytest

from fastgrad import optim
from support.roll_call import ROLLS, Roll, classes_below


@pytest.mark.parametrize("kind", ROLLS)
def test_everything_has_a_row_in_its_table(kind: str):
    assert ROLLS[kind]().missing() == ""


def test_missing_rows_and_rows_of_nothing_are_named():
    assert Roll("a table", ["a", "b", "c"], ["b"]).missing() == "a table has no row for a, c"
    assert Roll("a table", ["a"], ["a", "b"]).missing() == "a table has rows for what is gone: b"
    assert Roll("a table", ["a"], ["b"]).missing().count("row") == 2


def test_subclasses_of_users_and_private_ones_are_not_the_packages():
    class Mine(optim.SGD):
        pass

    found = list(classes_below(optim.Optimizer, "fastgrad.optim"))
    assert {"SGD", "Adam", "AdamW"} <= {*found}
    assert Mine.__name__ not in found
