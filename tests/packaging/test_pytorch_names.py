"""PyTorch names that fastgrad lacks: each row of the table is an AttributeError whose replacement works."""

from __future__ import annotations

import copy
import importlib
import inspect
import math
import pickle
import random
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import fastgrad
from fastgrad import Value, nn, optim, pytorch_names
from fastgrad.pytorch_names import HINTS
from support.programs import run

ROWS = [(where, name) for where in HINTS for name in HINTS[where]]
every_row = pytest.mark.parametrize(("where", "name"), ROWS, ids=[".".join(row) for row in ROWS])


class Sub(Value):
    """Has attributes of its own."""


def objects(where: str) -> Iterator[Any]:
    """The objects that lack the names of a part of the table."""
    if where == "Value":
        yield from (Value(2.0), Value(2.0) * 3.0, Sub(2.0), Value)
    elif where == "Module":
        yield from (nn.Module(), nn.Linear(2, 1), nn.Sequential(), nn.MLP(1, [1]), nn.Linear)
    else:
        yield importlib.import_module(where)
        if where == "fastgrad.nn.functional":
            yield importlib.import_module("fastgrad.functional")


def names_of_hints(name: str) -> dict[str, Any]:
    """What the code of the hints may use."""
    rows = [[Value(0.5), Value(1.0)], [Value(2.0), Value(0.25)]]
    model = nn.Linear(2, 2)
    return {
        "fastgrad": fastgrad, "nn": nn, "optim": optim, "Value": Value, "np": np, "math": math, "random": random,
        "v": Value(1.0 if name == "acosh" else 0.5), "x": 0.25, "n": 2,
        "xs": rows[0], "ys": rows[1], "rows": rows, "numbers": [1.0, 2.0],
        "f": lambda x: x, "model": model, "optimizer": optim.SGD(model.parameters(), lr=0.1),
    }  # fmt: skip


@every_row
def test_the_name_is_an_attribute_error_that_says_what_to_write(where: str, name: str):
    for thing in objects(where):
        if where == "fastgrad.nn.functional" and hasattr(thing, name):
            continue  # a function of fastgrad.functional
        with pytest.raises(AttributeError) as caught:
            getattr(thing, name)
        assert str(caught.value).endswith(f" has no attribute {name!r}: {HINTS[where][name]}")
        assert not hasattr(thing, name)
        assert getattr(thing, name, 7) == 7
        if not isinstance(thing, type):
            assert name not in dir(thing)


@every_row
def test_the_code_of_a_hint_runs(where: str, name: str):
    hint = HINTS[where][name]
    code = re.findall(r"`([^`]+)`", hint)
    assert code or "leave it out" in hint
    for each in code:
        if not hint.startswith("define "):
            exec(each, names_of_hints(name))


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (
            lambda: Value(1.0).numpy(),
            "'Value' object has no attribute 'numpy': write `v.data` or `v.item()`, a float",
        ),
        (
            lambda: Sub(1.0).zero_,
            "'Sub' object has no attribute 'zero_': write `v.data = 0.0`, or `v.grad = 0.0` for ",
        ),
        (lambda: Value.shape, "type object 'Value' has no attribute 'shape': a Value is one number; the size of "),
        (
            lambda: nn.Linear(1, 1).to("cuda"),
            "'Linear' object has no attribute 'to': Values hold floats of 64 bits on",
        ),
        (
            lambda: nn.Parameter,
            "module 'fastgrad.nn' has no attribute 'Parameter': a leaf in an attribute of a Modul",
        ),
        (
            lambda: nn.functional.relu,
            "module 'fastgrad.nn.functional' has no attribute 'relu': write `fastgrad.relu(",
        ),
        (
            lambda: fastgrad.functional.relu,
            "module 'fastgrad.functional' has no attribute 'relu': write `fastgrad.re",
        ),
        (
            lambda: fastgrad.tensor,
            "module 'fastgrad' has no attribute 'tensor': write `Value(x)`, or `[Value(x) for ",
        ),
        (lambda: optim.Nothing, "module 'fastgrad.optim' has no attribute 'Nothing': it has Adam, AdamW, "),
        (
            lambda: optim.lr_scheduler.Nothing,
            "module 'fastgrad.optim.lr_scheduler' has no attribute 'Nothing': it has",
        ),
        (lambda: nn.Conv2d, "module 'fastgrad.nn' has no attribute 'Conv2d': it has Activation, CrossEntropyLoss, "),
    ],
)
def test_whole_messages(read: Any, message: str):
    with pytest.raises(AttributeError, match=re.escape(message)):
        read()


