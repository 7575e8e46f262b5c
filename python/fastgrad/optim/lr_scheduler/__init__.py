"""Learning-rate schedules: formulas of the epoch, which is the number of calls of the schedule's `step`.

The formulas are the closed forms of PyTorch's ``torch.optim.lr_scheduler``. Each step computes the rate from the
initial one, so two schedules on one optimizer overwrite each other; chain them with `SequentialLR`. The exception is
`ReduceLROnPlateau`, which follows a metric.
"""

from typing import TYPE_CHECKING

from fastgrad import pytorch_names
from fastgrad.optim.lr_scheduler.cycles import CosineAnnealingLR, CosineAnnealingWarmRestarts, OneCycleLR
from fastgrad.optim.lr_scheduler.decays import ConstantLR, ExponentialLR, LambdaLR, LinearLR, MultiStepLR, StepLR
from fastgrad.optim.lr_scheduler.plateau import ReduceLROnPlateau
from fastgrad.optim.lr_scheduler.schedule import LRScheduler
from fastgrad.optim.lr_scheduler.sequence import SequentialLR

__all__ = [
    "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "ExponentialLR", "LRScheduler", "LambdaLR",
    "LinearLR", "MultiStepLR", "OneCycleLR", "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = pytorch_names.module_getattr(__name__, __all__)
