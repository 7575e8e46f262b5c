"""Schedules that rise and fall: cosines with and without restarts, and one cycle."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from fastgrad.optim.lr_scheduler.schedule import LRScheduler, positive_int, real_number
from fastgrad.optim.optimizer import Optimizer

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts", "OneCycleLR"]


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


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine from ``base_lr`` down to ``eta_min``, which restarts from ``base_lr`` after each cycle.

    ``eta_min + (base_lr - eta_min) * (1 + cos(pi * T_cur / T_i)) / 2`` in epoch ``T_cur`` of a cycle of ``T_i``
    epochs: Loshchilov and Hutter 2017, equation 5.

    Args:
        optimizer: The optimizer whose learning rate is set.
        T_0: Epochs in the first cycle, at least 1.
        T_mult: Each cycle has this many times the epochs of the one before: an int of at least 1.
        eta_min: The lowest learning rate, at least 0.

    Attributes:
        epoch: The current epoch with the fraction that `step` was given; ``last_epoch`` is the int below it.

    Raises:
        TypeError: A setting is not a number, or ``optimizer`` is not an `Optimizer`.
        ValueError: A setting is out of range.
    """

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0) -> None:
        self.T_0 = positive_int("T_0", T_0)
        self.T_mult = positive_int("T_mult", T_mult)
        self.eta_min = real_number("eta_min", eta_min, "at least 0")
        self.epoch = 0.0
        super().__init__(optimizer)

    def lr_from(self, base_lr: float, epoch: float) -> float:
        since, length = epoch, self.T_0
        if self.T_mult == 1:
            since %= length
        else:
            while since >= length:
                since -= length
                length *= self.T_mult
        return self.eta_min + (base_lr - self.eta_min) * (1.0 + math.cos(math.pi * since / length)) / 2.0

    def lr_at(self, epoch: float) -> float:
        """The learning rate in any epoch, which may have a fraction."""
        return self.lr_from(self.base_lr, epoch)

    def step(self, epoch: float | None = None) -> None:
        """Go to the next epoch, or to the given one.

        Args:
            epoch: A number of at least 0, for example ``epoch + i / batches`` after batch ``i`` of an epoch.

        Raises:
            TypeError: ``epoch`` is not a number, or the call is inside a function that is being recorded.
            ValueError: ``epoch`` is not finite or is below 0. Then nothing has changed.
        """
        target = self.epoch + 1.0 if epoch is None else real_number("epoch", epoch, "at least 0")
        self._set(self.lr_at(target), target)
        self.epoch, self.last_epoch = target, math.floor(target)

    def state_dict(self) -> dict[str, Any]:
        """The state of every schedule, and ``epoch``."""
        return {**super().state_dict(), "epoch": self.epoch}

    def _progress_in(self, state: Mapping[str, Any]) -> dict[str, Any]:
        progress = super()._progress_in(state)
        progress["epoch"] = real_number("epoch", state["epoch"], "at least 0")
        if math.floor(progress["epoch"]) != progress["last_epoch"]:
            raise ValueError(f"epoch {state['epoch']!r} does not belong to last_epoch {state['last_epoch']!r}")
        return progress


def _line(start: float, end: float, way: float) -> float:
    return (end - start) * way + start


def _half_cosine(start: float, end: float, way: float) -> float:
    return end + (start - end) / 2.0 * (math.cos(math.pi * way) + 1.0)


_ANNEALING: dict[str, Callable[[float, float, float], float]] = {"cos": _half_cosine, "linear": _line}


