"""Operations that can fail halfway: small programs that each do one thing and can be run again and again.

A scenario is a function that prepares its data and returns another one to call. Each call does the same, leaves
nothing behind, and returns the same numbers.
"""

from __future__ import annotations

import copy
import itertools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

import fastgrad
from fastgrad import Graph, Value, functional, jit, nn, no_grad, optim, scope, vmap

Action = Callable[[], Any]
SCENARIOS: dict[str, Callable[[], Action]] = {}
_fresh = itertools.count()


def scenario(prepare: Callable[[], Action]) -> Callable[[], Action]:
    SCENARIOS[prepare.__name__.replace("_", " ")] = prepare
    return prepare


def graph_of(a: Value, b: Value) -> Value:
    """Every kind of node except a custom operation with a closure."""
    chances = fastgrad.softmax([a, b, 0.5, a * b])
    total = fastgrad.sum([a * 2.0, b**2, chances[0] * 3.0, 1.5])
    return Value(total.data * 2.0, (total,), (2.0,)) + fastgrad.dot([a, b, total], [b, 2.0, a]) + chances[3].tanh()


def gradients(*values: Value) -> list[float]:
    numbers = [value.grad for value in values]
    for value in values:
        value.grad = 0.0
    return numbers


@scenario
def leaves_and_operations() -> Action:
    a = Value(2.0)
    return lambda: ((a * 3.0 + a).tanh() / a.exp() - 1.0 / (a + Value(1.0))).data


@scenario
def labels_and_scopes() -> Action:
    def act() -> tuple[str, str]:
        a = Value(2.0, label="a label that is too long to be kept in place" + "!" * (next(_fresh) % 7))
        with scope(f"a scope of its own {next(_fresh)}"):
            b = a * 2.0
        b.label = a.label
        return b.label[:7], b._scope[:10]

    return act


@scenario
def sequences() -> Action:
    a, b = Value(2.0), Value(-1.0)
    xs = [a, b, a * b, 0.5]

    def act() -> list[float]:
        results = [
            fastgrad.sum(xs), fastgrad.mean(iter(xs)), fastgrad.max(xs), fastgrad.min(xs), fastgrad.norm(xs),
            fastgrad.logsumexp(xs), fastgrad.dot(xs, xs[::-1], bias=a), fastgrad.mse(xs, xs[::-1]),
            fastgrad.cross_entropy(xs, 1), *fastgrad.softmax(xs), *fastgrad.log_softmax(np.array(xs, dtype=object)),
        ]  # fmt: skip
        return [value.data for value in results]

    return act


@scenario
def custom_operations() -> Action:
    a = Value(2.0)

    def act() -> list[float]:
        given = Value(6.0, (a, a), (1.0, 2.0))
        out = Value(given.data, (given, a), "an operation with a name of its own")

        def step() -> None:
            given.grad += out.grad
            a.grad += out.grad

        out._backward = step
        try:
            (out * given).backward()
            return gradients(a)
        finally:
            a.grad = 0.0
            out._backward = int

    return act


@scenario
def sweeps_inside_of_sweeps() -> Action:
    a = Value(2.0)

    def act() -> list[float]:
        inner = fastgrad.softmax([a * 3.0, a])[0]
        out = Value(inner.data, (inner,), "own")

        def step() -> None:
            (inner * a).backward()
            inner.grad += out.grad

        out._backward = step
        try:
            (out * inner).backward()
            return gradients(a)
        finally:
            a.grad = 0.0
            out._backward = int

    return act


@scenario
def looking_at_a_graph() -> Action:
    a, b = Value(2.0), Value(-1.0)

    def act() -> list[float]:
        root = graph_of(a, b)
        root.zero_grad()
        seen = [value.data for value in root.topological_order()]
        return [len(root._prev), len(root._operands_or_constants()), root._node_count(), *seen]

    return act


@scenario
def copies_and_pickles() -> Action:
    a, b = Value(2.0, label="a"), Value(-1.0)
    root = graph_of(a, b)
    root.label = "the root, with a label that is too long to be kept in place"

    def act() -> list[float]:
        twins = [copy.copy(root), copy.deepcopy([root, a])[0], pickle.loads(pickle.dumps([a, root]))[1]]
        return [twin.data for twin in twins]

    return act


