"""Losses as modules with PyTorch's names: functions of a prediction and a target."""

from __future__ import annotations

from typing import Any

from fastgrad.nn.module import Module
from fastgrad.nn.sums import cross_entropy, mean, mse, total

__all__ = ["CrossEntropyLoss", "MSELoss"]


class _Loss(Module):
    """A loss with PyTorch's ``reduction``."""

    def __init__(self, reduction: str = "mean") -> None:
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"a reduction is 'mean', 'sum' or 'none', got {reduction!r}")
        self.reduction = reduction

    def _reduced(self, losses: list[Any]) -> Any:
        if self.reduction == "none":
            return losses
        return mean(losses) if self.reduction == "mean" else total(losses)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.reduction == 'mean' else f'reduction={self.reduction!r}'})"


class MSELoss(_Loss):
    """The squared error of each number; its mean is `fastgrad.mse`.

    Args:
        reduction: ``"mean"`` or ``"sum"`` of the losses, or ``"none"`` for the losses themselves.

    Raises:
        ValueError: there is no such reduction.
    """

    def forward(self, x: Any, target: Any) -> Any:
        """The loss of a number or Value, or of a list of them; lists in lists are flattened.

        Raises:
            ValueError: there are more or fewer targets than predictions.
        """
        xs, targets = _flat(x), _flat(target)
        if len(xs) != len(targets):
            raise ValueError(f"{self} got {len(xs)} predictions and {len(targets)} targets")
        if self.reduction == "mean":
            return mse(xs, targets)
        squares = [(x - t) ** 2 for x, t in zip(xs, targets, strict=True)]
        return self._reduced(squares)

    __call__ = forward


class CrossEntropyLoss(_Loss):
    """The negative log-likelihood of each sample's target, `fastgrad.cross_entropy`.

    Args:
        reduction: ``"mean"`` or ``"sum"`` of the losses, or ``"none"`` for the losses themselves.

    Raises:
        ValueError: there is no such reduction.
    """

    def forward(self, logits: Any, target: Any) -> Any:
        """The loss of one sample, a list of logits, and its class; or of lists of samples and of their classes.

        Raises:
            ValueError: there are more or fewer targets than samples.
        """
        if not (len(logits) and hasattr(logits[0], "__len__")):
            return cross_entropy(logits, target)
        if len(logits) != len(target):
            raise ValueError(f"{self} got {len(logits)} samples and {len(target)} targets")
        return self._reduced([cross_entropy(sample, label) for sample, label in zip(logits, target, strict=True)])

    __call__ = forward


def _flat(x: Any) -> list[Any]:
    return [number for each in x for number in _flat(each)] if hasattr(x, "__len__") else [x]
