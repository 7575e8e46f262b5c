"""OneCycleLR: the momentum that it sets besides the learning rate, its end, and its states."""

from __future__ import annotations

import json
import math

import pytest

from fastgrad import Value, jit, optim
from support.schedules import LR, MOMENTA, every_momentum, momentum_of, optimizer, train_here, train_in_torch


def with_momentum() -> optim.Optimizer:
    return optim.Adam([Value(1.0), Value(2.0)], lr=LR, betas=(0.5, 0.99))


@every_momentum
def test_momentum_and_training_are_those_that_pytorch_found(name: str):
    case = MOMENTA[name]
    momenta, trained = train_here(case)
    for epoch, momentum in case.found.items():
        assert momenta[epoch] == pytest.approx(momentum, rel=0.0, abs=1e-15)
    assert trained == pytest.approx(case.trained, rel=1e-12, abs=0.0)


@every_momentum
def test_momentum_and_training_are_pytorchs(name: str):
    torch = pytest.importorskip("torch", reason="compares with PyTorch itself")
    (momenta, trained), (found, trained_there) = train_here(MOMENTA[name]), train_in_torch(torch, MOMENTA[name])
    assert momenta[:-1] == pytest.approx(found[:-1], rel=0.0, abs=1e-15)
    assert trained == pytest.approx(trained_there, rel=1e-12, abs=0.0)


def test_momentum_at_is_what_the_optimizer_gets():
    o = with_momentum()
    schedule = optim.OneCycleLR(o, 0.5, 10, three_phase=True)
    for epoch in range(10):
        assert momentum_of(o) == schedule.momentum_at(epoch)
        assert o._settings()["betas"][1] == 0.99
        schedule.step()


def test_momentum_stays_if_it_is_not_cycled():
    o = with_momentum()
    schedule = optim.OneCycleLR(o, 0.5, 10, cycle_momentum=False)
    schedule.step()
    assert momentum_of(o) == 0.5


def test_moments_survive_a_change_of_momentum():
    o = with_momentum()
    for p in o.parameters:
        p.grad = 1.0
    o.step()
    before = {name: list(moments) for name, moments in o._memory().items()}
    optim.OneCycleLR(o, 0.5, 10).step()
    assert {name: list(moments) for name, moments in o._memory().items()} == before
    assert (o.steps, o.initial_lr) == (1, LR)


def test_optimizer_with_neither_momentum_nor_betas_needs_cycle_momentum_false(monkeypatch: pytest.MonkeyPatch):
    o = optimizer()
    monkeypatch.setattr(optim.SGD, "_settings", lambda self: {"weight_decay": 0.0}, raising=False)
    with pytest.raises(ValueError, match=r"^SGD has neither momentum nor betas: give cycle_momentum=False$"):
        optim.OneCycleLR(o, 0.5, 10)
    assert o.lr == LR
    optim.OneCycleLR(o, 0.5, 10, cycle_momentum=False)
    assert o.lr == pytest.approx(0.02)


# ---- the end, and cycles of few steps


@pytest.mark.parametrize("anneal_strategy", ["cos", "linear"])
def test_last_step_keeps_the_lowest_rate_and_the_next_one_is_an_error(anneal_strategy: str):
    o = with_momentum()
    schedule = optim.OneCycleLR(o, 0.5, 10, anneal_strategy=anneal_strategy)
    for _ in range(10):
        schedule.step()
    assert o.lr == schedule.lr_at(9) == pytest.approx(0.5 / 25.0 / 1e4, rel=1e-9)
    assert momentum_of(o) == 0.95
    before = (schedule.state_dict(), o._settings())
    with pytest.raises(ValueError, match=r"^OneCycleLR ends after total_steps=10: there is no epoch 11$"):
        schedule.step()
    with pytest.raises(ValueError, match=r"^OneCycleLR ends after total_steps=10: there is no epoch 11$"):
        schedule.load_state_dict(before[0] | {"last_epoch": 11})
    assert (schedule.state_dict(), o._settings()) == before


@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("pct_start", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("total_steps", [1, 2, 10])
def test_every_epoch_of_a_cycle_has_a_rate_between_the_lowest_and_the_highest(
    three_phase: bool, pct_start: float, total_steps: int
):
    schedule = optim.OneCycleLR(optimizer(), 0.5, total_steps, pct_start=pct_start, three_phase=three_phase)
    lowest = 0.5 / 25.0 / 1e4
    for epoch in range(total_steps + 1):
        assert lowest * (1.0 - 1e-9) <= schedule.lr_at(epoch) <= 0.5
        assert 0.85 <= schedule.momentum_at(epoch) <= 0.95


def test_rise_of_one_step_starts_at_the_highest_rate():
    assert optim.OneCycleLR(optimizer(), 0.5, 10, pct_start=0.1).get_last_lr() == [0.5]


# ---- in a sequence, and states


def test_sequence_passes_the_momentum_on():
    o = with_momentum()
    cycle = optim.OneCycleLR(o, 0.5, 20)
    schedule = optim.SequentialLR(o, [optim.ConstantLR(o, 1.0), cycle], milestones=[5])
    for epoch in range(25):
        assert momentum_of(o) == cycle.momentum_at(max(epoch - 5, 0))
        assert o.lr == (LR if epoch < 5 else cycle.lr_at(epoch - 5))
        schedule.step()


def test_state_restores_the_momentum():
    o = with_momentum()
    schedule = optim.OneCycleLR(o, 0.5, 20)
    for _ in range(7):
        schedule.step()
    state = json.loads(json.dumps(schedule.state_dict()))
    twin = with_momentum()
    optim.OneCycleLR(twin, 0.5, 20).load_state_dict(state)
    assert (twin.lr, momentum_of(twin)) == (o.lr, momentum_of(o))


def test_step_inside_a_recorded_function_changes_nothing():
    o = with_momentum()
    schedule = optim.OneCycleLR(o, 0.5, 20)
    before = (schedule.state_dict(), o._settings())

    @jit
    def f(x: Value) -> Value:
        schedule.step()
        return x

    with pytest.raises(TypeError, match="setting a learning rate"):
        f(1.0)
    assert (schedule.state_dict(), o._settings()) == before
    assert math.isfinite(o.lr)
