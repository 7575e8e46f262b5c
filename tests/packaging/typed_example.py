"""A user's program with type annotations: it runs, and passes a type checker in strict mode."""

from __future__ import annotations

import copy
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import fastgrad
from fastgrad import Value, jit, nn, no_grad, optim, vmap


def cube(v: Value) -> Value:
    """A custom operation."""
    out = Value(v.data**3, (v,), "cube")

    def step() -> None:
        v.grad += 3.0 * v.data**2 * out.grad

    out._backward = step
    return out


def fit(xs: list[float], ys: list[float], steps: int) -> tuple[float, float]:
    """The slope and offset of a line, by gradient descent."""
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


def descend(start: float, steps: int) -> float:
    """The minimum of (x - 3)**2, with a schedule, and with an optimizer that is used through its base class."""
    x = Value(start)
    optimizer: optim.Optimizer = optim.Adam((v for v in [x]), lr=1, betas=(0.5, 0.9))
    schedule = optim.CosineAnnealingLR(optimizer, T_max=steps)
    for _ in range(steps):
        optimizer.zero_grad()
        ((x - 3.0) ** 2).backward()
        norm: float = optim.clip_grad_norm_(optimizer.parameters, max_norm=10)
        assert norm >= 0.0
        optimizer.step()
        schedule.step()
    plateau = optim.ReduceLROnPlateau(optimizer, patience=3)
    plateau.step(x)
    optim.OneCycleLR(optimizer, max_lr=0.1, total_steps=10).step()
    optimizer.load_state_dict(optimizer.state_dict())
    optimizer.lr = 0.5 * optimizer.initial_lr
    return optimizer.parameters[0].data


def losses(prediction: Value) -> list[float]:
    """Losses of Values, numbers and arrays."""
    total: Value = nn.huber_loss([prediction, 0.5], np.array([1.0, 2.0]), delta=2)
    total += nn.binary_cross_entropy_with_logits(prediction, 1) + nn.l1_loss([prediction], [0.0])
    total.backward()
    return [total.data, prediction.grad]


class Line:
    """Recorded functions accept numbers instead of Values."""

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


class Scaled(nn.Module):
    """As in PyTorch."""

    def __init__(self) -> None:
        self.layer = nn.Linear(1, 2)
        self.activation = nn.LeakyReLU(negative_slope=0.1)

    def forward(self, x: float) -> list[Value]:
        hidden: list[Value] = self.activation(self.layer([x]))
        return hidden


class Net(nn.Module):
    def __init__(self, chance: random.Random) -> None:
        self.letters = nn.Embedding(3, 4, generator=chance)
        self.body = nn.Sequential(nn.Linear(4, 4, init=nn.init.he_normal, generator=chance), "relu", nn.RMSNorm(4))
        self.heads = nn.ModuleList([nn.Linear(4, 1, bias=False), nn.LayerNorm(4)])
        self.dropout = nn.Dropout(0.5, generator=chance)

    def __call__(self, letter: int) -> Value:
        hidden: list[Value] = self.dropout(self.body(self.letters(letter)))
        outputs: list[Value] = self.heads[0](hidden)
        return outputs[0]


def halves(nin: int, nout: int, *, generator: random.Random | None) -> list[list[float]]:
    """A user-defined initializer."""
    return [[0.5] * nin for _ in range(nout)]


def save_and_load(net: Net, directory: Path) -> None:
    """Save the network's numbers and load them into another."""
    twin = Net(random.Random(1)).eval()
    fastgrad.save(directory / "net.npz", model=net, step=3)
    parts: dict[str, Any] = fastgrad.load(directory / "net.npz", model=twin)
    state: dict[str, float] = net.state_dict()
    keys: nn.IncompatibleKeys = twin.load_state_dict(state, strict=False)
    names: list[str] = [name for name, _ in twin.named_parameters()]
    assert (parts["step"], keys.missing_keys, names) == (3, [], list(state))
    assert twin(1).data == net(1).data


def main() -> None:
    slope, offset = fit([0.0, 1.0, 2.0], [1.0, 3.0, 5.0], 500)
    assert (round(slope, 6), round(offset, 6)) == (2.0, 1.0)

    assert abs(descend(10.0, 100) - 3.0) < 1e-3

    assert losses(Value(0.5))[0] > 0.0

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

    net = Net(random.Random(0)).eval()
    net(2).backward()
    parameters: list[Value] = net.parameters()
    assert any(parameter.grad for parameter in parameters)
    net.zero_grad()
    loss: Value = nn.MSELoss(reduction="sum")(Scaled()(2.0), [0.5, -0.5])
    error: float = loss.item()
    assert error >= 0.0
    assert nn.Linear(2, 1, init=halves).weight[0][1].data == 0.5
    assert nn.Sequential(nn.MLP(2, [3, 1], activation=fastgrad.tanh), Value.exp)([1.0, 2.0]).data > 0.0
    with tempfile.TemporaryDirectory() as directory:
        save_and_load(net, Path(directory))


if __name__ == "__main__":
    main()
