"""Optimizers, learning-rate schedules and gradient clipping, with PyTorch's names, defaults and formulas.

>>> from fastgrad import Value, optim
>>> w = Value(3.0)
>>> optimizer = optim.SGD([w], lr=0.1)
>>> for _ in range(100):
...     loss = (w - 1.0) ** 2
...     optimizer.zero_grad()
...     loss.backward()
...     optimizer.step()
>>> round(w.data, 6)
1.0
"""

from fastgrad._core import clip_grad_norm_, clip_grad_value_
from fastgrad.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    SequentialLR,
    StepLR,
)
from fastgrad.optim.optimizer import SGD, Adam, AdamW, Optimizer, RMSprop

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "ConstantLR",
    "CosineAnnealingLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "Optimizer",
    "RMSprop",
    "SequentialLR",
    "StepLR",
    "clip_grad_norm_",
    "clip_grad_value_",
]
