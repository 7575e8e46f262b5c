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

from typing import TYPE_CHECKING

from fastgrad import pytorch_names
from fastgrad._core import clip_grad_norm_, clip_grad_value_
from fastgrad.optim import lr_scheduler, optimizer
from fastgrad.optim.lr_scheduler import *  # noqa: F403
from fastgrad.optim.optimizer import *  # noqa: F403

__all__ = ["clip_grad_norm_", "clip_grad_value_"]
__all__ += lr_scheduler.__all__
__all__ += optimizer.__all__

if not TYPE_CHECKING:
    __getattr__ = pytorch_names.module_getattr(__name__, __all__)
