"""Schedules that rise and fall."""

from __future__ import annotations

import math

from fastgrad.optim.lr_scheduler.schedule import LRScheduler, real_number
from fastgrad.optim.optimizer import Optimizer

__all__ = ["CosineAnnealingLR"]


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
        self.T_max = real_number("T_max", T_max, "above 0")
        self.eta_min = real_number("eta_min", eta_min, "at least 0")
        super().__init__(optimizer)

    def lr_from(self, base_lr: float, epoch: int) -> float:
        return self.eta_min + (base_lr - self.eta_min) * (1.0 + math.cos(math.pi * epoch / self.T_max)) / 2.0
