"""Replacements for ``torch.nn.functional``: reading one of its names raises an error that names the replacement.

Operations are functions of `fastgrad` and methods of `fastgrad.Value`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastgrad import pytorch_names

if not TYPE_CHECKING:
    __getattr__ = pytorch_names.module_getattr(__name__)
