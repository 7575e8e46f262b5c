"""Optimizers: their steps against plain formulas and PyTorch's numbers; what they hold; states and copies."""

from __future__ import annotations

import copy
import gc
import inspect
import json
import math
import os
import pickle
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastgrad import Value, _core, jit, optim
from support.operations import bits
from support.optimizers import (
    CASES,
    FORMULAS,
    START,
    STEPS,
    Case,
    descend,
    descend_by_formula,
    descend_in_torch,
    untested,
)
from support.programs import run

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")


def start() -> list[Value]:
    return [Value(number) for number in START]


def assert_close(actual: list[float], expected: Any) -> None:
    for x, y in zip(actual, expected, strict=True):
        assert abs(x - y) <= 1e-12 * abs(y)


class Named(Value):
    """A user's subclass with additional state."""


# ---- every rule has a class and is tested


@pytest.mark.parametrize("rule", _core.RULES.values(), ids=_core.RULES)
def test_rule_is_tested_with_each_of_its_settings(rule: _core.Rule):
    assert untested(rule) == ""


@pytest.mark.parametrize("rule", _core.RULES.values(), ids=_core.RULES)
def test_class_of_a_rule_has_its_name_and_its_settings_in_their_order(rule: _core.Rule):
    cls = getattr(optim, rule.name)
    assert issubclass(cls, optim.Optimizer)
    assert cls._rule is rule
    assert [*inspect.signature(cls).parameters] == ["parameters", "lr", *rule.settings]


def test_each_class_has_a_rule():
    classes = [each for each in vars(optim).values() if inspect.isclass(each) and issubclass(each, optim.Optimizer)]
    assert {each.__name__ for each in classes} == {"Optimizer", *_core.RULES}
    assert {"Optimizer", *_core.RULES} <= {*optim.__all__}


# ---- steps


@every_case
def test_hundred_steps_equal_the_plain_formulas_to_the_last_bit(case: Case):
    xs = start()
    assert [*map(bits, descend(xs, case.make(xs)))] == [*map(bits, descend_by_formula(case)[0])]


@every_case
def test_a_hundred_steps_agree_with_pytorchs_numbers(case: Case):
    xs = start()
    assert_close(descend(xs, case.make(xs)), case.found)


@every_case
def test_a_hundred_steps_agree_with_pytorch_itself(case: Case):
    torch = pytest.importorskip("torch", reason="compares with PyTorch itself")
    found = descend_in_torch(torch, case)
    assert_close(found, case.found)
    xs = start()
    assert_close(descend(xs, case.make(xs)), found)


@pytest.mark.parametrize("count", [1, 2, 255, 256, 257, 600])
@every_case
def test_each_of_many_parameters_has_its_own_number_gradient_and_memory(case: Case, count: int):
    formula = FORMULAS[case.optimizer]
    xs = [Value(math.sin(i) + 2.0) for i in range(count)]
    numbers: list[float] = [x.data for x in xs]
    kept: list[dict[str, float]] = [{} for _ in xs]
    optimizer = case.make(xs)
    for t in (1, 2, 3):
        for i, x in enumerate(xs):
            x.grad = math.cos(i * t)
        optimizer.step()
        numbers = [formula(p, math.cos(i * t), kept[i], t, **case.settings) for i, p in enumerate(numbers)]
    assert [x.data for x in xs] == numbers
    assert [x.grad for x in xs] == [math.cos(3 * i) for i in range(count)]


def test_a_hundred_thousand_parameters(live_nodes: Callable[[], int]):
    xs = [Value(float(i)) for i in range(100_000)]
    optimizer = optim.Adam((x for x in xs), lr=0.5)
    for x in xs:
        x.grad = -3.0
    optimizer.step()
    assert all(abs(x.data - i - 0.5) < 1e-8 for i, x in enumerate(xs))
    optimizer.zero_grad()
    assert not any(x.grad for x in xs)
    assert live_nodes() == 100_000
    del xs, x
    assert live_nodes() == 100_000
    assert optimizer.parameters[99_999].data == pytest.approx(99_999.5)


