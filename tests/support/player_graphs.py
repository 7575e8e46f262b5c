"""Graphs of every kind for the player, and labels that must remain text in its page."""

from __future__ import annotations

import fastgrad
from fastgrad import Value, jit

HOSTILE = ["</script><script>alert(1)</script>", "<!--<script>", "{{data}}", '" onload="', "a\0b\u2028|é", "&lt;"]


def neuron() -> Value:
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    o = (x1 * w1 + x2 * w2 + Value(6.8813735870195432, label="b")).tanh()
    o.label = "o"
    return o


def exponentials() -> Value:
    e = (2 * neuron()).exp()
    return (e - 1) / (e + 1)


def repeated_operands() -> Value:
    a = Value(3.0, label="a")
    return a * a + a / a + fastgrad.dot([a, a], [a, 2.0], a)


def closure(a: Value, b: Value) -> Value:
    out = Value(a.data * b.data, (a, b), "product")

    def _backward() -> None:
        a.grad += b.data * out.grad
        b.grad += a.data * out.grad

    out._backward = _backward
    return out


def custom_operations() -> Value:
    a, b = Value(3.0, label="a"), Value(4.0, label="b")
    inner = closure(a * b, a)
    return closure(inner, inner + b) + Value(7.0, (a, inner, a), (0.1, 0.2, 0.3)) + Value(1.0, (b,), "no function")


def recorded() -> Value:
    w = Value(0.7, label="w")

    @jit
    def loss(x: Value, y: Value) -> Value:
        return (w * x - y) ** 2

    x = Value(2.0, label="x")
    loss(x, x)
    return loss(x * 3.0, x) + w


def sequences() -> Value:
    xs = [Value(0.3 * i - 0.5, label=f"x{i}") for i in range(4)]
    p, q = fastgrad.softmax([*xs, 0.1]), fastgrad.log_softmax([x * 2.0 for x in xs])
    largest = fastgrad.max([xs[0] * 1.0, xs[1] * 3.0, 0.5])
    norms = fastgrad.norm([p[0], p[3], 1.0]) + fastgrad.mse([p[0], q[1]], [xs[2], 0.25])
    return norms * largest + fastgrad.cross_entropy(q, 2) + fastgrad.mean([q[0], *xs]) + fastgrad.logsumexp(xs)


GRAPHS = [
    neuron,
    exponentials,
    repeated_operands,
    custom_operations,
    recorded,
    sequences,
    lambda: Value(2.0, label="leaf"),
]
