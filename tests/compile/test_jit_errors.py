"""What a recording refuses, namely everything that would freeze a number, and that an error leaves nothing behind."""

from __future__ import annotations

import copy
import inspect
import math
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from fastgrad import Value, _core, jit, no_grad, vmap


@pytest.fixture(autouse=True)
def no_recording_is_left() -> Iterator[None]:
    yield
    assert not _core.is_tracing()
    a = Value(2.0)
    b = a * 3.0
    b.backward()
    assert (b.data, float(b), a.grad, b < 7.0, bool(b)) == (6.0, 6.0, 3.0, True, True)
    assert jit(lambda x: x * a)(5.0).data == 10.0


outside = Value(2.0)


def sets_data(x: Any) -> None:
    outside.data = 3.0


def sets_grad(x: Any) -> None:
    outside.grad = 3.0


def enters_no_grad(x: Any) -> Any:
    with no_grad():
        return x * 2.0


@no_grad()
def is_decorated(x: Any) -> Any:
    return x * 2.0


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "data": (lambda x: x.data, r"reading \.data"),
    "data of an interior Value": (lambda x: (x * 2.0).data, r"reading \.data"),
    "data of a leaf from outside": (lambda x: x * outside.data, r"reading \.data"),
    "grad": (lambda x: x.grad, r"reading \.grad"),
    "setting data": (sets_data, r"setting \.data"),
    "setting grad": (sets_grad, r"setting \.grad"),
    "float()": (float, r"float\(\)"),
    "int()": (int, r"int\(\)"),
    "bool()": (bool, r"bool\(\)"),
    "if": (lambda x: 1.0 if x else 2.0, r"bool\(\)"),
    "and": (lambda x: x and x * 2.0, r"bool\(\)"),
    "not": (lambda x: not x, r"bool\(\)"),
    "== of comparisons": (lambda x: (x < 1.0) == (x < 2.0), "== of a comparison"),
    "!= of comparisons": (lambda x: (x < 1.0) != True, "== of a comparison"),  # noqa: E712
    "round()": (round, "__round__"),
    "round() to digits": (lambda x: round(x, 2), "__round__"),
    "floor": (math.floor, "__floor__"),
    "ceil": (math.ceil, "__ceil__"),
    "trunc": (math.trunc, "__trunc__"),
    "format": (lambda x: f"{x:.3f}", "__format__"),
    "math": (lambda x: math.exp(x) * x, r"float\(\)"),
    "Value(v)": (lambda x: Value(x), "taking a Value for a number"),
    "Value(v) by name": (lambda x: Value(data=x * 2.0), "taking a Value for a number"),
    "backward()": (lambda x: (x * outside).backward(), r"backward\(\)"),
    "_backward()": (lambda x: (x * outside)._backward(), r"_backward\(\)"),
    "zero_grad()": (lambda x: x.zero_grad(), r"zero_grad\(\)"),
    "no_grad": (enters_no_grad, "no_grad"),
    "no_grad as a decorator": (lambda x: is_decorated(x), "no_grad"),
    "copy": (copy.copy, r"copy\(\)"),
    "deepcopy": (copy.deepcopy, r"reading \.data"),
    "pickle": (lambda x: pickle.dumps(x * 2.0), r"reading \.data"),
    "to_json": (lambda x: x.to_json(), r"reading \.data"),
    "draw_dot": (lambda x: x.draw_dot(), r"draw_dot\(\)"),
    "numpy.array of float": (lambda x: np.array([x], dtype=float), r"float\(\)"),
}
every_refusal = pytest.mark.parametrize(("function", "what"), REFUSED.values(), ids=REFUSED)


@every_refusal
@pytest.mark.parametrize("decorate", [jit, lambda f: jit(jit(f)), lambda f: jit(lambda x: vmap(f)([x]))])
def test_freezing_a_number_is_an_error(decorate: Callable[..., Any], function: Callable[[Any], Any], what: str):
    recorded = decorate(function)
    for _ in range(2):
        with pytest.raises(TypeError, match=what + " inside a function that is being recorded .* would freeze"):
            recorded(1.5)
    assert (outside.data, outside.grad, recorded.recordings) == (2.0, 0.0, 0)