@every_case
def test_learning_rate_may_change_between_steps(case: Case):
    xs = start()
    optimizer = case.make(xs)
    descend(xs, optimizer, steps=3)
    numbers = [x.data for x in xs]
    optimizer.lr = 0
    assert descend(xs, optimizer, steps=3) == numbers
    optimizer.lr = np.float32(0.25)
    assert (optimizer.lr, optimizer.initial_lr, optimizer.steps) == (0.25, 0.25, 6)
    assert descend(xs, optimizer, steps=1) != numbers


def test_settings_that_are_off_compute_nothing():
    mask = Value(-math.inf)
    for optimizer in (optim.SGD([mask]), optim.SGD([mask], momentum=0.5), optim.Adam([mask]), optim.RMSprop([mask])):
        optimizer.step()
        assert mask.data == -math.inf


@every_case
def test_gradient_that_is_nan_makes_its_own_parameter_nan_and_no_other(case: Case):
    xs, others = start(), start()
    optimizer, without = case.make(xs), case.make(others)
    for x, y in zip(xs, others, strict=True):
        x.grad = y.grad = 0.5
    xs[2].grad = math.nan
    optimizer.step()
    without.step()
    assert math.isnan(xs[2].data)
    assert [x.data for x in xs[:2] + xs[3:]] == [y.data for y in others[:2] + others[3:]]


def test_variance_that_rounding_would_take_below_zero_is_zero():
    x = Value(0.0)
    optimizer = optim.RMSprop([x], lr=1e-3, centered=True)
    for _ in range(4000):
        x.grad = 0.1
        optimizer.step()
    assert -1e8 < x.data < 0.0


def test_step_uses_the_current_data_and_grad_and_keeps_the_grad():
    a, b = Value(1.0), Value(2.0)
    optimizer = optim.SGD([a, b], lr=0.5)
    (a * b).backward()
    a.data = 10.0
    optimizer.step()
    assert (a.data, b.data, a.grad, b.grad) == (9.0, 1.5, 2.0, 1.0)
    optimizer.zero_grad()
    assert (a.grad, b.grad) == (0.0, 0.0)
    optimizer.step()
    assert (a.data, b.data, optimizer.steps) == (9.0, 1.5, 2)


def test_recorded_functions_see_each_step():
    w = Value(3.0)
    loss = jit(lambda x: (w - x) ** 2)
    optimizer = optim.SGD([w], lr=0.25)
    for expected in (3.0, 2.0, 1.5, 1.25):
        assert w.data == expected
        optimizer.zero_grad()
        loss(1.0).backward()
        optimizer.step()
    assert loss.recordings == 1


REFUSED: dict[str, Callable[[optim.Optimizer, optim.LRScheduler], Any]] = {
    r"step\(\)": lambda optimizer, _: optimizer.step(),
    r"zero_grad\(\)": lambda optimizer, _: optimizer.zero_grad(),
    r"clip_grad_norm_\(\)": lambda optimizer, _: optim.clip_grad_norm_(optimizer.parameters, 1.0),
    r"clip_grad_value_\(\)": lambda optimizer, _: optim.clip_grad_value_(optimizer.parameters, 1.0),
    "loading a state": lambda optimizer, _: optimizer.load_state_dict(optimizer.state_dict()),
    "setting a learning rate": lambda _, schedule: schedule.step(),
}


@pytest.mark.parametrize("what", REFUSED)
def test_training_inside_a_recorded_function_is_an_error(what: str):
    w = Value(3.0)
    w.grad = 2.0
    optimizer = optim.SGD([w], lr=0.1)
    schedule = optim.StepLR(optimizer, 1)

    @jit
    def train(x: Value) -> Value:
        REFUSED[what](optimizer, schedule)
        return x * w

    with pytest.raises(TypeError, match=f"^{what} inside a function that is being recorded .*: .*or do it outside$"):
        train(1.0)
    assert (w.data, w.grad, optimizer.steps, optimizer.lr, schedule.last_epoch) == (3.0, 2.0, 0, 0.1, 0)