class OneCycleLR(LRScheduler):
    """One cycle: the learning rate rises from ``max_lr / div_factor`` to ``max_lr``, then falls far below its start.

    The rise takes the fraction ``pct_start`` of the steps. The lowest learning rate is ``max_lr / div_factor /
    final_div_factor``. Call `step` after each of the optimizer's steps. Smith and Topin 2018; as in PyTorch, the
    default has two phases, and ``three_phase`` is the paper's: a rise, a fall that mirrors it, and a fall to the
    lowest rate.

    If ``cycle_momentum``, the schedule also sets the optimizer's ``momentum``, or the first of its ``betas``: from
    ``max_momentum`` down to ``base_momentum`` as the learning rate rises, and up again as it falls. The optimizer's
    own learning rate and momentum are not used.

    The lowest rate is that of epoch ``total_steps - 1``. The step after it, the last, keeps it; PyTorch extrapolates.

    Args:
        optimizer: The optimizer whose learning rate and momentum are set.
        max_lr: The highest learning rate, at least 0.
        total_steps: The number of steps, at least 1. Without it, ``epochs * steps_per_epoch``.
        epochs: The number of passes over the data, at least 1.
        steps_per_epoch: Steps in each, at least 1.
        pct_start: The part of the steps in which the learning rate rises, at least 0 and at most 1.
        anneal_strategy: ``"cos"`` for half cosines, ``"linear"`` for lines.
        cycle_momentum: Whether the momentum is set too.
        base_momentum: The lowest momentum, above 0 and below 1.
        max_momentum: The highest momentum, above 0 and below 1.
        div_factor: ``max_lr`` divided by the first learning rate, above 0.
        final_div_factor: The first learning rate divided by the lowest, above 0.
        three_phase: Whether there are three phases rather than two.

    Raises:
        TypeError: A setting is not a number, or ``optimizer`` is not an `Optimizer`.
        ValueError: A setting is out of range, the number of steps is not given, or the optimizer has neither
            ``momentum`` nor ``betas`` and ``cycle_momentum`` is true.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        if total_steps is not None:
            self.total_steps = positive_int("total_steps", total_steps)
        elif epochs is not None and steps_per_epoch is not None:
            self.total_steps = positive_int("epochs", epochs) * positive_int("steps_per_epoch", steps_per_epoch)
        else:
            raise ValueError("OneCycleLR needs total_steps, or both epochs and steps_per_epoch")
        if anneal_strategy not in _ANNEALING:
            raise ValueError(f"anneal_strategy must be 'cos' or 'linear', not {anneal_strategy!r}")
        self.max_lr = real_number("max_lr", max_lr, "at least 0")
        self.pct_start = real_number("pct_start", pct_start, "at least 0 and at most 1")
        self.anneal_strategy = anneal_strategy
        self.cycle_momentum = bool(cycle_momentum)
        self.base_momentum = real_number("base_momentum", base_momentum, "above 0 and below 1")
        self.max_momentum = real_number("max_momentum", max_momentum, "above 0 and below 1")
        self.div_factor = real_number("div_factor", div_factor, "above 0")
        self.final_div_factor = real_number("final_div_factor", final_div_factor, "above 0")
        self.three_phase = bool(three_phase)
        super().__init__(optimizer)

    def lr_from(self, base_lr: float, epoch: int) -> float:
        first = self.max_lr / self.div_factor
        lowest = first / self.final_div_factor
        stops = [first, self.max_lr, first, lowest] if self.three_phase else [first, self.max_lr, lowest]
        return self._between(stops, epoch)

    def momentum_at(self, epoch: float) -> float:
        """The momentum in any epoch, if ``cycle_momentum``; for example to plot it before training."""
        high, low = self.max_momentum, self.base_momentum
        return self._between([high, low, high, high] if self.three_phase else [high, low, high], epoch)

    def _between(self, stops: list[float], epoch: float) -> float:
        """The number in an epoch, on the way from stop to stop."""
        self._require_before_end(epoch)
        rise = self.pct_start * self.total_steps
        ends = [rise - 1.0, 2.0 * rise - 2.0] if self.three_phase else [rise - 1.0]
        start = 0.0
        for phase, end in enumerate([*ends, self.total_steps - 1.0]):
            if epoch <= end or phase == len(ends):
                break
            start = end
        length = end - start
        way = min((epoch - start) / length, 1.0) if length > 0.0 else 1.0
        return _ANNEALING[self.anneal_strategy](stops[phase], stops[phase + 1], way)

    def _progress_in(self, state: Mapping[str, Any]) -> dict[str, Any]:
        progress = super()._progress_in(state)
        self._require_before_end(progress["last_epoch"])
        return progress

    def _set(self, lr: float, epoch: float) -> None:
        settings = self._momentum_settings(epoch) if self.cycle_momentum else {}
        super()._set(lr, epoch)
        if settings:
            self.optimizer._change_settings(**settings)

    def _momentum_settings(self, epoch: float) -> dict[str, Any]:
        settings = self.optimizer._settings()
        if "betas" in settings:
            return {"betas": (self.momentum_at(epoch), *settings["betas"][1:])}
        if "momentum" in settings:
            return {"momentum": self.momentum_at(epoch)}
        raise ValueError(f"{type(self.optimizer).__name__} has neither momentum nor betas: give cycle_momentum=False")

    def _require_before_end(self, epoch: float) -> None:
        if epoch > self.total_steps:
            raise ValueError(f"OneCycleLR ends after total_steps={self.total_steps}: there is no epoch {epoch}")
