"""The peers, and how each differentiates a scalar program that is written once for all of them.

A `Problem` is a function of a size, at a module's top level: it returns the program and the point at which it is
differentiated. The program is `f(inputs, functions)`: it takes a list of the peer's scalars, and a namespace with
fastgrad's names of elementary functions (`functions.tanh(x)`), and returns one scalar:

    def chain(size):
        def program(inputs, functions):
            (x,) = inputs
            y = x * 0.0
            for _ in range(size // 2):
                y = y * x + x
            return y
        return program, [1.0]

`entries(chain)` then returns the entries of all peers, for a `comparison.Workload`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from time import perf_counter
from typing import Any

import numpy as np

from .comparison import COMPILED, EAGER, Entry, Kind, NotOffered
from .harness import Repeated, jax_in_float64

Program = Callable[[Sequence[Any], Any], Any]
Problem = Callable[[int], tuple[Program, list[float]]]

#: The name of an elementary function in a peer, if it differs from fastgrad's.
NUMPY_NAMES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
    "atan2": "arctan2",
}  # fmt: skip
CASADI_NAMES = {"abs": "fabs", "maximum": "fmax", "minimum": "fmin"}
XAD_NAMES = {"abs": "fabs", "maximum": "max", "minimum": "min"}


class Functions:
    """A module's elementary functions under fastgrad's names."""

    def __init__(self, module: Any, names: Mapping[str, str] | None = None, **own: Callable[..., Any]) -> None:
        self._module, self._names = module, names or {}
        self.__dict__.update(own)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, self._names.get(name, name), None)
        if found is None:
            raise NotOffered(f"has no {name}")
        return found


# --- engines that record each operation as it is computed


class Eager(Repeated):
    """Builds the graph with a package's scalars, sweeps it and drops it, in each run.

    Attributes:
        leaves: the inputs, which live as long as this object, as parameters do.
    """

    leaf: Callable[[float], Any]
    functions: Any

    def __init__(self, problem: Problem, size: int) -> None:
        self.program, numbers = problem(size)
        self.prepare()
        self.leaves = [self.leaf(number) for number in numbers]

    def prepare(self) -> None:
        """Import the package: set `leaf` and `functions`."""
        raise NotImplementedError

    def build(self) -> Any:
        return self.program(self.leaves, self.functions)

    def sweep(self, output: Any) -> None:
        output.backward()

    def run(self) -> None:
        self.sweep(self.build())

    def split(self, runs: int) -> dict[str, float]:
        """Seconds per run, by phase."""
        times = [0.0, 0.0, 0.0]
        for _ in range(runs):
            start = perf_counter()
            output = self.build()
            built = perf_counter()
            self.sweep(output)
            swept = perf_counter()
            del output
            freed = perf_counter()
            for phase, seconds in enumerate((built - start, swept - built, freed - swept)):
                times[phase] += seconds / runs
        return dict(zip(("build", "sweep", "free"), times, strict=True))

    def answer(self) -> list[float]:
        self.zero()
        output = self.build()
        self.sweep(output)
        return [self.number(output), *map(self.gradient, self.leaves)]

    def zero(self) -> None:
        for leaf in self.leaves:
            leaf.grad = 0.0

    @staticmethod
    def number(output: Any) -> float:
        return float(output.data)

    @staticmethod
    def gradient(leaf: Any) -> float:
        return float(leaf.grad)


class Fastgrad(Eager):
    """fastgrad, eager."""

    def prepare(self) -> None:
        self.functions = import_module("fastgrad")
        self.leaf = self.functions.Value


class Reference(Eager):
    """The same engine in pure Python."""

    def prepare(self) -> None:
        self.functions = import_module("fastgrad.reference")
        self.leaf = self.functions.Value


class Micrograd(Eager):
    """micrograd: its sort recurses once for each node on the longest path, so the recursion limit is raised."""

    def prepare(self) -> None:
        sys.setrecursionlimit(1_000_000)
        self.leaf = import_module("micrograd.engine").Value
        self.functions = Functions(None, relu=lambda x: x.relu())


class TorchScalars(Eager):
    """PyTorch with a tensor of no dimensions for each scalar."""

    def prepare(self) -> None:
        torch = one_thread_of_torch()
        self.functions = Functions(torch)
        self.leaf = lambda number: torch.tensor(number, dtype=torch.float64, requires_grad=True)

    def zero(self) -> None:
        for leaf in self.leaves:
            leaf.grad = None

    @staticmethod
    def gradient(leaf: Any) -> float:
        return 0.0 if leaf.grad is None else float(leaf.grad)


class Xad(Eager):
    """XAD: each run records a new tape."""

    def prepare(self) -> None:
        mode = import_module("xad.adj_1st")
        math: Any = import_module("xad.math")
        self.functions = Functions(math, XAD_NAMES, relu=lambda x: math.max(x, 0.0))
        self.tape = mode.Tape()
        self.tape.activate()

        def leaf(number: float) -> Any:
            made = mode.Real(number)
            self.tape.registerInput(made)
            return made

        self.leaf = leaf

    def build(self) -> Any:
        self.tape.newRecording()
        return super().build()

    def sweep(self, output: Any) -> None:
        self.tape.registerOutput(output)
        output.derivative = 1.0
        self.tape.computeAdjoints()

    def zero(self) -> None:
        """Start a new recording from zero."""

    @staticmethod
    def number(output: Any) -> float:
        return float(output.value)

    @staticmethod
    def gradient(leaf: Any) -> float:
        return float(leaf.derivative)

    def close(self) -> None:
        self.tape.deactivate()


class Autograd(Repeated):
    """autograd: `value_and_grad` of the program, with a list of inputs."""

    def __init__(self, problem: Problem, size: int) -> None:
        program, numbers = problem(size)
        array: Any = import_module("autograd.numpy")
        functions = Functions(array, NUMPY_NAMES, relu=lambda x: array.maximum(x, 0.0))
        differentiated = import_module("autograd").value_and_grad(lambda inputs: program(inputs, functions))
        self.run = partial(differentiated, numbers)

    def answer(self) -> list[float]:
        value, gradient = self.run()
        return [float(value), *map(float, gradient)]


# --- engines that compile the program once


class Captured(Repeated):
    """fastgrad: the program's graph, built once and replayed."""

    def __init__(self, problem: Problem, size: int) -> None:
        fastgrad: Any = import_module("fastgrad")
        program, numbers = problem(size)
        leaves = [fastgrad.Value(number) for number in numbers]
        self.graph = fastgrad.Graph(program(leaves, fastgrad), inputs=leaves)
        self.run = partial(self.graph.value_and_grad, np.array(numbers))

    def answer(self) -> list[float]:
        value, gradient = self.run()
        return [float(value), *gradient]


