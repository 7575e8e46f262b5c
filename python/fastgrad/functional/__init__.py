"""Calculus on plain Python functions of numbers, lists and arrays: see docs/calculus.md."""

from fastgrad.functional.checking import Check, Report, gradcheck
from fastgrad.functional.derivatives import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

__all__ = ["Check", "Report", "grad", "gradcheck", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]
