"""The formulas of the tables: Python parses them, traits and meanings are true, and they print as mathematics."""

from __future__ import annotations

import ast
import itertools
import math
import sys
from collections.abc import Callable, Mapping

import pytest

import fastgrad
from fastgrad import _core
from fastgrad.formulas import CONSTANTS, HELPERS, called, inlined, parse, readable
from fastgrad.reference import OPERATIONS, Operation, formulas
from support.edge_table import EDGES
from support.operations import all_arguments, every, every_operation, outcome, same

ROWS = {row.name: row for row in _core.operations()}
#: Calls that are one processor instruction, on the sign bit.
INLINE = {"fabs", "copysign"}


# ---- an interpreter of formulas --------------------------------------------------------------------------------


def quiet(function: Callable[..., float]) -> Callable[..., float]:
    """Returns IEEE 754's results where Python raises; nan where no pole or overflow of the tables needs them."""

    def ieee(*arguments: float) -> float:
        try:
            return float(function(*arguments))
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return ieee


FUNCTIONS: dict[str, Callable[..., float]] = {
    **{name: quiet(function) for name, function in vars(math).items() if callable(function)},
    **{name: getattr(formulas, name) for name in ("exp2", "cbrt", "digamma", "polygamma", "erfinv")},
    **{name.removeprefix("ieee_"): f for name, f in vars(formulas).items() if name.startswith("ieee_")},
    "log_gamma": quiet(math.lgamma),
    "max": max,
    "min": min,
    "log2": lambda x: math.log2(x) if x else -math.inf,
    "floor": OPERATIONS["floor"].value,
    "ceil": OPERATIONS["ceil"].value,
}


def evaluate(tree: ast.expr, names: Mapping[str, float]) -> float:
    """The number for a formula without helpers, computed only by the rules at the head of ops.def."""
    match tree:
        case ast.Constant(value=float() | int() as number):
            return number
        case ast.Name(id=name):
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=x):
            return -evaluate(x, names)
        case ast.BinOp(left=x, op=op, right=y):
            first, second = evaluate(x, names), evaluate(y, names)
            match op:
                case ast.Add():
                    return first + second
                case ast.Sub():
                    return first - second
                case ast.Mult():
                    return first * second
                case ast.Div():
                    return formulas.ieee_div(first, second)
                case ast.Pow():
                    return formulas.ieee_pow(float(first), float(second))
        case ast.Compare(left=x, ops=[op], comparators=[y]):
            first, second = evaluate(x, names), evaluate(y, names)
            match op:
                case ast.Lt():
                    return float(first < second)
                case ast.LtE():
                    return float(first <= second)
                case ast.Gt():
                    return float(first > second)
                case ast.GtE():
                    return float(first >= second)
                case ast.Eq():
                    return float(first == second)
        case ast.IfExp(test=condition, body=x, orelse=y):
            return evaluate(x if evaluate(condition, names) != 0.0 else y, names)
        case ast.Call(func=ast.Name(id="choose"), args=[condition, x, y]):
            return evaluate(ast.IfExp(condition, x, y), names)
        case ast.Call(func=ast.Name(id=function), args=arguments):
            return FUNCTIONS[function](*(evaluate(argument, names) for argument in arguments))
    raise AssertionError(f"no part of a formula: {ast.unparse(tree)}")


NUMBERS = {name: row.value for name, row in CONSTANTS.items()}


def number(formula: str, **names: float) -> float:
    return float(evaluate(inlined(parse(formula)), {**NUMBERS, **names}))


# ---- what the formulas say -------------------------------------------------------------------------------------


@every_operation
def test_the_formulas_read_in_python_give_the_numbers_of_the_reference(operation: Operation):
    row = ROWS[operation.name]
    wrong = []
    for arguments in all_arguments(operation):
        names = dict(zip("xy", arguments, strict=False))
        value = outcome(operation.value, *arguments)
        if not isinstance(value, float):
            continue
        numbers = [number(row.value, **names), *(number(p, **names, r=value) for p in row.partials)]
        expected = [value, *(partial(*arguments, value) for partial in operation.partials)]
        if not all(map(same, [operation.name] * 3, numbers, expected)):
            wrong.append((arguments, numbers, expected))
    assert wrong == []


