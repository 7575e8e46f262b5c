"""Learning-rate schedules: their formulas, PyTorch's, their states, and what they refuse."""

from __future__ import annotations

import copy
import json
import math
import pickle
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fastgrad import Value, load, optim, save
from fastgrad.nn import MLP
from support.operations import bits
from support.schedules import EPOCHS, FOUND, LR, SCHEDULES, every_schedule, optimizer, warm_up


def rates(schedule: Any, o: Any, lr: Callable[[], float], epochs: int = EPOCHS) -> list[float]:
    """The learning rate of each epoch, as a training loop uses it."""
    found = [lr()]
    for _ in range(epochs):
        o.step()
        schedule.step()
        found.append(lr())
    return found


@every_schedule
def test_learning_rates_follow_the_formula(name: str):
    make, formula = SCHEDULES[name]
    o = optimizer()
    schedule = make(optim, o)
    expected = [schedule.lr_at(epoch) for epoch in range(EPOCHS + 1)]
    assert rates(schedule, o, lambda: o.lr) == expected
    assert expected == pytest.approx([formula(epoch) for epoch in range(EPOCHS + 1)], rel=0.0, abs=1e-15)
    assert (schedule.last_epoch, schedule.base_lr, schedule.get_last_lr()) == (EPOCHS, LR, [o.lr])
    assert o.initial_lr == LR


@every_schedule
def test_learning_rates_are_pytorchs(name: str):
    torch = pytest.importorskip("torch", reason="compares with PyTorch itself")
    make = SCHEDULES[name][0]
    theirs, ours = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LR), optimizer()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = rates(make(torch.optim.lr_scheduler, theirs), theirs, lambda: theirs.param_groups[0]["lr"])
    assert rates(make(optim, ours), ours, lambda: ours.lr) == pytest.approx(found, rel=0.0, abs=1e-12 * LR)


@pytest.mark.parametrize("name", FOUND)
def test_learning_rates_are_those_that_pytorch_found(name: str):
    o = optimizer()
    schedule = SCHEDULES[name][0](optim, o)
    for epoch, lr in FOUND[name].items():
        assert schedule.lr_at(epoch) == pytest.approx(lr, rel=0.0, abs=1e-12 * LR)


def test_a_schedule_starts_from_the_users_rate_and_not_from_another_schedules():
    o = optimizer()
    optim.LinearLR(o, 0.5)
    assert (o.lr, o.initial_lr) == (0.1, LR)
    assert optim.StepLR(o, 10).base_lr == LR
    o.lr = 0.3
    assert (o.lr, o.initial_lr, optim.StepLR(o, 10).base_lr) == (0.3, 0.3, 0.3)


def test_sequence_within_a_sequence():
    o = optimizer()
    schedule = optim.SequentialLR(o, [optim.ConstantLR(o, 0.25, 100), warm_up(optim, o)], milestones=[6])
    inner = SCHEDULES["warm-up, then cosine"][1]
    expected = [0.25 * LR if epoch < 6 else inner(epoch - 6) for epoch in range(EPOCHS + 1)]
    assert rates(schedule, o, lambda: o.lr) == pytest.approx(expected, rel=0.0, abs=1e-15)


def test_a_users_own_schedule():
    class Inverse(optim.LRScheduler):
        def lr_from(self, base_lr: float, epoch: int) -> float:
            return base_lr / (1 + epoch)

    o = optimizer()
    assert rates(Inverse(o), o, lambda: o.lr, epochs=3) == [LR, LR / 2, LR / 3, LR / 4]
    with pytest.raises(NotImplementedError, match=r"LRScheduler needs a method lr_from\(base_lr, epoch\)"):
        optim.LRScheduler(o)


def test_repr():
    o = optimizer()
    schedule = optim.CosineAnnealingLR(o, 10)
    schedule.step()
    assert repr(schedule) == "CosineAnnealingLR(last_epoch=1, base_lr=0.2)"


#: Arguments of successive steps of restarts at 0, 3 and 9, and what torch 2.13.0 found: last epoch and learning rate.
FRACTIONS = [
    (0.5, 0, 0.1879422863405995),
    (2.75, 2, 0.023066675633983864),
    (None, 3, 0.1931491579260158),
    (None, 4, 0.16478852861078486),
    (9.25, 9, 0.19980730309147432),
    (26, 26, 0.18140180062621117),
    (None, 27, 0.1736396103067893),
    (1.5, 1, 0.11000000000000001),
    (0, 0, 0.2),
]