# ---- what they hold


def test_parameters_come_in_any_iterable_and_stay_themselves():
    a, b = Value(1.0), Named(2.0)
    for given in ([a, b], (a, b), iter([a, b]), (v for v in (a, b)), {a: 1, b: 2}.keys(), np.array([a, b])):
        parameters = optim.SGD(given).parameters
        assert len(parameters) == 2
        assert parameters[0] is a
        assert parameters[1] is b


def test_parameters_live_as_long_as_their_optimizer(live_nodes: Callable[[], int]):
    named = Named(2.0)
    named.name = "w"
    optimizer = optim.Adam([Value(1.0), named])
    twins = [optim.SGD(optimizer.parameters), copy.copy(optimizer)]
    gone = weakref.ref(named)
    del named
    gc.collect()
    assert optimizer.parameters[1].name == "w"
    del optimizer
    gc.collect()
    assert [twin.parameters[1].name for twin in twins] == ["w", "w"]
    assert live_nodes() == 2
    del twins
    gc.collect()
    assert gone() is None
    assert live_nodes() == 0


def test_optimizer_that_is_part_of_a_cycle_is_collected(live_nodes: Callable[[], int]):
    optimizer = optim.SGD([Value(1.0)])
    optimizer.schedule = optim.StepLR(optimizer, 10)
    del optimizer
    assert live_nodes() == 0


@needs_proc
def test_optimizers_leave_nothing_behind():
    # In a separate process: elsewhere the quarantine of AddressSanitizer counts as resident until it is full.
    program = """
        import gc, os
        from fastgrad import Value, _core, optim

        def resident_bytes():
            with open("/proc/self/statm", encoding="ascii") as statm:
                return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        class Named(Value):
            pass

        leaves = [Value(1.0) for _ in range(1000)] + [Named(1.0) for _ in range(10)]

        def use(times):
            for _ in range(times):
                for optimizer in (optim.SGD(leaves, momentum=0.9), optim.Adam(leaves), optim.RMSprop(leaves)):
                    optimizer.step()
                    optimizer.load_state_dict(optimizer.state_dict())
                    optim.clip_grad_norm_(leaves, 1.0)
                    try:
                        optim.SGD([*leaves, 3.0])
                    except TypeError:
                        pass

        use(20)
        gc.collect()
        resident, memory = resident_bytes(), _core.memory()
        use(150)
        gc.collect()
        assert _core.memory() == memory
        growth = resident_bytes() - resident
        assert growth < 2 << 20, growth
        """
    sanitizer = f"{os.environ.get('ASAN_OPTIONS', '')}:quarantine_size_mb=1:thread_local_quarantine_size_kb=64"
    run(program, ASAN_OPTIONS=sanitizer)


def test_repr_names_every_setting():
    w = [Value(1.0), Value(2.0)]
    assert repr(optim.SGD(w)) == (
        "SGD(2 parameters, lr=0.001, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False)"
    )
    assert repr(optim.Adam(w)) == "Adam(2 parameters, lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0)"
    assert repr(optim.AdamW(w)) == "AdamW(2 parameters, lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01)"
    assert repr(optim.RMSprop(w)) == (
        "RMSprop(2 parameters, lr=0.01, alpha=0.99, eps=1e-08, weight_decay=0.0, momentum=0.0, centered=False)"
    )


def test_defaults_are_pytorchs():
    torch = pytest.importorskip("torch", reason="compares with PyTorch itself")
    for name in FORMULAS:
        state = getattr(optim, name)([Value(1.0)]).state_dict()
        theirs = getattr(torch.optim, name)([torch.zeros(1)]).defaults
        ours = {setting: state[setting] for setting in state.keys() & theirs.keys()}
        assert ours == {setting: type(ours[setting])(theirs[setting]) for setting in ours}
        assert len(ours) >= 4


# ---- states