@every_refusal
def test_in_a_mapped_function_too(function: Callable[[Any], Any], what: str):
    with pytest.raises(TypeError, match=what + " inside a function that is being recorded"):
        vmap(function)([1.5, 2.5])
    assert (outside.data, outside.grad) == (2.0, 0.0)


def test_the_error_names_file_and_line_and_has_hints():
    def reads(x: Any) -> Any:
        y = x * 2.0
        return y * y.data

    line = inspect.getsourcelines(reads)[1] + 2
    with pytest.raises(TypeError) as raised:
        jit(reads)(1.0)
    assert f"({__file__}, line {line})" in str(raised.value)
    for hint in ("where()", "maximum()", "minimum()", "detach()", "outside"):
        assert hint in str(raised.value)


def test_operations_that_read_no_number_are_allowed():
    def f(x: Any) -> Any:
        y = x * 2.0
        y.label = "y"
        assert y.label == "y"
        assert y._op == "*"
        assert x in y._prev
        assert x == x
        assert x != y
        assert len({x, y, x}) == 2
        assert y.topological_order()[-1] is y
        assert "Value" in repr(y)  # so that print() works while debugging
        return +y

    assert jit(f)(3.0).data == 6.0


# ---- what the function uses and returns


def test_a_value_that_was_computed_outside_is_an_error():
    w = Value(2.0)
    doubled = w * 2.0
    for f in (jit(lambda x: x * doubled), jit(lambda x: [x, doubled]), vmap(lambda x: x + doubled.tanh())):
        with pytest.raises(TypeError, match=r"a Value that was computed outside it.*compute it inside, or pass it"):
            f([1.0] if f.__class__.__name__ == "Mapped" else 1.0)
    assert jit(lambda x, d: x * d)(3.0, doubled).data == 12.0
    assert jit(lambda x: x * (w * 2.0))(3.0).data == 12.0


def test_a_comparison_with_a_value_that_was_computed_outside_is_an_error():
    computed = Value(2.0) * 2.0
    with pytest.raises(TypeError, match="computed outside"):
        jit(lambda x: x if x < computed else -x)(1.0)


@pytest.mark.parametrize("local", ["cube", (3.0,)], ids=["callback", "local gradient"])
def test_a_custom_operation_is_an_error(local: Any):
    with pytest.raises(TypeError, match=r"custom operation.*write it with fastgrad's operations"):
        jit(lambda x: Value(1.0, (x,), local))(1.0)
    own = Value(1.0, (Value(1.0),), local)
    with pytest.raises(TypeError, match=r"custom operation|computed outside"):
        jit(lambda x: x * own)(1.0)
    assert jit(lambda x, own: x * own)(2.0, own).data == 2.0


def generator(x: Any) -> Iterator[Any]:
    yield x


RESULTS = {
    "None": (lambda x: None, "must return Values or numbers, not None"),
    "nothing": (lambda x: {"a": []}, r"must return Values or numbers, not \{'a': \[\]\}"),
    "a str": (lambda x: "x", "must return Values or numbers, not 'x'"),
    "a generator": (generator, "'generator' is neither a number nor"),
    "a set": (lambda x: {x}, "'set' is neither a number nor"),
    "an object": (lambda x: [x, object()], "'object' is neither a number nor"),
    "complex": (lambda x: 1j, "'complex' is neither a number nor"),
}


@pytest.mark.parametrize(("function", "message"), RESULTS.values(), ids=RESULTS)
def test_a_result_that_cannot_be_recorded_is_an_error(function: Callable[..., Any], message: str):
    for recorded, argument in ((jit(function), 1.0), (vmap(function), [1.0])):
        with pytest.raises(TypeError, match=message):
            recorded(argument)
        assert recorded.recordings == 0


