"""to_json: the expression as a JSON tree."""

from __future__ import annotations

import json
import math
from textwrap import dedent

import pytest

from fastgrad import Value


def test_product_plus_leaf_is_written_with_indentation():
    a, b, c = Value(2.0), Value(-3.0), Value(10.0)
    assert (a * b + c).to_json() == dedent(
        """\
        {
          "value": 4.0,
          "children": [
            {
              "value": -6.0,
              "children": [
                {
                  "value": 2.0,
                  "children": [],
                  "operation": "none"
                },
                {
                  "value": -3.0,
                  "children": [],
                  "operation": "none"
                }
              ],
              "operation": "multiplication"
            },
            {
              "value": 10.0,
              "children": [],
              "operation": "none"
            }
          ],
          "operation": "addition"
        }"""
    )


@pytest.mark.parametrize("indent", [None, 0, 2, 4])
def test_any_indentation_is_what_json_dumps_writes(indent: int | None):
    text = ((Value(2.0) * -3.0 + 10.0).tanh() ** 2).to_json(indent=indent)
    assert text == json.dumps(json.loads(text), indent=indent)


def test_leaf():
    assert json.loads(Value(3.14).to_json()) == {"value": 3.14, "children": [], "operation": "none"}


def test_value_used_twice_stands_in_the_tree_twice():
    a = Value(3.0)
    tree = json.loads((a * a).to_json())
    assert tree["children"] == [{"value": 3.0, "children": [], "operation": "none"}] * 2


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Value(1.0) - 1.0, "subtraction"),
        (Value(1.0) / 2.0, "division"),
        (Value(1.0).tanh(), "hyperbolic tangent"),
        (Value(4.0, (Value(2.0),), "square"), "square"),
        (Value(4.0, (Value(2.0),), (4.0,)), "none"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_operation_by_name(value: Value, name: str):
    assert json.loads(value.to_json())["operation"] == name


def test_infinity_and_nan_are_written_as_pythons_json_does():
    tree = json.loads((Value(math.inf) + math.nan).to_json())
    assert math.isnan(tree["value"])
    assert tree["children"][0]["value"] == math.inf


def test_tree_that_is_too_large_is_refused():
    v = Value(1.0)
    for _ in range(60):
        v = v + v
    with pytest.raises(ValueError, match=r"more than max_nodes=10000 objects: give a larger max_nodes"):
        v.to_json()
    with pytest.raises(ValueError, match=r"max_nodes=2 "):
        (Value(1.0) + 1.0).to_json(max_nodes=2)
    assert (Value(1.0) + 1.0).to_json(max_nodes=3)


def test_deep_chain_needs_no_recursion():
    v = Value(1.0)
    for _ in range(4_900):
        v = -v
    assert v.to_json(indent=None).count('"negation"') == 4_900
