"""The paths whose instructions are counted, and the program that runs them under callgrind: see `instructions`."""

from __future__ import annotations

import json
import os
import platform
import random
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from timeit import Timer
from typing import Any

import numpy as np

from fastgrad import Graph, Value, _core, dot, jit, vmap
from fastgrad.nn import MLP
from fastgrad.optim import Adam

from .targets.expression import differentiate
from .targets.gpt import NAME, Training, next_letter_loss

Names = dict[str, Any]
STEPS = 500  # of a chain; each makes two nodes
TERMS, DOTS = 16, 64
PARAMETERS, SAMPLES = 1000, 256


@dataclass(frozen=True)
class HotPath:
    """A statement, the names that it uses, and the number to divide its instructions by."""

    statement: str
    names: Callable[[int], Names]  # called with the number of runs of the statement
    units: int
    unit: str
    runs: int

    def measure(self) -> None:
        """Run the statement n and 2 n times, between marks: the difference excludes the surrounding code."""
        # The first n runs warm up: the interpreter specializes its code, and memory has been touched.
        timer = Timer(self.statement, globals=self.names(4 * self.runs))
        timer.timeit(self.runs)
        mark()
        timer.timeit(self.runs)
        mark()
        timer.timeit(2 * self.runs)
        mark()


def mark() -> None:
    """When this function of the C library is called, callgrind writes its counts and starts again from zero."""
    os.getppid()


# --- names for the statements


def two_values(runs: int) -> Names:
    return {"a": Value(1.5), "b": Value(-0.75)}


def chain() -> Value:
    x, y = Value(1.0), Value(0.0)
    for _ in range(STEPS):
        y = y * x + x
    return y


def expression(runs: int) -> Names:
    """The expression of micrograd's README, its graph, and a function of two Values."""
    g, a, b = differentiate(Value)
    graph = Graph(g, inputs=(a, b))
    return {"g": g, "graph": graph, "x": np.array([a.data, b.data]), "a": a, "b": b, "f": jit(lambda a, b: a * b + a)}


def vectors() -> tuple[list[Value], list[Value]]:
    chance = random.Random(42)
    ws, xs = ([Value(chance.gauss(0.0, 1.0)) for _ in range(TERMS)] for _ in range(2))
    return ws, xs


def dots(runs: int) -> Names:
    ws, xs = vectors()
    return {"dot": dot, "ws": ws, "xs": xs, "total": sum(dot(ws, xs) for _ in range(DOTS))}


def network(runs: int) -> Names:
    random.seed(42)
    model = MLP(2, [16, 16, 1])
    return {"model": model, "point": [Value(0.5), Value(-0.25)]}


def adam(runs: int) -> Names:
    chance = random.Random(42)
    parameters = [Value(chance.gauss(0.0, 1.0)) for _ in range(PARAMETERS)]
    for p in parameters:
        p.grad = chance.gauss(0.0, 1.0)
    return {"adam": Adam(parameters, lr=1e-3)}


def gpt(runs: int) -> Names:
    loss = next_letter_loss(Training("fastgrad", True).weights, NAME)
    return {"Graph": Graph, "loss": loss, "graph": Graph(loss)}


def mapped(runs: int) -> Names:
    model: Any = network(runs)["model"]
    points = np.random.default_rng(42).standard_normal((SAMPLES, 2))
    loss = vmap(lambda x: (1 - model(x)).relu(), reduce="mean", threads=1)
    return {"loss": loss, "points": points}


PATHS = {
    "build a * b": HotPath("a * b", two_values, 1, "operation", 1000),
    "build a + 1.0": HotPath("a + 1.0", two_values, 1, "operation", 1000),
    "build a.exp()": HotPath("a.exp()", two_values, 1, "operation", 1000),
    "make a leaf": HotPath("Value(1.0)", lambda _: {"Value": Value}, 1, "leaf", 1000),
    "build a chain": HotPath("kept.append(chain())", lambda _: {"chain": chain, "kept": []}, 2 * STEPS, "node", 5),
    "sweep a chain": HotPath("y.backward()", lambda _: {"y": chain()}, 2 * STEPS, "node", 10),
    "free a chain": HotPath(
        "chains.pop()", lambda runs: {"chains": [chain() for _ in range(runs)]}, 2 * STEPS, "node", 5
    ),
    "sweep README's expression": HotPath("g.backward()", expression, 1, "sweep", 200),
    "build a dot": HotPath("dot(ws, xs)", dots, TERMS, "product", 100),
    "sweep dots": HotPath("total.backward()", dots, DOTS * TERMS, "product", 10),
    "run MLP(2, [16, 16, 1])": HotPath("model(point)", network, 1, "sample", 20),
    "step of Adam": HotPath("adam.step()", adam, PARAMETERS, "parameter", 10),
    "capture the GPT step": HotPath("Graph(loss)", gpt, 1, "step", 1),
    "replay the GPT step": HotPath("graph.value_and_grad()", gpt, 1, "step", 5),
    "call a Graph": HotPath("graph.value_and_grad(x)", expression, 1, "call", 200),
    "call a jitted function": HotPath("f(a, b)", expression, 1, "call", 200),
    "map over samples": HotPath("loss(points).backward()", mapped, SAMPLES, "sample", 5),
}


def combination() -> dict[str, str]:
    """What the counts depend on besides the program."""
    build = _core.build_info()
    options = (sysconfig.get_config_var("CONFIG_ARGS") or "").replace("'", "").split()
    made = " ".join(word for word in options if word.startswith(("--enable", "--with", "--disable")))
    return {
        "compiler": f"{build['compiler']}, {build['standard']}",
        "build type": f"{build['build_type']}{', asserts' if build['asserts'] else ''} {build['sanitizers']}".strip(),
        "instruction set": f"{platform.machine()}, {_core.instruction_sets()[0]}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Python's build": f"{platform.python_compiler()} {made}".strip(),
        "C library": " ".join(platform.libc_ver()),
    }


def main() -> None:
    chosen = sys.argv[1:]
    for name in chosen:
        PATHS[name].measure()
    print(json.dumps(combination()))


if __name__ == "__main__":
    main()
