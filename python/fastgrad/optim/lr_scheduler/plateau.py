"""A schedule that follows a metric."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from fastgrad.optim.lr_scheduler.schedule import LRScheduler, real_number
from fastgrad.optim.optimizer import Optimizer, whole_number

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(LRScheduler):
    """``lr * factor``, but not below ``min_lr``, whenever the metric has not improved for ``patience`` epochs.

    A metric improves on the best so far if it is less than ``best * (1 - threshold)``, or ``best - threshold`` for
    ``threshold_mode="abs"``; in the mode ``"max"`` if it is greater than ``best * (1 + threshold)`` or ``best +
    threshold``. nan never improves. As ``torch.optim.lr_scheduler.ReduceLROnPlateau``.

    Unlike other schedules, it starts from the optimizer's current learning rate, and has no formula of the epoch:
    `lr_at` raises an error.

    Args:
        optimizer: The optimizer whose learning rate is set.
        mode: ``"min"`` if the metric should fall, as a loss does; ``"max"`` if it should rise.
        factor: The factor of each reduction, at least 0 and below 1.
        patience: How many epochs in a row without an improvement are accepted; the next one reduces the rate.
        threshold: How much better a metric must be to count as an improvement, at least 0.
        threshold_mode: ``"rel"`` if the threshold is a fraction of the best, ``"abs"`` if it is a difference.
        cooldown: How many epochs after a reduction are not counted as without improvement.
        min_lr: The lowest learning rate, at least 0.
        eps: A reduction by no more than this is not made; at least 0.

    Attributes:
        best: The best metric so far; at first inf, or -inf in the mode ``"max"``.
        num_bad_epochs: Epochs without an improvement since the last improvement, reduction or cooldown.
        cooldown_counter: Epochs that remain of the cooldown.

    Raises:
        TypeError: A setting is not a number, or ``optimizer`` is not an `Optimizer`.
        ValueError: A setting is out of range, or a mode is unknown.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', not {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold_mode must be 'rel' or 'abs', not {threshold_mode!r}")
        self.mode = mode
        self.factor = real_number("factor", factor, "at least 0 and below 1")
        self.patience = whole_number("patience", patience)
        self.threshold = real_number("threshold", threshold, "at least 0")
        self.threshold_mode = threshold_mode
        self.cooldown = whole_number("cooldown", cooldown)
        self.min_lr = real_number("min_lr", min_lr, "at least 0")
        self.eps = real_number("eps", eps, "at least 0")
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        super().__init__(optimizer)

    def _begin(self) -> None:
        """Leave the learning rate as it is."""

    def lr_from(self, base_lr: float, epoch: int) -> float:
        raise NotImplementedError("ReduceLROnPlateau follows a metric: its learning rate is no formula of the epoch")

    # PyTorch's signature, although code that knows only the base class calls it without a metric.
    def step(self, metrics: Any) -> None:  # type: ignore[override]
        """Go to the next epoch, whose metric, such as the validation loss, is given.

        Args:
            metrics: A number or a Value.

        Raises:
            TypeError: it is neither, or the call is inside a function that is being recorded. Then nothing has
                changed.
        """
        current = _metric(metrics)
        best, bad, cooldown = self.best, self.num_bad_epochs + 1, self.cooldown_counter
        if self._improves(current):
            best, bad = current, 0
        if cooldown > 0:
            bad, cooldown = 0, cooldown - 1
        lr = self.optimizer.lr
        if bad > self.patience:
            reduced = max(lr * self.factor, self.min_lr)
            lr = reduced if lr - reduced > self.eps else lr
            bad, cooldown = 0, self.cooldown
        self._set(lr, self.last_epoch + 1)
        self.last_epoch += 1
        self.best, self.num_bad_epochs, self.cooldown_counter = best, bad, cooldown

    def _improves(self, metric: float) -> bool:
        relative = self.threshold_mode == "rel"
        if self.mode == "min":
            return metric < (self.best * (1.0 - self.threshold) if relative else self.best - self.threshold)
        return metric > (self.best * (1.0 + self.threshold) if relative else self.best + self.threshold)

    def state_dict(self) -> dict[str, Any]:
        """The state of every schedule, and ``best``, ``num_bad_epochs`` and ``cooldown_counter``."""
        return {
            **super().state_dict(),
            "best": self.best,
            "num_bad_epochs": self.num_bad_epochs,
            "cooldown_counter": self.cooldown_counter,
        }

    def _progress_in(self, state: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **super()._progress_in(state),
            "best": _metric(state["best"], "best"),
            "num_bad_epochs": whole_number("num_bad_epochs", state["num_bad_epochs"]),
            "cooldown_counter": whole_number("cooldown_counter", state["cooldown_counter"]),
        }


def _metric(given: Any, name: str = "a metric") -> float:
    if not hasattr(given, "__float__") and not hasattr(given, "__index__"):
        raise TypeError(f"{name} needs a real number, not {given!r:.200} of type '{type(given).__name__}'")
    return float(given)