def test_restarts_take_fractions_of_an_epoch():
    o = optimizer()
    schedule = optim.CosineAnnealingWarmRestarts(o, 3, 2, eta_min=0.02)
    for epoch, last_epoch, lr in FRACTIONS:
        schedule.step(epoch)
        assert schedule.last_epoch == last_epoch
        assert o.lr == pytest.approx(lr, rel=0.0, abs=1e-12 * LR)
        twin = optim.CosineAnnealingWarmRestarts(optimizer(), 3, 2, eta_min=0.02)
        twin.load_state_dict(json.loads(json.dumps(schedule.state_dict())))
        assert (twin.epoch, twin.lr_at(twin.epoch)) == (schedule.epoch, o.lr)


def test_restarts_refuse_a_state_whose_epochs_differ():
    schedule = optim.CosineAnnealingWarmRestarts(optimizer(), 3)
    with pytest.raises(ValueError, match=r"^epoch 2\.5 does not belong to last_epoch 0$"):
        schedule.load_state_dict(schedule.state_dict() | {"epoch": 2.5})
    assert (schedule.epoch, schedule.last_epoch) == (0.0, 0)


# ---- states and copies


@every_schedule
@pytest.mark.parametrize("optimizer_first", [True, False])
def test_resuming_gives_the_bits_of_an_uninterrupted_run(name: str, optimizer_first: bool):
    make = SCHEDULES[name][0]
    o = optimizer()
    schedule = make(optim, o)
    rates(schedule, o, lambda: o.lr, epochs=17)
    states = json.loads(json.dumps([o.state_dict(), schedule.state_dict()], default=list))
    expected = rates(schedule, o, lambda: o.lr)

    resumed = optimizer(lr=7.0)
    if optimizer_first:
        resumed.load_state_dict(states[0])
    rest = make(optim, resumed)
    rest.load_state_dict(states[1])
    if not optimizer_first:
        resumed.load_state_dict(states[0])
    assert rates(rest, resumed, lambda: resumed.lr) == expected


def test_model_optimizer_and_schedule_go_on_from_a_file(tmp_path: Path):
    def training() -> tuple[MLP, optim.Optimizer, optim.LRScheduler]:
        model = MLP(2, [3, 1])
        o = optim.RMSprop(model.parameters(), lr=LR, momentum=0.5)
        return model, o, warm_up(optim, o)

    def train(model: MLP, o: optim.Optimizer, schedule: optim.LRScheduler) -> list[str]:
        for _ in range(10):
            o.zero_grad()
            ((model([0.5, -1.0]) - 2.0) ** 2).backward()
            o.step()
            schedule.step()
        return [bits(p.data) for p in model.parameters()]

    first, second = training(), training()
    train(*first)
    names = ("model", "optimizer", "schedule")
    save(tmp_path / "net.npz", **dict(zip(names, first, strict=True)))
    load(tmp_path / "net.npz", **dict(zip(names, second, strict=True)))
    assert train(*first) == train(*second)


def test_learning_rate_that_was_set_by_hand_is_part_of_the_state():
    o = optimizer()
    schedule = optim.StepLR(o, 10)
    o.lr = 0.03
    twin = optim.StepLR(optimizer(), 10)
    twin.load_state_dict(schedule.state_dict())
    assert (twin.optimizer.lr, twin.base_lr) == (0.03, LR)


