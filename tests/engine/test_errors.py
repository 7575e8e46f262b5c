"""User errors and their exceptions: the type, the given value, and the suggested solution."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable
from typing import Any

import pytest

import fastgrad
from fastgrad import Value, _core, no_grad


class Text:
    def __repr__(self) -> str:
        return "<Text>"


class Failing:
    """A number that cannot be read."""

    def __float__(self) -> float:
        raise LookupError("no number today")


def own() -> Value:
    return Value(1.0, (Value(1.0),), "own")


def deleted(name: str) -> Callable[[], None]:
    return lambda: delattr(own(), name)


def assigned(name: str, value: Any) -> Callable[[], None]:
    return lambda: setattr(own(), name, value)


#: A call, the error's type, and its whole message.
ERRORS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "text as data": (
        lambda: Value("x"),
        TypeError,
        "Value() needs a real number, not 'x' of type 'str': read the number with float() first",
    ),
    "bytes as data": (
        lambda: Value(b"1"),
        TypeError,
        "Value() needs a real number, not b'1' of type 'bytes': read the number with float() first",
    ),
    "list as data": (
        lambda: Value([1]),
        TypeError,
        "Value() needs a real number, not [1] of type 'list': "
        "take one element at a time, as in [Value(x) for x in data]",
    ),
    "complex number as data": (
        lambda: Value(1j),
        TypeError,
        "Value() needs a real number, not 1j of type 'complex': take its .real or abs()",
    ),
    "None as data": (
        lambda: Value(None),
        TypeError,
        "Value() needs a real number, not None of type 'NoneType': give a float or an int",
    ),
    "object as data": (
        lambda: Value(Text()),
        TypeError,
        "Value() needs a real number, not <Text> of type 'Text': convert it with float() first",
    ),
    "data with a label": (
        lambda: Value("x", label="x"),
        TypeError,
        "Value() needs a real number, not 'x' of type 'str': read the number with float() first",
    ),
    "data assigned": (
        assigned("data", "x"),
        TypeError,
        "data needs a real number, not 'x' of type 'str': read the number with float() first",
    ),
    "grad assigned": (
        assigned("grad", None),
        TypeError,
        "grad needs a real number, not None of type 'NoneType': give a float or an int",
    ),
    "data deleted": (deleted("data"), TypeError, "data cannot be deleted: set it to 0.0"),
    "grad deleted": (deleted("grad"), TypeError, "grad cannot be deleted: set it to 0.0"),
    "label deleted": (deleted("label"), TypeError, "label cannot be deleted: set it to ''"),
    "label assigned": (
        assigned("label", 7),
        TypeError,
        "label needs a str, not 7 of type 'int': convert it with str()",
    ),
    "label given": (
        lambda: Value(1.0, label=7),
        TypeError,
        "label needs a str, not 7 of type 'int': convert it with str()",
    ),
    "single child": (
        lambda: Value(1.0, Value(2.0), "f"),
        TypeError,
        "_children needs a tuple of Values, not the single Value(data=2.0): write (v,)",
    ),
    "number among the children": (
        lambda: Value(1.0, (Value(2.0), 3), "f"),
        TypeError,
        "_children needs Values, not 3 of type 'int': wrap it as Value(...)",
    ),
    "too few local gradients": (
        lambda: Value(1.0, (Value(2.0), Value(3.0)), (1.0,)),
        ValueError,
        "1 local gradients for 2 children: give one for each",
    ),
    "text among the local gradients": (
        lambda: Value(1.0, (Value(2.0),), ("x",)),
        TypeError,
        "a local gradient needs a real number, not 'x' of type 'str': read the number with float() first",
    ),
    "number as the operation": (
        lambda: Value(1.0, (Value(2.0),), 3),
        TypeError,
        "_op needs a str, or a tuple of local gradients, not 3",
    ),
    "closure of a leaf": (
        lambda: setattr(Value(2.0), "_backward", print),
        TypeError,
        "_backward can be set only where the children were named: "
        "out = Value(data, (a, b), 'name'), not on Value(data=2.0)",
    ),
    "closure that cannot be called": (
        assigned("_backward", 3),
        TypeError,
        "_backward needs a function without arguments, not 3",
    ),
    "closure deleted": (deleted("_backward"), TypeError, "_backward needs a function without arguments, not None"),
    "closure beside local gradients": (
        lambda: setattr(Value(1.0, (Value(1.0),), (1.0,)), "_backward", print),
        TypeError,
        "this Value has local gradients already: give either them or _backward",
    ),
    "gradient of backward": (
        lambda: Value(1.0).backward("x"),
        TypeError,
        "gradient needs a real number, not 'x' of type 'str': read the number with float() first",
    ),
    "arguments of backward": (
        lambda: Value(1.0).backward(1.0, 2.0),
        TypeError,
        "backward() takes one optional argument: gradient",
    ),
    "name of backward's argument": (
        lambda: Value(1.0).backward(grad=1.0),
        TypeError,
        "backward() takes one optional argument: gradient",
    ),
    "operand of a function": (
        lambda: fastgrad.sin("x"),
        TypeError,
        "sin needs a real number, not 'x' of type 'str': read the number with float() first",
    ),
    "second operand of a method": (
        lambda: Value(1.0).hypot([2]),
        TypeError,
        "hypot needs a real number, not [2] of type 'list': "
        "take one element at a time, as in [Value(x) for x in data]",
    ),
    "number of operands": (lambda: fastgrad.hypot(1.0), TypeError, "hypot() takes two numbers, not 1"),
    "no operand": (lambda: fastgrad.elu(), TypeError, "elu() needs x"),
    "unknown parameter": (
        lambda: fastgrad.leaky_relu(1.0, alpha=2.0),
        TypeError,
        "leaky_relu() takes one optional argument besides x: slope",
    ),
    "type of Values": (
        lambda: _core.set_value_type(Value),
        RuntimeError,
        "the type of Values has been set already",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_message(
    case: str, live_nodes: Callable[[], int], tried: Callable[..., None], capfd: pytest.CaptureFixture[str]
):
    call, error, message = ERRORS[case]
    for _ in range(3):
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            call()
        tried()
    assert live_nodes() == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "**", "<", "<=", ">", ">="])
@pytest.mark.parametrize("other", ["x", [1], None, 1j, {}], ids=repr)
def test_operator_with_a_non_number_raises_pythons_own_type_error(
    symbol: str, other: Any, live_nodes: Callable[[], int]
):
    for expression in (f"v {symbol} other", f"other {symbol} v"):
        with pytest.raises(TypeError, match=r"not supported|unsupported operand|can't multiply|can only concatenate"):
            eval(expression, {"v": Value(1.0), "other": other})
    assert live_nodes() == 0


def test_constructor_without_data_or_with_unknown_names():
    with pytest.raises(TypeError, match="'data'"):
        Value()
    with pytest.raises(TypeError, match="name"):
        Value(1.0, name="w")
    with pytest.raises(TypeError, match="5 given"):
        Value(1.0, (), "", "", None)


def test_children_that_are_not_iterable():
    with pytest.raises(TypeError, match="not iterable"):
        Value(1.0, 3, "f")


@pytest.mark.parametrize("name", ["_prev", "_op"])
def test_structure_cannot_be_assigned(name: str):
    with pytest.raises(AttributeError, match=name):
        setattr(Value(1.0), name, None)


def test_integers_too_large_for_a_float_are_overflow_errors(live_nodes: Callable[[], int]):
    for call in (lambda: Value(10**400), lambda: Value(1.0) * 10**400, lambda: 10**400 + Value(1.0)):
        with pytest.raises(OverflowError, match="too large to convert to float"):
            call()
    assert live_nodes() == 0


def test_the_error_of_an_unreadable_number_is_passed_on(live_nodes: Callable[[], int]):
    v = Value(1.0)
    calls = [
        lambda: Value(Failing()),
        lambda: v * Failing(),
        lambda: Failing() + v,
        lambda: v < Failing(),
        lambda: v.hypot(Failing()),
        lambda: fastgrad.sin(Failing()),
        lambda: v.backward(Failing()),
        lambda: setattr(v, "data", Failing()),
        lambda: Value(1.0, (v,), (Failing(),)),
    ]
    for call in calls:
        with pytest.raises(LookupError, match="no number today"):
            call()
    assert v.data == 1.0
    assert live_nodes() == 1


def test_label_that_is_not_unicode_text(live_nodes: Callable[[], int]):
    with pytest.raises(UnicodeEncodeError):
        Value(1.0, label="\ud800")
    assert live_nodes() == 0


@pytest.mark.parametrize(
    "build",
    [
        lambda v: v / 0,
        lambda v: v * 2.0 + (v - v).log(),
        lambda v: Value(1.0, (v, v * 2.0), (1.0,)),
        lambda v: [v * 1.0, v.exp(), (v * 1000.0).exp()],
        lambda v: (v * 2.0).__pow__("x") + 1,
        lambda v: sum([v, v * 2.0, "x"]),
        lambda v: copy.deepcopy(closure_over(v)),
    ],
)
def test_failing_expression_leaves_no_nodes_behind(
    build: Callable[[Value], Any], live_nodes: Callable[[], int], tried: Callable[..., None]
):
    v = Value(1.0)
    for _ in range(3):
        with pytest.raises((ArithmeticError, ValueError, TypeError)):
            build(v)
        tried()
    assert live_nodes() == 1


def closure_over(v: Value) -> Value:
    out = Value(1.0, (v,), "own")
    out._backward = lambda: out.grad  # type: ignore[assignment]
    return out


def test_backward_never_raises_and_follows_ieee():
    x = Value(0.0)
    (x.sqrt() * 0.0 + x.cbrt()).backward()
    assert math.isnan(x.grad)
    y = Value(1e308)
    (y * y / 1e308).backward()
    assert y.grad == pytest.approx(2.0)


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str], live_nodes: Callable[[], int]):
    a = Value(2.0, label="a")
    with no_grad():
        a * 2.0
    loss = (a * 3.0).tanh() ** 2
    loss.backward()
    loss.zero_grad()
    loss.to_json()
    copy.deepcopy(loss)
    assert capfd.readouterr() == ("", "")


class Unreadable(list[float]):
    @property
    def tolist(self) -> Any:
        raise LookupError("not now")


def test_an_error_of_the_sequence_itself_comes_out():
    with pytest.raises(LookupError, match="not now"):
        fastgrad.sum(Unreadable([1.0]))