class Casadi(Repeated):
    """CasADi: the program of SX scalars, common subexpressions shared, called through buffers, without copies."""

    def __init__(self, problem: Problem, size: int) -> None:
        casadi: Any = import_module("casadi")
        program, numbers = problem(size)
        inputs = casadi.SX.sym("inputs", len(numbers))
        self.functions = Functions(casadi, CASADI_NAMES, relu=lambda x: casadi.fmax(x, 0.0))
        value = program(casadi.vertsplit(inputs), self.functions)
        function = casadi.Function("f", [inputs], [value, casadi.gradient(value, inputs)], {"cse": True})
        self.numbers, self.value = np.array(numbers), np.zeros(1)
        # An input without a gradient gives a sparse vector, which a buffer holds without its zeros.
        self.rows = function.sparsity_out(1).row()
        self.gradient = np.zeros(len(self.rows))
        self.buffer, self.run = function.buffer()
        self.buffer.set_arg(0, self.numbers.data)
        self.buffer.set_res(0, self.value.data)
        self.buffer.set_res(1, self.gradient.data)

    def answer(self) -> list[float]:
        self.run()
        dense = np.zeros(len(self.numbers))
        dense[self.rows] = self.gradient
        return [*self.value, *dense]


class Jax(Repeated):
    """JAX: `jit(value_and_grad)` of the program over the elements of one array; loops are unrolled."""

    def __init__(self, problem: Problem, size: int) -> None:
        self.jax = jax_in_float64()
        program, numbers = problem(size)
        functions = Functions(self.jax.numpy, NUMPY_NAMES, relu=self.jax.nn.relu)
        self.inputs = self.jax.numpy.asarray(numbers)
        self.function = self.jax.jit(
            self.jax.value_and_grad(lambda x: program([x[i] for i in range(len(numbers))], functions))
        )

    def run(self) -> Any:
        return self.jax.block_until_ready(self.function(self.inputs))

    def answer(self) -> list[float]:
        value, gradient = self.run()
        return [float(value), *map(float, gradient)]


def one_thread_of_torch() -> Any:
    torch: Any = import_module("torch")
    torch.set_num_threads(1)
    return torch


#: The entries for a scalar program, by their names in the tables.
SCALAR: dict[str, tuple[str, Callable[[Problem, int], Repeated], Kind]] = {
    "fastgrad": ("fastgrad", Fastgrad, EAGER),
    "XAD": ("xad", Xad, EAGER),
    "micrograd": ("micrograd", Micrograd, EAGER),
    "PyTorch scalars": ("torch", TorchScalars, EAGER),
    "autograd": ("autograd", Autograd, EAGER),
    "fastgrad.reference": ("fastgrad.reference", Reference, EAGER),
    "fastgrad, captured": ("fastgrad", Captured, COMPILED),
    "CasADi SX": ("casadi", Casadi, COMPILED),
    "JAX jit": ("jax", Jax, COMPILED),
}


def entries(
    problem: Problem, *, largest: Mapping[str, int] | None = None, without: Sequence[str] = ()
) -> list[Entry]:
    """The entries of all peers that differentiate a scalar program.

    Args:
        problem: a function at a module's top level, which other processes can import.
        largest: for some names, the largest size at which they take part.
        without: names that do not take part.
    """
    return [
        Entry(name, package, partial(make, problem), kind, (largest or {}).get(name))
        for name, (package, make, kind) in SCALAR.items()
        if name not in without
    ]
