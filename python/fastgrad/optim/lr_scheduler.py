"""Learning-rate schedules: formulas of the epoch, which is the number of calls of the schedule's `step`.

The formulas are the closed forms of PyTorch's ``torch.optim.lr_scheduler``. Each step computes the rate from the
initial one, so two schedules on one optimizer overwrite each other; chain them with `SequentialLR`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from numbers import Real
from typing import TYPE_CHECKING, Any

from fastgrad import pytorch_names
from fastgrad.optim.optimizer import Optimizer, whole_number

__all__ = ["ConstantLR", "CosineAnnealingLR", "LRScheduler", "LambdaLR", "LinearLR", "SequentialLR", "StepLR"]
if not TYPE_CHECKING:
    __getattr__ = pytorch_names.module_getattr(__name__, __all__)

_CONDITIONS: dict[str, Callable[[float], bool]] = {
    "above 0": lambda x: x > 0.0,
    "at least 0": lambda x: x >= 0.0,
    "above 0 and at most 1": lambda x: 0.0 < x <= 1.0,
    "at least 0 and at most 1": lambda x: 0.0 <= x <= 1.0,
}


def _number(name: str, given: Any, condition: str) -> float:
    if not isinstance(given, Real):
        raise TypeError(f"{name} needs a real number, not {given!r} of type '{type(given).__name__}'")
    number = float(given)
    if not (math.isfinite(number) and _CONDITIONS[condition](number)):
        raise ValueError(f"{name} must be finite and {condition}, not {given!r}")
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
        optimizer._schedule_lr(self.lr_at(0))

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
        self.optimizer._schedule_lr(self.lr_at(self.last_epoch + 1))
        self.last_epoch += 1

    def get_last_lr(self) -> list[float]:
        """The optimizer's current learning rate in a list: PyTorch's way to ask for ``optimizer.lr``."""
        return [self.optimizer.lr]

    def state_dict(self) -> dict[str, Any]:
        """The state of the schedule: a dict of its name, ``last_epoch``, ``base_lr`` and ``lr``.

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
        name = type(self).__name__
        if state.get("scheduler") != name:
            raise ValueError(f"the state is of {state.get('scheduler')!r} and cannot be loaded into {name}")
        if state.keys() != {"scheduler", "last_epoch", "base_lr", "lr"}:
            raise ValueError(
                f"the state of {name} must have scheduler, last_epoch, base_lr and lr, not {list(state)}"
            )
        last_epoch = whole_number("last_epoch", state["last_epoch"])
        base_lr = _number("base_lr", state["base_lr"], "at least 0")
        self.optimizer._schedule_lr(state["lr"])
        self.last_epoch, self.base_lr = last_epoch, base_lr

    def __repr__(self) -> str:
        return f"{type(self).__name__}(last_epoch={self.last_epoch}, base_lr={self.base_lr!r})"


class CosineAnnealingLR(LRScheduler):
    """Half a cosine: from ``base_lr`` down to ``eta_min`` in ``T_max`` epochs, then up again, and so on.

    ``eta_min + (base_lr - eta_min) * (1 + cos(pi * epoch / T_max)) / 2``: Loshchilov and Hutter 2017, equation 5,
    without restarts.

    Args:
        optimizer: The optimizer whose learning rate is set.
        T_max: Epochs to the lowest learning rate, above 0.
        eta_min: The lowest learning rate, at least 0.

    Raises:
        TypeError: A setting is not a number, or ``optimizer`` is not an `Optimizer`.
        ValueError: A setting is out of range.
    """

    def __init__(self, optimizer: Optimizer, T_max: float, eta_min: float = 0.0) -> None:
        self.T_max = _number("T_max", T_max, "above 0")
        self.eta_min = _number("eta_min", eta_min, "at least 0")
        super().__init__(optimizer)

    def lr_from(self, base_lr: float, epoch: int) -> float:
        return self.eta_min + (base_lr - self.eta_min) * (1.0 + math.cos(math.pi * epoch / self.T_max)) / 2.0


