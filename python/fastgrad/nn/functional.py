"""PyTorch's ``torch.nn.functional`` has no counterpart: reading a name of it raises an error that says what to write.

Operations are functions of `fastgrad` and methods of `fastgrad.Value`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastgrad import pytorch_names

if not TYPE_CHECKING:
    __getattr__ = pytorch_names.module_getattr(__name__)
