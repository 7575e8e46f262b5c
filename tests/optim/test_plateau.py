"""ReduceLROnPlateau: the learning rates that PyTorch finds, its states, and what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastgrad import Value, jit, load, optim, save
from support.schedules import LR, PLATEAUS, every_plateau, optimizer


@every_plateau
def test_learning_rates_are_those_that_pytorch_found(name: str):
    o = optimizer()
    assert PLATEAUS[name].rates(optim, o, lambda: o.lr) == list(PLATEAUS[name].found)


@every_plateau
def test_learning_rates_are_pytorchs(name: str):
    torch = pytest.importorskip("torch", reason="compares with PyTorch itself")
    theirs, ours = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LR), optimizer()
    found = PLATEAUS[name].rates(torch.optim.lr_scheduler, theirs, lambda: theirs.param_groups[0]["lr"])
    assert PLATEAUS[name].rates(optim, ours, lambda: ours.lr) == found


@every_plateau
@pytest.mark.parametrize("steps", [1, 3, 5])
def test_resuming_gives_the_rates_of_an_uninterrupted_run(name: str, steps: int, tmp_path: Path):
    plateau = PLATEAUS[name]
    first, second = optimizer(), optimizer()
    schedule = optim.ReduceLROnPlateau(first, **plateau.settings)
    for metric in plateau.metrics[:steps]:
        schedule.step(metric)
    rest = optim.ReduceLROnPlateau(second, **plateau.settings)
    rest.load_state_dict(json.loads(json.dumps(schedule.state_dict())))
    assert rest.state_dict() == schedule.state_dict()
    save(tmp_path / "schedule.npz", schedule=schedule)
    load(tmp_path / "schedule.npz", schedule=rest)
    assert rest.state_dict() == schedule.state_dict()
    for metric, lr in zip(plateau.metrics[steps:], plateau.found[steps:], strict=True):
        rest.step(metric)
        assert second.lr == lr


def test_it_starts_from_the_current_rate_and_follows_one_that_is_set_by_hand():
    o = optimizer()
    optim.LinearLR(o, 0.5)
    schedule = optim.ReduceLROnPlateau(o, factor=0.5, patience=0)
    assert (o.lr, schedule.base_lr) == (0.1, LR)
    o.lr = 0.4
    schedule.step(1.0)
    schedule.step(1.0)
    assert (o.lr, schedule.get_last_lr(), schedule.last_epoch) == (0.2, [0.2], 2)


@pytest.mark.parametrize("metric", [Value(2.0), 2, np.float32(2.0), np.array(2.0), True])
def test_metrics_are_numbers_and_values(metric: Any):
    schedule = optim.ReduceLROnPlateau(optimizer())
    schedule.step(metric)
    assert schedule.best == float(metric)


Call = Callable[[optim.Optimizer], Any]

#: A call with an optimizer, the error's type, and its message.
ERRORS: dict[str, tuple[Call, type[Exception], str]] = {
    "unknown mode": (
        lambda o: optim.ReduceLROnPlateau(o, "least"),
        ValueError,
        "mode must be 'min' or 'max', not 'least'",
    ),
    "unknown threshold mode": (
        lambda o: optim.ReduceLROnPlateau(o, threshold_mode="relative"),
        ValueError,
        "threshold_mode must be 'rel' or 'abs', not 'relative'",
    ),
    "factor of 1": (
        lambda o: optim.ReduceLROnPlateau(o, factor=1.0),
        ValueError,
        "factor must be finite and at least 0 and below 1, not 1.0",
    ),
    "half an epoch": (
        lambda o: optim.ReduceLROnPlateau(o, patience=0.5),
        TypeError,
        "patience needs an int, not 0.5 of type 'float'",
    ),
    "negative cooldown": (
        lambda o: optim.ReduceLROnPlateau(o, cooldown=-1),
        ValueError,
        "cooldown must be at least 0 and less than 2**53, not -1",
    ),
    "negative threshold": (
        lambda o: optim.ReduceLROnPlateau(o, threshold=-1.0),
        ValueError,
        "threshold must be finite and at least 0, not -1.0",
    ),
    "a lowest rate for each group": (
        lambda o: optim.ReduceLROnPlateau(o, min_lr=[0.1]),
        TypeError,
        "min_lr needs a real number, not [0.1] of type 'list'",
    ),
    "eps of nan": (
        lambda o: optim.ReduceLROnPlateau(o, eps=float("nan")),
        ValueError,
        "eps must be finite and at least 0, not nan",
    ),
    "no optimizer": (
        lambda o: optim.ReduceLROnPlateau(0.1),
        TypeError,
        "a schedule needs an optimizer of fastgrad.optim, not 0.1",
    ),
    "metric of text": (
        lambda o: optim.ReduceLROnPlateau(o).step("1.0"),
        TypeError,
        "a metric needs a real number, not '1.0' of type 'str'",
    ),
    "no metric": (
        lambda o: optim.ReduceLROnPlateau(o).step(None),
        TypeError,
        "a metric needs a real number, not None of type 'NoneType'",
    ),
    "rate of an epoch": (
        lambda o: optim.ReduceLROnPlateau(o).lr_at(3),
        NotImplementedError,
        "ReduceLROnPlateau follows a metric: its learning rate is no formula of the epoch",
    ),
    "in a sequence": (
        lambda o: optim.SequentialLR(o, [optim.ReduceLROnPlateau(o)], []),
        TypeError,
        "a ReduceLROnPlateau cannot be in a sequence: its steps need a metric",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_message(case: str):
    call, error, message = ERRORS[case]
    o = optimizer()
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call(o)
    assert o.lr == LR


#: Changes to a state after which it cannot be loaded, and the error.
REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "best of text": ({"best": "low"}, TypeError, "best needs a real number, not 'low' of type 'str'"),
    "negative count": ({"num_bad_epochs": -1}, ValueError, "num_bad_epochs must be at least 0"),
    "half a cooldown": ({"cooldown_counter": 0.5}, TypeError, "cooldown_counter needs an int"),
    "unknown entry": (
        {"patience": 3},
        ValueError,
        "the state of ReduceLROnPlateau must have scheduler, last_epoch, base_lr, lr, best, num_bad_epochs and cool",
    ),
    "negative rate": ({"lr": -0.1}, ValueError, "lr must be finite and at least 0, not -0.1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_state_that_does_not_fit_changes_nothing(case: str):
    change, error, message = REFUSED[case]
    schedule = optim.ReduceLROnPlateau(optimizer())
    schedule.step(1.0)
    before = schedule.state_dict()
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        schedule.load_state_dict({**before, "best": 0.5, **change})
    assert schedule.state_dict() == before


@pytest.mark.parametrize("outside", [True, False])
def test_step_inside_a_recorded_function_changes_nothing(outside: bool):
    schedule = optim.ReduceLROnPlateau(optimizer())
    before = schedule.state_dict()

    @jit
    def f(x: Value) -> Value:
        schedule.step(1.0 if outside else x)
        return x

    with pytest.raises(TypeError):
        f(1.0)
    assert schedule.state_dict() == before
