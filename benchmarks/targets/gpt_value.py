"""The pure-Python engine that a scalar GPT script contains: each node keeps its local gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence


class Value:
    """A scalar of a graph."""

    __slots__ = ("_inputs", "_slopes", "data", "grad")

    def __init__(self, data: float, inputs: Sequence[Value] = (), slopes: Sequence[float] = ()) -> None:
        self.data = data
        self.grad = 0.0
        self._inputs = inputs
        self._slopes = slopes

    def __add__(self, other: Value | float) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Value | float) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, power: float) -> Value:
        return Value(self.data**power, (self,), (power * self.data ** (power - 1),))

    def exp(self) -> Value:
        result = math.exp(self.data)
        return Value(result, (self,), (result,))

    def log(self) -> Value:
        return Value(math.log(self.data), (self,), (1 / self.data,))

    def relu(self) -> Value:
        return Value(max(self.data, 0.0), (self,), (float(self.data > 0),))

    def __neg__(self) -> Value:
        return self * -1

    def __sub__(self, other: Value | float) -> Value:
        return self + (-other)

    def __truediv__(self, other: Value | float) -> Value:
        return self * other**-1

    __radd__ = __add__
    __rmul__ = __mul__

    def backward(self) -> None:
        order: list[Value] = []
        seen: set[Value] = set()

        def visit(value: Value) -> None:
            if value not in seen:
                seen.add(value)
                for each in value._inputs:
                    visit(each)
                order.append(value)

        visit(self)
        self.grad = 1.0
        for value in reversed(order):
            for each, slope in zip(value._inputs, value._slopes):  # noqa: B905
                each.grad += slope * value.grad