@pytest.mark.parametrize("name", HELPERS)
def test_a_helper_has_parameters_a_formula_and_a_use(name: str):
    helper = HELPERS[name]
    used = {node.id for node in ast.walk(parse(helper.formula)) if isinstance(node, ast.Name)}
    assert set(helper.parameters) <= used
    texts = [text for row in ROWS.values() for text in (row.value, *row.partials)]
    texts += [other.formula for other in HELPERS.values()]
    is_in_cpp = name == "stop_gradient"  # the shift of softmax
    assert is_in_cpp or any(f"{name}(" in text for text in texts)


@pytest.mark.parametrize("name", [name for name, row in HELPERS.items() if row.meaning])
def test_the_meaning_of_a_helper_is_its_formula_in_ordinary_numbers(name: str):
    helper = HELPERS[name]
    for arguments in itertools.product((0.25, 0.5, 1.0, 2.0, 3.0), repeat=len(helper.parameters)):
        names = dict(zip(helper.parameters, arguments, strict=True))
        assert number(helper.formula, **names) == pytest.approx(number(helper.meaning, **names), rel=1e-15), names


@pytest.mark.parametrize("name", [name for name, row in CONSTANTS.items() if row.meaning])
def test_a_constant_is_the_float_next_to_its_meaning(name: str):
    meant = number(CONSTANTS[name].meaning, pi=math.pi, e=math.e)
    assert CONSTANTS[name].value == pytest.approx(meant, rel=4e-16)


def test_the_lowest_number_is_the_lowest_float():
    assert CONSTANTS["lowest"].value == -sys.float_info.max


# ---- traits ----------------------------------------------------------------------------------------------------


def calls(formula: str) -> bool:
    return not called(formula) <= INLINE


@every_operation
def test_the_traits_of_a_row_are_those_of_its_formulas(operation: Operation):
    row = ROWS[operation.name]
    assert row.zero_partials == tuple(partial == "0.0" for partial in row.partials)
    assert row.value_calls == calls(row.value)
    assert {calls(p) for p, is_zero in zip(row.partials, row.zero_partials, strict=True) if not is_zero} <= {
        row.partials_call
    }
    if row.has_vector_function:
        assert row.value == f"{row.name}(x)"
        assert called(row.value) == {row.name}


@every(lambda row: ROWS[row.name].commutes)
def test_a_row_that_commutes_gives_the_same_bits_both_ways(operation: Operation):
    function = getattr(fastgrad, operation.name)
    for x, y in [*all_arguments(operation), *itertools.product(EDGES, repeat=2)]:
        assert same("", function(x, y), function(y, x)), (x, y)


def test_functions_on_whole_registers_are_looked_for_where_the_table_says_so():
    assert set(_core.vector_functions()) <= {name for name, row in ROWS.items() if row.has_vector_function}


# ---- mathematics -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "written"),
    [
        ("1.0 / (3.0 * r * r)", "1 / (3 * r * r)"),
        ("-0.5 * r / x", "-0.5 * r / x"),
        ("-1.0 / 3.0 + x", "-1 / 3 + x"),
        ("x - (y - r)", "x - (y - r)"),
        ("x * (y / r)", "x * (y / r)"),
        ("-(x + y)", "-(x + y)"),
        ("-atan2_dx(x, y)", "-x / (x**2 + y**2)"),
        ("pow(-x, y + 1.0)", "(-x)**(y + 1)"),
        ("pow(pow(x, y), r)", "(x**y)**r"),
        ("fabs(x - y) * ln_2", "|x - y| * log(2)"),
        ("x * sqrt_half", "x * sqrt(1/2)"),
        ("hypot_dx(y, r)", "y / r"),
        ("maximum_dx(y, x)", "(1 if y > x else 1/2 if y == x else 0)"),
        ("choose(y, -0.0, choose(x < 0.0, 1.0, x))", "(-0 if y != 0 else 1 if x < 0 else x)"),
        ("1.0 - (y >= 0.0)", "1 - (1 if y >= 0 else 0)"),
        ("1e-300 * lowest", "1e-300 * lowest"),
    ],
)
def test_formulas_are_written_as_mathematics(formula: str, written: str):
    assert readable(formula) == written


def test_names_take_the_place_of_variables_and_of_nothing_else():
    assert readable("expm1(x) + r * y", {"x": "a", "y": "(the b)", "r": "v1"}) == "expm1(a) + v1 * (the b)"
    assert readable("over_square(x, y, r)", {"y": "x"}) == "over_square(x, x, r)"


def test_anything_but_a_formula_is_refused():
    with pytest.raises(ValueError, match=r"no formula: x\[0\]"):
        readable("x[0]")
    with pytest.raises(SyntaxError):
        readable("x < 0.0 ? 0.0 : x")
