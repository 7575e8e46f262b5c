"""User errors with optimizers and their exceptions; a refused state changes nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from fastgrad import Value, optim
from fastgrad.nn import MLP
from support.optimizers import CASES, FORMULAS, START, Case, descend


def leaf() -> list[Value]:
    return [Value(1.0)]


def failing() -> Iterator[Value]:
    yield Value(1.0)
    raise LookupError("no parameter today")


class WithSettings(optim.RMSprop):
    """Passes settings on unchanged."""

    def __init__(self, **settings: Any) -> None:
        optim.Optimizer.__init__(self, leaf(), 0.1, **settings)


#: A call, the error's type, and its whole message.
ERRORS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "no parameters": (
        lambda: optim.SGD([]),
        ValueError,
        "there are no parameters to optimize: an iterator that was used up has none left",
    ),
    "a single Value": (
        lambda: optim.SGD(Value(2.0)),
        TypeError,
        "parameters must be an iterable of Values, such as model.parameters(), not Value(data=2.0)",
    ),
    "None": (
        lambda: optim.Adam(None),
        TypeError,
        "parameters must be an iterable of Values, such as model.parameters(), not None",
    ),
    "a number among the parameters": (
        lambda: optim.SGD([Value(1.0), 3.0]),
        TypeError,
        "parameters must be Values, not 3.0: give the leaves, as model.parameters() does",
    ),
    "names among the parameters": (
        lambda: optim.SGD([("w", Value(1.0))]),
        TypeError,
        "parameters must be Values, not ('w', Value(data=1.0)): give the leaves, as model.parameters() does",
    ),
    "a computed Value": (
        lambda: optim.SGD([Value(1.0), Value(2.0) * 3.0]),
        ValueError,
        "parameter 1, Value(data=6.0), is not a leaf: name what it was computed from",
    ),
    "the same Value twice": (
        lambda: optim.SGD([*leaf(), *[Value(2.0)] * 2]),
        ValueError,
        "parameters 1 and 2 are the same Value: give it once",
    ),
    "negative lr": (lambda: optim.SGD(leaf(), -0.1), ValueError, "lr must be finite and at least 0, not -0.1"),
    "nan lr": (lambda: optim.Adam(leaf(), math.nan), ValueError, "lr must be finite and at least 0, not nan"),
    "infinite lr": (lambda: optim.Adam(leaf(), math.inf), ValueError, "lr must be finite and at least 0, not inf"),
    "text as lr": (
        lambda: optim.Adam(leaf(), "0.1"),
        TypeError,
        "lr needs a real number, not '0.1' of type 'str': read the number with float() first",
    ),
    "None as lr": (
        lambda: optim.SGD(leaf(), lr=None),
        TypeError,
        "lr needs a real number, not None of type 'NoneType': give a float or an int",
    ),
    "lr assigned": (
        lambda: setattr(optim.SGD(leaf()), "lr", -1.0),
        ValueError,
        "lr must be finite and at least 0, not -1.0",
    ),
    "negative momentum": (
        lambda: optim.SGD(leaf(), momentum=-1),
        ValueError,
        "momentum must be finite and at least 0, not -1",
    ),
    "nan dampening": (lambda: optim.SGD(leaf(), dampening=math.nan), ValueError, "dampening must be finite, not nan"),
    "negative weight decay": (
        lambda: optim.AdamW(leaf(), weight_decay=-0.1),
        ValueError,
        "weight_decay must be finite and at least 0, not -0.1",
    ),
    "Nesterov without momentum": (
        lambda: optim.SGD(leaf(), nesterov=True),
        ValueError,
        "nesterov needs a momentum above 0 and a dampening of 0, not 0.0 and 0.0",
    ),
    "Nesterov, dampened": (
        lambda: optim.SGD(leaf(), momentum=0.9, dampening=0.5, nesterov=True),
        ValueError,
        "nesterov needs a momentum above 0 and a dampening of 0, not 0.9 and 0.5",
    ),
    "text as nesterov": (
        lambda: optim.SGD(leaf(), nesterov="no"),
        TypeError,
        "nesterov must be True or False, not 'no'",
    ),
    "first beta of 1": (
        lambda: optim.Adam(leaf(), betas=(1.0, 0.9)),
        ValueError,
        "betas[0] must be at least 0 and less than 1, not 1.0",
    ),
    "second beta below 0": (
        lambda: optim.AdamW(leaf(), betas=(0.9, -0.1)),
        ValueError,
        "betas[1] must be at least 0 and less than 1, not -0.1",
    ),
    "one beta": (
        lambda: optim.Adam(leaf(), betas=0.9),
        TypeError,
        "betas must be two numbers, as in (0.9, 0.999), not 0.9",
    ),
    "three betas": (
        lambda: optim.Adam(leaf(), betas=[0.9, 0.9, 0.9]),
        TypeError,
        "betas must be two numbers, as in (0.9, 0.999), not [0.9, 0.9, 0.9]",
    ),
    "negative eps": (
        lambda: optim.Adam(leaf(), eps=-1e-8),
        ValueError,
        "eps must be finite and at least 0, not -1e-08",
    ),
    "alpha of 1": (
        lambda: optim.RMSprop(leaf(), alpha=1.0),
        ValueError,
        "alpha must be at least 0 and less than 1, not 1.0",
    ),
    "number as centered": (
        lambda: optim.RMSprop(leaf(), centered=1),
        TypeError,
        "centered must be True or False, not 1",
    ),
    "a class that leaves a setting out": (
        lambda: WithSettings(alpha=0.9),
        TypeError,
        "RMSprop needs its setting eps",
    ),
    "a class with a setting of its own": (
        lambda: WithSettings(alpha=0.9, eps=0.0, weight_decay=0.0, momentum=0.0, centered=False, maximize=True),
        TypeError,
        "RMSprop has the settings ('alpha', 'eps', 'weight_decay', 'momentum', 'centered'), "
        "not ['alpha', 'eps', 'weight_decay', 'momentum', 'centered', 'maximize']",
    ),
    "norm below 0": (
        lambda: optim.clip_grad_norm_(leaf(), -1.0),
        ValueError,
        "max_norm must be at least 0, not -1.0",
    ),
    "norm of nan": (
        lambda: optim.clip_grad_norm_(leaf(), math.nan),
        ValueError,
        "max_norm must be at least 0, not nan",
    ),
    "order of 0": (
        lambda: optim.clip_grad_norm_(leaf(), 1.0, norm_type=0),
        ValueError,
        "norm_type must be above 0, not 0",
    ),
    "clipping a number": (
        lambda: optim.clip_grad_norm_([3.0], 1.0),
        TypeError,
        "parameters must be Values, not 3.0: give the leaves, as model.parameters() does",
    ),
    "clipping a Value twice": (
        lambda: optim.clip_grad_value_(leaf() * 2, 1.0),
        ValueError,
        "parameters 0 and 1 are the same Value: give it once",
    ),
    "clip_value below 0": (
        lambda: optim.clip_grad_value_(leaf(), -1),
        ValueError,
        "clip_value must be at least 0, not -1",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_message(case: str, live_nodes: Callable[[], int], capfd: pytest.CaptureFixture[str]):
    call, error, message = ERRORS[case]
    for _ in range(3):
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            call()
    assert live_nodes() == 0
    assert capfd.readouterr() == ("", "")


def test_model_in_the_place_of_its_parameters():
    with pytest.raises(TypeError, match=r"such as model\.parameters\(\), not MLP of \[.*"):
        optim.SGD(MLP(2, [16, 16, 1]))


def test_error_of_an_iterator_is_passed_on(live_nodes: Callable[[], int]):
    for call in (lambda: optim.SGD(failing()), lambda: optim.clip_grad_norm_(failing(), 1.0)):
        with pytest.raises(LookupError, match="no parameter today"):
            call()
    assert live_nodes() == 0


def test_names_that_only_native_code_has_are_read_only():
    optimizer = optim.SGD(leaf())
    for name in ("initial_lr", "parameters", "steps"):
        with pytest.raises(AttributeError):
            setattr(optimizer, name, 1)


class Hasty(optim.SGD):
    """Uses itself before it is initialized."""

    def __init__(self, use: Callable[[optim.SGD], Any]) -> None:
        use(self)
        super().__init__(leaf())


@pytest.mark.parametrize(
    "use",
    [
        optim.SGD.step,
        optim.SGD.zero_grad,
        optim.SGD.state_dict,
        repr,
        lambda optimizer: optimizer.lr,
        lambda optimizer: setattr(optimizer, "lr", 0.1),
        lambda optimizer: optimizer.parameters,
    ],
)
def test_optimizer_before_its_constructor_has_run(use: Callable[[optim.SGD], Any]):
    for call in (lambda: use(optim.SGD.__new__(optim.SGD)), lambda: Hasty(use)):
        with pytest.raises(TypeError, match=r"__init__\(\) has not been called yet: call super\(\)\.__init__"):
            call()
    assert Hasty(id).steps == 0


# ---- states that cannot be loaded

RMSPROP = CASES["RMSprop, centered, with all"]

#: A change to a state of the case above, and the error when it is loaded.
REFUSED: dict[str, tuple[Callable[[dict[str, Any]], Any], type[Exception], str]] = {
    "no dict": (
        lambda state: [state],
        TypeError,
        r"load_state_dict\(\) needs a dict that state_dict\(\) gave, not \[",
    ),
    "another optimizer's": (
        lambda state: state | {"optimizer": "Adam"},
        ValueError,
        "the state is of 'Adam' and cannot be loaded into RMSprop: make the optimizer that it was saved from",
    ),
    "nobody's": (lambda state: {}, ValueError, "the state is of None and cannot be loaded into RMSprop"),
    "without a setting": (
        lambda state: {key: each for key, each in state.items() if key not in ("eps", "alpha")},
        ValueError,
        "the state of RMSprop has no alpha, eps",
    ),
    "without a moment": (
        lambda state: {key: each for key, each in state.items() if key != "grad_avg"},
        ValueError,
        "the state of RMSprop has no grad_avg",
    ),
    "with something unknown": (
        lambda state: state | {"amsgrad": True},
        ValueError,
        "the state of RMSprop has an unknown amsgrad",
    ),
    "a moment too many": (
        lambda state: state | {"centered": False},
        ValueError,
        "the state of RMSprop has an unknown grad_avg",
    ),
    "of fewer parameters": (
        lambda state: state | {"grad_avg": state["grad_avg"][1:]},
        ValueError,
        r"the state's grad_avg has the shape \(4,\), and there are 5 parameters",
    ),
    "of another shape": (
        lambda state: state | {"square_avg": state["square_avg"].reshape(5, 1)},
        ValueError,
        r"the state's square_avg has the shape \(5, 1\), and there are 5 parameters",
    ),
    "a moment of text": (
        lambda state: state | {"square_avg": ["1"] * 5},
        TypeError,
        "the state's square_avg must be real numbers, not <U1",
    ),
    "a moment of complex numbers": (
        lambda state: state | {"square_avg": np.ones(5) * 1j},
        TypeError,
        "the state's square_avg must be real numbers, not complex128",
    ),
    "setting out of range": (
        lambda state: state | {"alpha": 2.0},
        ValueError,
        r"alpha must be at least 0 .*, not 2\.0",
    ),
    "lr out of range": (
        lambda state: state | {"lr": -1.0},
        ValueError,
        r"lr must be finite and at least 0, not -1\.0",
    ),
    "initial lr of text": (lambda state: state | {"initial_lr": "x"}, TypeError, "initial_lr needs a real number"),
    "steps below 0": (lambda state: state | {"steps": -1}, ValueError, "steps must be at least 0 .*, not -1"),
    "steps beyond counting": (lambda state: state | {"steps": 2**64}, ValueError, "steps must be .* less than"),
    "fraction of a step": (
        lambda state: state | {"steps": 1.5},
        TypeError,
        r"steps needs an int, not 1\.5 of type 'float'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_state_that_does_not_fit_changes_nothing(name: str):
    spoil, error, message = REFUSED[name]
    xs, others = ([Value(number) for number in START] for _ in range(2))
    optimizer, untouched = RMSPROP.make(xs), RMSPROP.make(others)
    donor = RMSPROP.make([Value(number) for number in START])
    descend(list(donor.parameters), donor, steps=3)
    with pytest.raises(error, match=f"^{message}"):
        optimizer.load_state_dict(spoil(donor.state_dict()))
    assert descend(xs, optimizer, steps=5) == descend(others, untouched, steps=5)
    assert repr(optimizer) == repr(untouched)


@pytest.mark.parametrize("case", [pytest.param(CASES[name], id=name) for name in FORMULAS])
def test_state_of_each_optimizer_fits_no_other(case: Case):
    state = case.make([Value(1.0)]).state_dict()
    for other in FORMULAS:
        optimizer = getattr(optim, other)([Value(1.0)])
        if other == case.optimizer:
            optimizer.load_state_dict(state)
        else:
            with pytest.raises(ValueError, match=f"of '{case.optimizer}' and cannot be loaded into {other}"):
                optimizer.load_state_dict(state)
