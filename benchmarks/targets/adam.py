"""Adam as a script in pure Python would implement it: a loop over the leaves of any engine."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Any


class PythonAdam:
    """Kingma and Ba 2015, "Adam: a method for stochastic optimization", algorithm 1."""

    def __init__(self, parameters: Iterable[Any], lr: float, betas: tuple[float, float], eps: float) -> None:
        self.parameters = list(parameters)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.steps, self.means, self.squares = 0, [0.0] * len(self.parameters), [0.0] * len(self.parameters)

    def zero_grad(self) -> None:
        for p in self.parameters:
            p.grad = 0.0

    def step(self) -> None:
        self.steps += 1
        means, squares, (beta1, beta2) = self.means, self.squares, self.betas
        size, root = self.lr / (1.0 - beta1**self.steps), sqrt(1.0 - beta2**self.steps)
        for i, p in enumerate(self.parameters):
            g = p.grad
            means[i] = beta1 * means[i] + (1.0 - beta1) * g
            squares[i] = beta2 * squares[i] + (1.0 - beta2) * g * g
            p.data -= size * means[i] / (sqrt(squares[i]) / root + self.eps)
