"""A user's program with types: it runs, and a type checker accepts it in its strict mode."""

from __future__ import annotations

import copy

import fastgrad
from fastgrad import Value, jit, no_grad, vmap


def cube(v: Value) -> Value:
    """An operation of the user's own."""
    out = Value(v.data**3, (v,), "cube")

    def step() -> None:
        v.grad += 3.0 * v.data**2 * out.grad

    out._backward = step
    return out


def fit(xs: list[float], ys: list[float], steps: int) -> tuple[float, float]:
    """Slope and offset of a line, by gradient descent."""
    slope, offset = Value(0.0, label="slope"), Value(0.0, label="offset")
    for _ in range(steps):
        errors: list[Value] = [slope * x + offset - y for x, y in zip(xs, ys, strict=True)]
        loss: Value = sum((error**2 for error in errors), start=Value(0.0)) / len(errors)
        loss.zero_grad()
        loss.backward()
        for parameter in (slope, offset):
            parameter.data -= 0.1 * parameter.grad
    return slope.data, offset.data


@no_grad()
def predict(slope: float, x: Value) -> Value:
    return slope * x


class Line:
    """Recorded functions take numbers in the place of Values."""

    def __init__(self) -> None:
        self.slope = Value(2.0)

    @jit(threads=1)
    def __call__(self, x: Value, offset: Value) -> Value:
        return self.slope * x + offset

    @vmap(reduce="sum")
    def total(self, x: Value) -> Value:
        return self.slope * x


@jit
def both(x: Value, y: Value) -> tuple[Value, Value]:
    return x + y, x * y


def main() -> None:
    slope, offset = fit([0.0, 1.0, 2.0], [1.0, 3.0, 5.0], 500)
    assert (round(slope, 6), round(offset, 6)) == (2.0, 1.0)

    v = Value(2.0)
    result: Value = cube(v).log().tanh() + fastgrad.hypot(v, 1.0) - fastgrad.maximum(3, v).leaky_relu(slope=0.1)
    result.backward(gradient=2.0)
    number: float = fastgrad.sin(0.5) + float(result) + round(v, 2) + int(v)
    order: list[Value] = result.topological_order()
    operands: set[Value] = result._prev
    text: str = f"{result:.3f} {number:.3f} {result.to_json(indent=None)} {v.label}{v._op}"
    largest: Value = max(order, key=float)
    chosen: Value = fastgrad.where(fastgrad.less(v, 3.0), v, 0.0)
    either: Value | float = fastgrad.where(v < 3.0, v, 0.0)
    twin: Value = copy.deepcopy(v * 2.0).detach()
    assert v in order
    assert operands
    assert text
    assert chosen.data == float(either) == 2.0
    assert largest >= twin or largest < 1e9
    line = Line()
    on_line: Value = line(3.0, offset=1)
    together: tuple[Value, Value] = both(on_line, 2.0)
    squares: list[Value] = vmap(lambda x: x * x)([1.0, together[0]])
    assert (together[1].data, squares[1].data, line.total([1.0, 2.0]).data) == (14.0, 81.0, 6.0)
    assert both.recordings == 1
    assert predict(2.0, v)._prev == set()
    assert "add" in [row.name for row in fastgrad.operations()]


if __name__ == "__main__":
    main()
