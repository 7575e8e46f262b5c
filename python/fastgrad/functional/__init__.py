"""Calculus on plain Python functions of numbers, lists and arrays: see docs/calculus.md."""

from typing import TYPE_CHECKING

from fastgrad import pytorch_names
from fastgrad.functional.checking import Check, Report, gradcheck
from fastgrad.functional.derivatives import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

__all__ = ["Check", "Report", "grad", "gradcheck", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

if not TYPE_CHECKING:
    __getattr__ = pytorch_names.module_getattr(
        __name__, where="fastgrad.nn.functional"
    )  # "import fastgrad.functional as F"
