"""Schedules that scale the first learning rate by a factor of the epoch."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable

from fastgrad.optim.lr_scheduler.schedule import LRScheduler, real_number
from fastgrad.optim.optimizer import Optimizer, whole_number

__all__ = ["ConstantLR", "ExponentialLR", "LambdaLR", "LinearLR", "MultiStepLR", "StepLR"]


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
        self.start_factor = real_number("start_factor", start_factor, "above 0 and at most 1")
        self.end_factor = real_number("end_factor", end_factor, "at least 0 and at most 1")
        self.total_iters = real_number("total_iters", total_iters, "above 0")
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
        self.factor = real_number("factor", factor, "at least 0 and at most 1")
        self.total_iters = real_number("total_iters", total_iters, "at least 0")
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
        self.step_size = real_number("step_size", step_size, "above 0")
        self.gamma = real_number("gamma", gamma, "at least 0")
        super().__init__(optimizer)

    def lr_from(self, base_lr: float, epoch: int) -> float:
        return float(base_lr * self.gamma ** (epoch // self.step_size))


class MultiStepLR(LRScheduler):
    """``base_lr * gamma**n``, where ``n`` is the number of milestones up to the epoch.

    Args:
        optimizer: The optimizer whose learning rate is set.
        milestones: The epochs at which the learning rate is multiplied by ``gamma``: ints of at least 0, in any
            order. One that is given twice counts twice.
        gamma: The factor of each step down, at least 0.

    Raises:
        TypeError: A milestone is not an int, ``gamma`` is not a number, or ``optimizer`` is not an `Optimizer`.
        ValueError: A setting is out of range.
    """

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1) -> None:
        self.milestones = sorted(whole_number("a milestone", m) for m in milestones)
        self.gamma = real_number("gamma", gamma, "at least 0")
        super().__init__(optimizer)

    def lr_from(self, base_lr: float, epoch: int) -> float:
        return float(base_lr * self.gamma ** bisect_right(self.milestones, epoch))


class ExponentialLR(LRScheduler):
    """``base_lr * gamma**epoch``.

    Args:
        optimizer: The optimizer whose learning rate is set.
        gamma: The factor of each epoch, at least 0.

    Raises:
        TypeError: ``gamma`` is not a number, or ``optimizer`` is not an `Optimizer`.
        ValueError: ``gamma`` is out of range.
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = real_number("gamma", gamma, "at least 0")
        super().__init__(optimizer)

    def lr_from(self, base_lr: float, epoch: int) -> float:
        return float(base_lr * self.gamma**epoch)


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