@scenario
def drawing() -> Action:
    root = graph_of(Value(2.0, label="a"), Value(-1.0))
    return lambda: len(fastgrad.draw_dot(root).source) > 0


@scenario
def capture() -> Action:
    x = [Value(0.1 * i) for i in range(6)]
    rows = [[Value(0.3 * i - 0.2 * j) for i in range(6)] for j in range(5)]
    hidden = [(fastgrad.dot(row, x) + 0.5).relu() for row in rows]
    out = fastgrad.sum(hidden) + hidden[0] * hidden[1] ** 2 + sum(h * h for h in hidden) / 2.0
    out = out + sum((row[0] * x[0] + row[1] * x[1] + row[2] * x[2]).exp() for row in rows)

    def act() -> list[float]:
        graph = Graph([out, hidden[2]], x)
        return [float(number) for number in graph([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])]

    return act


@scenario
def replays() -> Action:
    x, w = [Value(0.5), Value(1.5)], Value(3.0)
    one, two = Graph([(x[0] * w + x[1]).tanh()], x), Graph([x[0] * w, x[1] / w], x)
    batch = np.arange(1400.0).reshape(700, 2) / 100.0

    def act() -> list[float]:
        try:
            again = Graph([(x[0] * w + x[1]).exp()], x)
            values, slopes = one.value_and_grad(batch, threads=3)
            outputs, back = two.vjp(batch[:40], np.ones((40, 2)))
            numbers = [one([1.0, 2.0])[0], again(batch, threads=2)[9, 0], values[3], slopes[4, 1], outputs[5, 0]]
            return [*map(float, numbers), float(back[6, 1]), *gradients(w)]
        finally:
            w.grad = 0.0

    return act


@scenario
def saved_graphs() -> Action:
    x, w = Value(0.5), Value(3.0, label="a weight whose label is too long to be kept in place")
    graph = Graph([(x * w).tanh() + x], [x])

    def act() -> float:
        again = pickle.loads(pickle.dumps(graph))
        return float(again([2.0])[0])

    return act


@scenario
def recorded_functions() -> Action:
    w, x = Value(0.5), Value(2.0)
    rows = np.arange(12.0).reshape(6, 2)

    def act() -> list[float]:
        @jit
        def f(a: Value) -> Value:
            return (a * w).tanh() if a > 0.0 else a

        @vmap(in_axes=(0,))
        def g(row: Any) -> Value:
            return row[0] * w + row[1]

        try:
            (f(x) * f(x + 1.0)).backward()
            results = g(rows)
            results[2].backward()
            with no_grad():
                unrecorded = f(x).data
            return [unrecorded, results[1].data, *gradients(w, x)]
        finally:
            gradients(w, x)

    return act


@scenario
def optimizers() -> Action:
    w = [Value(0.5), Value(-1.0)]

    def act() -> list[float]:
        for value in w:
            value.data, value.grad = 0.5, 0.25
        made = [optim.SGD(w, lr=0.1, momentum=0.9), optim.Adam(w, lr=0.1), optim.RMSprop(w, lr=0.1)]
        for each in made:
            each.step()
            each.load_state_dict(each.state_dict())
        try:
            return [value.data for value in w]
        finally:
            gradients(*w)

    return act


@scenario
def derivatives() -> Action:
    def f(a: Value, b: Value) -> Value:
        return fastgrad.logsumexp([a * b, a]) * b

    def act() -> list[float]:
        slopes = functional.grad(f, argnums=(0, 1))(2.0, 3.0)
        curvature = functional.grad(functional.grad(f))(2.0, 3.0)
        rows = functional.jacobian(lambda xs: [xs[0] * xs[1], xs[0].exp()])([1.0, 2.0])
        return [*map(float, slopes), float(curvature), float(rows[1][0])]

    return act


@scenario
def layers() -> Action:
    model = nn.MLP(2, [3, 1])

    def act() -> list[float]:
        gradients(*model.parameters())
        for value in model.parameters():
            value.data = 0.25
        loss = (model([1.0, -2.0]) - 1.0) ** 2
        loss.backward()
        return [loss.data, *(value.grad for value in model.parameters())]

    return act
