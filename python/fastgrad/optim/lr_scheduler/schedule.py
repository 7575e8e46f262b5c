"""The base class of schedules, and the check of their settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

from fastgrad.optim.optimizer import Optimizer, whole_number

__all__ = ["LRScheduler"]

_CONDITIONS: dict[str, Callable[[float], bool]] = {
    "above 0": lambda x: x > 0.0,
    "above 0 and below 1": lambda x: 0.0 < x < 1.0,
    "at least 0": lambda x: x >= 0.0,
    "above 0 and at most 1": lambda x: 0.0 < x <= 1.0,
    "at least 0 and at most 1": lambda x: 0.0 <= x <= 1.0,
    "at least 0 and below 1": lambda x: 0.0 <= x < 1.0,
}


def real_number(name: str, given: Any, condition: str) -> float:
    """The float, if it is finite and meets the condition; otherwise raises an error that names it."""
    if not isinstance(given, Real):
        raise TypeError(f"{name} needs a real number, not {given!r} of type '{type(given).__name__}'")
    number = float(given)
    if not (math.isfinite(number) and _CONDITIONS[condition](number)):
        raise ValueError(f"{name} must be finite and {condition}, not {given!r}")
    return number


def positive_int(name: str, given: Any) -> int:
    """The int, if it is one of at least 1; otherwise raises an error that names it."""
    number = whole_number(name, given)
    if number < 1:
        raise ValueError(f"{name} must be at least 1, not {given!r}")
    return number


class LRScheduler:
    """The base class of schedules. For your own schedule, define a subclass with `lr_from`.

    Creating a schedule sets the optimizer's learning rate to that of epoch 0. Call `step` after each of the
    optimizer's steps, or after each pass over the data, depending on how you count epochs.

    Args:
        optimizer: The optimizer whose learning rate is set.

    Attributes:
        base_lr: The learning rate that the formula starts from: the optimizer's ``initial_lr``, which no schedule
            changes.
        last_epoch: The current epoch; the first is 0.

    Raises:
        TypeError: ``optimizer`` is not an `Optimizer`.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"a schedule needs an optimizer of fastgrad.optim, not {optimizer!r:.200}")
        self.optimizer = optimizer
        self.base_lr = optimizer.initial_lr
        self.last_epoch = 0
        self._begin()

    def lr_from(self, base_lr: float, epoch: int) -> float:
        """The learning rate in an epoch, starting from ``base_lr``."""
        raise NotImplementedError(f"{type(self).__name__} needs a method lr_from(base_lr, epoch)")

    def lr_at(self, epoch: int) -> float:
        """The learning rate in any epoch, for example to plot it before training."""
        return self.lr_from(self.base_lr, epoch)

    def step(self) -> None:
        """Go to the next epoch.

        Raises:
            TypeError: the call is inside a function that is being recorded.
            ValueError: the formula does not give a finite number of at least 0. Then nothing has changed.
        """
        epoch = self.last_epoch + 1
        self._set(self.lr_at(epoch), epoch)
        self.last_epoch = epoch

    def get_last_lr(self) -> list[float]:
        """The optimizer's current learning rate in a list: PyTorch's way to ask for ``optimizer.lr``."""
        return [self.optimizer.lr]

    def state_dict(self) -> dict[str, Any]:
        """The state of the schedule: a dict of its name, ``last_epoch``, ``base_lr``, ``lr``, and its other counts.

        Its settings are not included: create the schedule with them before you load.
        """
        return {
            "scheduler": type(self).__name__,
            "last_epoch": self.last_epoch,
            "base_lr": self.base_lr,
            "lr": self.optimizer.lr,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict`; the optimizer's learning rate becomes the saved one.

        Raises:
            TypeError: it is not a dict, or an entry is not a number.
            ValueError: it is from another kind of schedule, or an entry is missing, unknown or out of range. Then
                nothing has changed.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"load_state_dict() needs a dict that state_dict() gave, not {state!r:.200}")
        name, expected = type(self).__name__, list(self.state_dict())
        if state.get("scheduler") != name:
            raise ValueError(f"the state is of {state.get('scheduler')!r} and cannot be loaded into {name}")
        if state.keys() != {*expected}:
            raise ValueError(
                f"the state of {name} must have {', '.join(expected[:-1])} and {expected[-1]}, not {list(state)}"
            )
        progress = self._progress_in(state)
        self._set(state["lr"], progress["last_epoch"])
        vars(self).update(progress)

    def _progress_in(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes that a state sets, checked; a schedule that counts more adds its own."""
        return {
            "last_epoch": whole_number("last_epoch", state["last_epoch"]),
            "base_lr": real_number("base_lr", state["base_lr"], "at least 0"),
        }

    def _begin(self) -> None:
        self._set(self.lr_at(0), 0)

    def _set(self, lr: float, epoch: float) -> None:
        """Set what the schedule controls in the optimizer, or raise an error and change nothing."""
        self.optimizer._schedule_lr(lr)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(last_epoch={self.last_epoch}, base_lr={self.base_lr!r})"