@every_case
def test_state_has_the_settings_and_what_the_formula_remembers(case: Case):
    xs = start()
    optimizer = case.make(xs)
    descend(xs, optimizer, steps=2)
    state = optimizer.state_dict()
    assert (state["optimizer"], state["steps"], state["lr"]) == (case.optimizer, 2, case.settings["lr"])
    settings = {name: list(each) if isinstance(each, tuple) else each for name, each in case.settings.items()}
    assert settings.items() <= state.items()
    _, kept = descend_by_formula(case, steps=2)
    arrays = {key: each for key, each in state.items() if isinstance(each, np.ndarray)}
    assert list(arrays) == list(kept[0])
    assert all((each.dtype, each.shape) == (np.float64, (len(xs),)) for each in arrays.values())
    for key, each in arrays.items():
        assert [*map(bits, each.tolist())] == [bits(memory[key]) for memory in kept]
    assert {type(each) for key, each in state.items() if key not in arrays} <= {str, int, float, bool, list}


@every_case
def test_resuming_gives_the_bits_of_an_uninterrupted_run(case: Case):
    xs = start()
    optimizer = case.make(xs)
    descend(xs, optimizer, steps=37)
    optimizer.lr = 1.5 * optimizer.lr
    numbers, state = [x.data for x in xs], optimizer.state_dict()
    text = json.dumps({key: each.tolist() if isinstance(each, np.ndarray) else each for key, each in state.items()})
    expected = [*map(bits, descend(xs, optimizer, STEPS - 37))]
    for kept in (state, json.loads(text)):
        leaves = [Value(number) for number in numbers]
        resumed = getattr(optim, case.optimizer)(leaves, lr=7.0)
        resumed.load_state_dict(kept)
        assert (resumed.steps, resumed.lr, resumed.initial_lr) == (37, state["lr"], state["lr"])
        assert [*map(bits, descend(leaves, resumed, STEPS - 37))] == expected


def test_state_and_optimizer_share_no_memory():
    xs = start()
    optimizer, twin = optim.Adam(xs), optim.Adam(xs)
    descend(xs, optimizer, steps=1)
    state = optimizer.state_dict()
    twin.load_state_dict(state)
    state["exp_avg"][:] = math.nan
    state["betas"][0] = 0.5
    for each in (optimizer, twin):
        assert not np.isnan(each.state_dict()["exp_avg"]).any()
        assert each.state_dict()["betas"] == [0.9, 0.999]


# ---- copies


@pytest.mark.parametrize("carry", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
@every_case
def test_copies_stay_connected_to_parameters_that_are_copied_with_them(case: Case, carry: Callable[[Any], Any]):
    xs = start()
    optimizer = case.make(xs)
    descend(xs, optimizer, steps=5)
    optimizer.note = "mine"
    for things in ((xs, optimizer), (optimizer, xs)):
        twins = dict(zip((type(thing) for thing in things), carry(things), strict=True))
        leaves, twin = twins[list], twins[type(optimizer)]
        assert list(twin.parameters) == leaves
        assert not set(leaves) & set(xs)
        assert (repr(twin), twin.note) == (repr(optimizer), "mine")
        expected = copy.deepcopy((xs, optimizer))
        assert descend(leaves, twin, steps=5) == descend(*expected, steps=5)
    assert (optimizer.steps, len(carry(optimizer).parameters)) == (5, 5)


def test_shallow_copy_optimizes_the_same_leaves_by_itself():
    w = Value(1.0)
    optimizer = optim.SGD([w], lr=0.5, momentum=0.5)
    twin = copy.copy(optimizer)
    w.grad = 1.0
    twin.step()
    assert (w.data, twin.steps, optimizer.steps, twin.parameters) == (0.5, 1, 0, (w,))


class Doubling(optim.SGD):
    """A user's subclass with another constructor signature."""

    def __init__(self, *leaves: Value) -> None:
        super().__init__(leaves, lr=2.0)
        self.notes = ["mine"]


def test_subclass_is_copied_without_calling_its_constructor():
    optimizer = Doubling(Value(1.0))
    for twin in (copy.copy(optimizer), copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert (type(twin), twin.lr, twin.notes) == (Doubling, 2.0, ["mine"])
