"""Schedules one after another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise

from fastgrad.optim.lr_scheduler.plateau import ReduceLROnPlateau
from fastgrad.optim.lr_scheduler.schedule import LRScheduler
from fastgrad.optim.optimizer import Optimizer, whole_number

__all__ = ["SequentialLR"]


class SequentialLR(LRScheduler):
    """One schedule after another: ``schedulers[i]`` starts at epoch ``milestones[i - 1]`` with its own epoch 0.

    A warm-up is a `LinearLR` before another schedule:
    ``SequentialLR(o, [LinearLR(o, 0.01, total_iters=10), CosineAnnealingLR(o, 90)], milestones=[10])``.

    Args:
        optimizer: The optimizer whose learning rate is set.
        schedulers: Schedules of this optimizer, at least one, for their formulas; call `step` of this one only.
        milestones: The epochs at which the next schedules begin, in ascending order: one fewer than schedules.

    Raises:
        TypeError: A schedule is not an `LRScheduler` or is a `ReduceLROnPlateau`, whose steps need a metric, or a
            milestone is not an int.
        ValueError: A schedule is of another optimizer, there is none, or the milestones are not one fewer, or do not
            ascend from above 0.
    """

    def __init__(self, optimizer: Optimizer, schedulers: Iterable[LRScheduler], milestones: Iterable[int]) -> None:
        self.schedulers, self.milestones = list(schedulers), [whole_number("a milestone", m) for m in milestones]
        for scheduler in self.schedulers:
            if not isinstance(scheduler, LRScheduler):
                raise TypeError(f"schedulers must be schedules of fastgrad.optim, not {scheduler!r:.200}")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise TypeError("a ReduceLROnPlateau cannot be in a sequence: its steps need a metric")
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
        scheduler, since = self._turn(epoch)
        return scheduler.lr_from(base_lr, epoch - since)

    def _set(self, lr: float, epoch: float) -> None:
        scheduler, since = self._turn(epoch)
        scheduler._set(lr, epoch - since)

    def _turn(self, epoch: float) -> tuple[LRScheduler, int]:
        """The schedule of an epoch, and the epoch at which it started."""
        turn = bisect_right(self.milestones, epoch)
        return self.schedulers[turn], [0, *self.milestones][turn]