@pytest.mark.parametrize("module", ["", ".nn", ".optim", ".functional", ".nn.functional", ".optim.lr_scheduler"])
def test_other_names_get_pythons_message(module: str):
    thing = importlib.import_module("fastgrad" + module)
    with pytest.raises(AttributeError, match=rf"^module 'fastgrad{module}' has no attribute 'nothing'$"):
        thing.nothing  # noqa: B018


def test_users_may_import_the_functions_as_f():
    from fastgrad.nn import functional as F

    with pytest.raises(AttributeError, match=r"write `fastgrad.mse\(xs, ys\)`"):
        F.mse_loss([1.0], [2.0])


# ---- reading an attribute that exists is as before


@pytest.mark.parametrize(("cls", "where"), [(Value, "Value"), (nn.Module, "Module")])
def test_reading_an_attribute_calls_nothing(cls: type, where: str):
    """A ``__getattr__`` or ``__getattribute__`` would make every read slower."""
    for base in cls.__mro__[:-1]:
        assert "__getattr__" not in vars(base)
        assert "__getattribute__" not in vars(base) or base is not cls
    marked = {name for name in vars(cls) if type(vars(cls)[name]) is pytorch_names._Missing}
    assert marked == {*HINTS[where]}


def test_attributes_of_users_come_first():
    v = Sub(2.0)
    v.shape = (1,)  # type: ignore[attr-defined]
    assert (v.shape, copy.deepcopy(v).shape, pickle.loads(pickle.dumps(v)).shape) == ((1,), (1,), (1,))  # type: ignore[attr-defined]
    assert "shape" in dir(v)
    del v.shape  # type: ignore[attr-defined]
    assert not hasattr(v, "shape")

    class Own(Value):
        size = 3

        def numpy(self) -> float:
            return self.data

        def __getattr__(self, name: str) -> str:
            return f"own {name}"

    own = Own(2.0)
    assert (own.size, own.numpy(), own.cuda, own.anything) == (3, 2.0, "own cuda", "own anything")

    class Net(nn.Module):
        def __init__(self) -> None:
            self.children = [nn.Linear(1, 1)]

        def to(self, device: str) -> str:
            return device

    net = Net()
    assert (net.to("cpu"), len(net.children), len(net.parameters())) == ("cpu", 1, 2)
    assert {"to", "children"} <= {*dir(net)}


def test_protocols_do_not_see_the_names():
    v = Value(2.0)
    assert copy.copy(v).data == copy.deepcopy(v).data == pickle.loads(pickle.dumps(v)).data == 2.0
    array = np.array([v, v * 2.0])
    assert array.dtype == object
    assert (array.shape, np.shape(v), np.ndim(v), np.size(v)) == ((2,), (), 0, 1)
    assert np.sum(v) is v or np.sum(v).data == 2.0
    assert not any(hasattr(v, name) for name in ("__array__", "__array_interface__", "__array_struct__", "__len__"))
    assert {name for name, _ in inspect.getmembers(v)}.isdisjoint(HINTS["Value"])


def test_a_traceback_has_no_other_suggestion():
    printed = run(
        """
        import sys
        from fastgrad import Value
        sys.stderr = sys.stdout
        try:
            Value(1.0).add_
        except AttributeError as error:
            sys.excepthook(type(error), error, error.__traceback__)
        """
    )
    assert "write `v.data += x`" in printed
    assert "Did you mean" not in printed


# ---- item()


@pytest.mark.parametrize("v", [Value(2.5), Value(2.0) + 0.5, Sub(2.5), Value(np.float32(2.5))], ids=lambda v: v._op)
def test_item_is_the_data(v: Value):
    assert type(v.item()) is float
    assert v.item() == v.data == 2.5


@pytest.mark.parametrize("record", [fastgrad.jit, lambda f: lambda x: fastgrad.vmap(f)([x])])
def test_item_is_refused_as_float_is(record: Any):
    def message(read: Any) -> str:
        with pytest.raises(TypeError) as caught:
            record(lambda x: x * read(x))(2.0)
        return re.sub(r", line \d+", "", str(caught.value))

    assert message(lambda x: x.item()) == message(lambda x: float(x))
    assert __file__ in message(lambda x: x.item())