ARGUMENTS = {
    "a set": ({1.0}, "'set' is neither a number nor"),
    "an object": (object(), "'object' is neither a number nor"),
    "complex": (1j, "'complex' is neither a number nor"),
    "numpy complex": (np.complex64(1j), "'complex64' is neither a number nor"),
    "complex array": (np.array([1j]), "must hold real numbers or Values, not complex128"),
    "array of str": (np.array(["1.0"]), "must hold real numbers or Values, not <U3"),
    "array of dates": (np.array(["2024-01-01"], "datetime64[D]"), "must hold real numbers or Values, not datetime64"),
    "array of str objects": (np.array(["1.0"], dtype=object), "real number"),
    "array of None": (np.array([None]), "real number"),
}


@pytest.mark.parametrize(("argument", "message"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_an_argument_that_is_not_a_number_is_an_error_whether_recorded_before_or_not(argument: Any, message: str):
    f = jit(lambda x: x[0] * 1.0 if isinstance(x, np.ndarray) else x * 1.0)
    for _ in range(2):
        with pytest.raises(TypeError, match=message):
            f(argument)
        f(np.array([1.0]))
        f(1.0)


def test_a_number_too_large_for_a_float_is_an_error():
    f = jit(lambda x: x * 1.0)
    for _ in range(2):
        with pytest.raises(OverflowError):
            f(10**400)
        assert f(1).data == 1.0


# ---- options


def test_options_that_make_no_sense_are_errors():
    with pytest.raises(ValueError, match="max_recordings must be 1 or more, not 0"):
        jit(lambda x: x, max_recordings=0)
    for decorate in (jit, vmap):
        with pytest.raises(ValueError, match="threads must be 1 or more, not 0"):
            decorate(lambda x: x, threads=0)
        with pytest.raises(ValueError, match="no pass named 'magic': choose from fold"):
            decorate(lambda x: x, passes=["magic"])
    with pytest.raises(ValueError, match="static_argnames names 'm', and there is no such parameter"):
        jit(lambda x, n: x, static_argnames=("n", "m"))
    with pytest.raises(TypeError, match="unhashable"):
        jit(lambda x, n: x, static_argnames="n")(1.0, n=[])


def test_wrong_arguments_raise_what_the_function_raises():
    f = jit(lambda x: x * 1.0)
    with pytest.raises(TypeError, match=r"<lambda>\(\) missing 1 required positional argument: 'x'"):
        f()
    with pytest.raises(TypeError, match="unexpected keyword argument 'y'"):
        f(1.0, y=2.0)


# ---- cleanup


@pytest.mark.parametrize(
    "error", [ValueError, KeyError, KeyboardInterrupt, SystemExit, GeneratorExit, RecursionError]
)
def test_an_exception_of_the_function_comes_through_and_ends_the_recording(
    error: type[BaseException], live_nodes: Callable[[], int]
):
    def fails(x: Any) -> Any:
        y = (x * 2.0).tanh() + Value(3.0)
        if y > 0.0:
            raise error("by the function")
        return y

    for recorded, argument in ((jit(fails), 1.0), (vmap(fails), [1.0]), (jit(lambda x: jit(fails)(x)), 1.0)):
        with pytest.raises(error, match="by the function"):
            recorded(argument)
        assert not _core.is_tracing()
        assert recorded.recordings == 0
    assert live_nodes() == 0


def test_no_grad_outside_survives_an_exception_inside():
    with no_grad():
        with pytest.raises(ZeroDivisionError):
            jit(lambda x: 1.0 / x)(0.0)
        assert (Value(1.0) + 1.0)._prev == set()
    assert (Value(1.0) + 1.0)._prev != set()


def test_a_recording_is_thread_local():
    inside, done = threading.Event(), threading.Event()
    seen: list[Any] = []

    def waits(x: Any) -> Any:
        inside.set()
        assert done.wait(10)
        return x * 2.0

    def records() -> None:
        seen.append(jit(waits)(3.0).data)

    thread = threading.Thread(target=records)
    thread.start()
    assert inside.wait(10)
    assert not _core.is_tracing()
    a = Value(2.0)
    b = a * 3.0
    b.backward()
    assert (float(b), a.grad, b > 1.0) == (6.0, 3.0, True)
    assert jit(lambda x: x + 1.0)(1.0).data == 2.0
    done.set()
    thread.join()
    assert seen == [6.0]