class LinearLR(LRScheduler):
    """A line: from ``base_lr * start_factor`` to ``base_lr * end_factor`` in ``total_iters`` epochs, then constant.

    With the defaults it is a warm-up.

    Args:
        optimizer: The optimizer whose learning rate is set.
        start_factor: Above 0 and at most 1.
        end_factor: At least 0 and at most 1.
        total_iters: Epochs to the end of the line, above 0.

    Raises:
        TypeError: A setting is not a number, or ``optimizer`` is not an `Optimizer`.
        ValueError: A setting is out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3.0,
        end_factor: float = 1.0,
        total_iters: float = 5,
    ) -> None:
        self.start_factor = _number("start_factor", start_factor, "above 0 and at most 1")
        self.end_factor = _number("end_factor", end_factor, "at least 0 and at most 1")
        self.total_iters = _number("total_iters", total_iters, "above 0")
        super().__init__(optimizer)

    def lr_from(self, base_lr: float, epoch: int) -> float:
        way = min(self.total_iters, epoch) / self.total_iters
        return base_lr * (self.start_factor + (self.end_factor - self.start_factor) * way)


class ConstantLR(LRScheduler):
    """``base_lr * factor`` in the first ``total_iters`` epochs, then ``base_lr``.

    Args:
        optimizer: The optimizer whose learning rate is set.
        factor: At least 0 and at most 1.
        total_iters: At least 0.

    Raises:
        TypeError: A setting is not a number, or ``optimizer`` is not an `Optimizer`.
        ValueError: A setting is out of range.
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1.0 / 3.0, total_iters: float = 5) -> None:
        self.factor = _number("factor", factor, "at least 0 and at most 1")
        self.total_iters = _number("total_iters", total_iters, "at least 0")
        super().__init__(optimizer)

    def lr_from(self, base_lr: float, epoch: int) -> float:
        return base_lr * self.factor if epoch < self.total_iters else base_lr


class StepLR(LRScheduler):
    """``base_lr * gamma**(epoch // step_size)``.

    Args:
        optimizer: The optimizer whose learning rate is set.
        step_size: Epochs from one step down to the next, above 0.
        gamma: The factor of each step down, at least 0.

    Raises:
        TypeError: A setting is not a number, or ``optimizer`` is not an `Optimizer`.
        ValueError: A setting is out of range.
    """

    def __init__(self, optimizer: Optimizer, step_size: float, gamma: float = 0.1) -> None:
        self.step_size = _number("step_size", step_size, "above 0")
        self.gamma = _number("gamma", gamma, "at least 0")
        super().__init__(optimizer)

    def lr_from(self, base_lr: float, epoch: int) -> float:
        return float(base_lr * self.gamma ** (epoch // self.step_size))


class LambdaLR(LRScheduler):
    """``base_lr * lr_lambda(epoch)``.

    Args:
        optimizer: The optimizer whose learning rate is set.
        lr_lambda: A function from an epoch, an int, to a factor of at least 0.

    Raises:
        TypeError: ``lr_lambda`` is not callable, or ``optimizer`` is not an `Optimizer`.
        ValueError: The product is not a finite number of at least 0.
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float]) -> None:
        if not callable(lr_lambda):
            raise TypeError(f"lr_lambda must be a function from an epoch to a factor, not {lr_lambda!r}")
        self.lr_lambda = lr_lambda
        super().__init__(optimizer)

    def lr_from(self, base_lr: float, epoch: int) -> float:
        return base_lr * self.lr_lambda(epoch)


class SequentialLR(LRScheduler):
    """One schedule after another: ``schedulers[i]`` starts at epoch ``milestones[i - 1]`` with its own epoch 0.

    A warm-up is a `LinearLR` before another schedule:
    ``SequentialLR(o, [LinearLR(o, 0.01, total_iters=10), CosineAnnealingLR(o, 90)], milestones=[10])``.

    Args:
        optimizer: The optimizer whose learning rate is set.
        schedulers: Schedules of this optimizer, at least one, for their formulas; call `step` of this one only.
        milestones: The epochs at which the next schedules begin, in ascending order: one fewer than schedules.

    Raises:
        TypeError: A schedule is not an `LRScheduler`, or a milestone is not an int.
        ValueError: A schedule is of another optimizer, there is none, or the milestones are not one fewer, or do not
            ascend from above 0.
    """

    def __init__(self, optimizer: Optimizer, schedulers: Iterable[LRScheduler], milestones: Iterable[int]) -> None:
        self.schedulers, self.milestones = list(schedulers), [whole_number("a milestone", m) for m in milestones]
        for scheduler in self.schedulers:
            if not isinstance(scheduler, LRScheduler):
                raise TypeError(f"schedulers must be schedules of fastgrad.optim, not {scheduler!r:.200}")
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"{scheduler!r} is of another optimizer: make it for {optimizer!r}")
        if len(self.schedulers) != len(self.milestones) + 1:
            raise ValueError(
                f"{len(self.schedulers)} schedules need one milestone fewer, not {len(self.milestones)}: "
                "an epoch at which each but the first begins"
            )
        if any(a >= b for a, b in pairwise([0, *self.milestones])):
            raise ValueError(f"milestones must ascend from above 0, not {self.milestones}")
        super().__init__(optimizer)

    def lr_from(self, base_lr: float, epoch: int) -> float:
        turn = bisect_right(self.milestones, epoch)
        return self.schedulers[turn].lr_from(base_lr, epoch - [0, *self.milestones][turn])