@pytest.mark.parametrize("carry", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_copies_stay_connected_to_an_optimizer_that_is_copied_with_them(carry: Callable[[Any], Any]):
    o = optimizer()
    schedule = warm_up(optim, o)
    rates(schedule, o, lambda: o.lr, epochs=5)
    twin_schedule, twin = carry((schedule, o))
    assert twin_schedule.optimizer is twin
    assert twin is not o
    assert rates(twin_schedule, twin, lambda: twin.lr) == rates(schedule, o, lambda: o.lr)


# ---- errors

#: A call with an optimizer, the error's type, and its message.
ERRORS: dict[str, tuple[Callable[[optim.Optimizer], Any], type[Exception], str]] = {
    "no optimizer": (
        lambda o: optim.StepLR([Value(1.0)], 10),
        TypeError,
        "a schedule needs an optimizer of fastgrad.optim, not [Value(data=1.0)]",
    ),
    "T_max of 0": (
        lambda o: optim.CosineAnnealingLR(o, 0),
        ValueError,
        "T_max must be finite and above 0, not 0",
    ),
    "T_max of text": (
        lambda o: optim.CosineAnnealingLR(o, "10"),
        TypeError,
        "T_max needs a real number, not '10' of type 'str'",
    ),
    "negative eta_min": (
        lambda o: optim.CosineAnnealingLR(o, 10, -0.1),
        ValueError,
        "eta_min must be finite and at least 0, not -0.1",
    ),
    "start_factor of 0": (
        lambda o: optim.LinearLR(o, 0.0),
        ValueError,
        "start_factor must be finite and above 0 and at most 1, not 0.0",
    ),
    "end_factor above 1": (
        lambda o: optim.LinearLR(o, 0.5, 2.0),
        ValueError,
        "end_factor must be finite and at least 0 and at most 1, not 2.0",
    ),
    "line of no epochs": (
        lambda o: optim.LinearLR(o, total_iters=0),
        ValueError,
        "total_iters must be finite and above 0, not 0",
    ),
    "endless line": (
        lambda o: optim.LinearLR(o, total_iters=math.inf),
        ValueError,
        "total_iters must be finite and above 0, not inf",
    ),
    "factor above 1": (
        lambda o: optim.ConstantLR(o, 2.0),
        ValueError,
        "factor must be finite and at least 0 and at most 1, not 2.0",
    ),
    "gamma of nan": (
        lambda o: optim.StepLR(o, 10, math.nan),
        ValueError,
        "gamma must be finite and at least 0, not nan",
    ),
    "no function": (
        lambda o: optim.LambdaLR(o, 0.9),
        TypeError,
        "lr_lambda must be a function from an epoch to a factor, not 0.9",
    ),
    "negative factor": (
        lambda o: optim.LambdaLR(o, lambda e: -1.0),
        ValueError,
        "lr must be finite and at least 0, not -0.2",
    ),
    "no schedule among the schedules": (
        lambda o: optim.SequentialLR(o, [optim.StepLR], []),
        TypeError,
        "schedulers must be schedules of fastgrad.optim, not <class 'fastgrad.optim.lr_scheduler.decays.StepLR'>",
    ),
    "schedule of another optimizer": (
        lambda o: optim.SequentialLR(o, [optim.StepLR(optim.SGD([Value(2.0)]), 1)], []),
        ValueError,
        "StepLR(last_epoch=0, base_lr=0.001) is of another optimizer: make it for SGD(1 parameters, lr=0.2, "
        "momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False)",
    ),
    "no schedules": (
        lambda o: optim.SequentialLR(o, [], []),
        ValueError,
        "0 schedules need one milestone fewer, not 0: an epoch at which each but the first begins",
    ),
    "too many milestones": (
        lambda o: optim.SequentialLR(o, [optim.StepLR(o, 1)], [3]),
        ValueError,
        "1 schedules need one milestone fewer, not 1: an epoch at which each but the first begins",
    ),
    "milestones that descend": (
        lambda o: optim.SequentialLR(o, [optim.StepLR(o, 1)] * 3, [5, 4]),
        ValueError,
        "milestones must ascend from above 0, not [5, 4]",
    ),
    "gamma of text": (
        lambda o: optim.ExponentialLR(o, "0.9"),
        TypeError,
        "gamma needs a real number, not '0.9' of type 'str'",
    ),
    "negative gamma": (
        lambda o: optim.MultiStepLR(o, [3], -0.1),
        ValueError,
        "gamma must be finite and at least 0, not -0.1",
    ),
    "negative milestone": (
        lambda o: optim.MultiStepLR(o, [-3]),
        ValueError,
        "a milestone must be at least 0 and less than 2**53, not -3",
    ),
    "half a milestone": (
        lambda o: optim.MultiStepLR(o, [3.5]),
        TypeError,
        "a milestone needs an int, not 3.5 of type 'float'",
    ),
    "cycle of no epochs": (
        lambda o: optim.CosineAnnealingWarmRestarts(o, 0),
        ValueError,
        "T_0 must be at least 1, not 0",
    ),
    "cycle of a fraction": (
        lambda o: optim.CosineAnnealingWarmRestarts(o, 2.5),
        TypeError,
        "T_0 needs an int, not 2.5 of type 'float'",
    ),
    "cycles that vanish": (
        lambda o: optim.CosineAnnealingWarmRestarts(o, 3, T_mult=0),
        ValueError,
        "T_mult must be at least 1, not 0",
    ),
    "restarts to a negative rate": (
        lambda o: optim.CosineAnnealingWarmRestarts(o, 3, eta_min=-1.0),
        ValueError,
        "eta_min must be finite and at least 0, not -1.0",
    ),
    "one cycle of unknown length": (
        lambda o: optim.OneCycleLR(o, 0.5, epochs=10),
        ValueError,
        "OneCycleLR needs total_steps, or both epochs and steps_per_epoch",
    ),
    "one cycle of no steps": (
        lambda o: optim.OneCycleLR(o, 0.5, 0),
        ValueError,
        "total_steps must be at least 1, not 0",
    ),
    "one cycle of a fraction of epochs": (
        lambda o: optim.OneCycleLR(o, 0.5, epochs=1.5, steps_per_epoch=2),
        TypeError,
        "epochs needs an int, not 1.5 of type 'float'",
    ),
    "one cycle with too long a rise": (
        lambda o: optim.OneCycleLR(o, 0.5, 10, pct_start=1.5),
        ValueError,
        "pct_start must be finite and at least 0 and at most 1, not 1.5",
    ),
    "one cycle of an unknown form": (
        lambda o: optim.OneCycleLR(o, 0.5, 10, anneal_strategy="exp"),
        ValueError,
        "anneal_strategy must be 'cos' or 'linear', not 'exp'",
    ),
    "one cycle to infinity": (
        lambda o: optim.OneCycleLR(o, math.inf, 10),
        ValueError,
        "max_lr must be finite and at least 0, not inf",
    ),
    "one cycle with a momentum of 1": (
        lambda o: optim.OneCycleLR(o, 0.5, 10, max_momentum=1.0),
        ValueError,
        "max_momentum must be finite and above 0 and below 1, not 1.0",
    ),
    "one cycle from nothing": (
        lambda o: optim.OneCycleLR(o, 0.5, 10, div_factor=0.0),
        ValueError,
        "div_factor must be finite and above 0, not 0.0",
    ),
    "one cycle of no optimizer": (
        lambda o: optim.OneCycleLR(None, 0.5, 10),
        TypeError,
        "a schedule needs an optimizer of fastgrad.optim, not None",
    ),
    "negative epoch": (
        lambda o: optim.CosineAnnealingWarmRestarts(o, 3).step(-1),
        ValueError,
        "epoch must be finite and at least 0, not -1",
    ),
    "fraction of a milestone": (
        lambda o: optim.SequentialLR(o, [optim.StepLR(o, 1)] * 2, [4.5]),
        TypeError,
        "a milestone needs an int, not 4.5 of type 'float'",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_message(case: str, live_nodes: Callable[[], int]):
    call, error, message = ERRORS[case]
    o = optimizer()
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call(o)
    assert o.lr == LR


STATE = {"scheduler": "StepLR", "last_epoch": 3, "base_lr": 0.1, "lr": 0.05}

#: A state that no StepLR can load, and what it says.
REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "no dict": ([STATE], TypeError, r"load_state_dict\(\) needs a dict that state_dict\(\) gave, not \["),
    "another schedule's": (
        STATE | {"scheduler": "LinearLR"},
        ValueError,
        "the state is of 'LinearLR' and cannot be loaded into StepLR",
    ),
    "nobody's": ({}, ValueError, "the state is of None and cannot be loaded into StepLR"),
    "incomplete": ({"scheduler": "StepLR", "lr": 0.1}, ValueError, "the state of StepLR must have scheduler, last_e"),
    "with something unknown": (STATE | {"gamma": 0.1}, ValueError, "the state of StepLR must have .*, not .*'gamma'"),
    "negative epoch": (STATE | {"last_epoch": -1}, ValueError, "last_epoch must be at least 0 .*, not -1"),
    "base_lr of text": (STATE | {"base_lr": "x"}, TypeError, "base_lr needs a real number, not 'x' of type 'str'"),
    "lr of nan": (STATE | {"lr": math.nan}, ValueError, "lr must be finite and at least 0, not nan"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_state_that_does_not_fit_changes_nothing(name: str):
    state, error, message = REFUSED[name]
    o = optimizer()
    schedule = optim.StepLR(o, 10)
    schedule.step()
    before = schedule.state_dict()
    with pytest.raises(error, match=f"^{message}"):
        schedule.load_state_dict(state)
    assert schedule.state_dict() == before


def test_step_to_a_learning_rate_that_cannot_be_changes_nothing():
    o = optimizer()
    schedule = optim.LambdaLR(o, lambda epoch: 1.0 - epoch)
    schedule.step()
    with pytest.raises(ValueError, match=r"lr must be finite and at least 0, not -0\.2"):
        schedule.step()
    assert (schedule.last_epoch, o.lr) == (1, 0.0)
