"""Runs of captured graphs next to their expected results: the eager engine, or the same graph without passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import fastgrad
from fastgrad import Graph, Value, _core
from fastgrad.compile import PASSES

INSTRUCTION_SETS: list[str] = _core.instruction_sets()

#: Samples run 128 at a time, then 32, then 8, then one by one: batches of this size use all four.
EVERY_WIDTH = 169

#: Operations through which no gradient flows to some operand. The eager engine adds 0 times the incoming gradient,
#: which is nan if that is not finite; a graph adds nothing.
FLAT = {row.name for row in fastgrad.operations() if "0.0" in row.partials}


def all_bits(numbers: Any) -> list[int]:
    """The 64 bits of each float, with one spelling for all nans."""
    floats = np.array(numbers, np.float64).ravel()
    floats[np.isnan(floats)] = np.nan
    return floats.view(np.uint64).tolist()


def eager_gradients(outputs: Sequence[Value], cotangents: Sequence[float], leaves: Sequence[Value]) -> list[float]:
    """The gradients of sum(cotangent * output) in the leaves, by one backward().

    The products are created last output first, so that backward() reaches the first output first, as a graph does.
    """
    for leaf in leaves:
        leaf.grad = 0.0
    products = [output * cotangent for output, cotangent in reversed(list(zip(outputs, cotangents, strict=True)))]
    sum(products).backward()
    return [leaf.grad for leaf in leaves]


@dataclass
class Run:
    outputs: Any
    input_gradients: Any
    bound_gradients: Any

    def __iter__(self) -> Any:
        return iter((self.outputs, self.input_gradients, self.bound_gradients))


@dataclass
class Capture:
    """Outputs and their leaves, for runs with different passes and instruction sets."""

    outputs: list[Value]
    inputs: list[Value]
    bound: list[Value] = field(default_factory=list)

    def graph(self, **options: Any) -> Graph:
        return Graph(self.outputs, self.inputs, **options)

    def run(self, graph: Graph, x: Any, cotangents: Any, threads: int = 1) -> Run:
        for leaf in self.bound:
            leaf.grad = 0.0
        outputs, gradients = graph.vjp(x, cotangents, threads=threads)
        assert all_bits(graph(x, threads=threads)) == all_bits(outputs)
        return Run(outputs, gradients, np.array([leaf.grad for leaf in self.bound]))

    def magnitudes(self, x: Any, cotangents: Any) -> Run:
        """The sums of the absolute values of the terms that the run without passes adds.

        Correct for graphs of sums and products, and of odd functions applied directly to leaves.
        """
        data = [leaf.data for leaf in self.bound]
        for leaf in self.bound:
            leaf.data = abs(leaf.data)
        try:
            return self.run(self.graph(passes=()), np.abs(x), np.abs(cotangents))
        finally:
            for leaf, number in zip(self.bound, data, strict=True):
                leaf.data = number

    def assert_passes_change_no_more_than_rounding(self, passes: Sequence[str] = PASSES, seed: int = 0) -> None:
        """For one sample and for a batch of every width, on each instruction set."""
        rng = np.random.default_rng(seed)
        shape = (EVERY_WIDTH, len(self.inputs))
        samples, weights = rng.uniform(-1.5, 1.5, shape), rng.uniform(-2.0, 2.0, (EVERY_WIDTH, len(self.outputs)))
        plain = self.graph(passes=())
        graphs = [self.graph(passes=passes, instruction_set=name) for name in INSTRUCTION_SETS]
        for x, cotangents in ((samples, weights), (samples[0], weights[0])):
            expected = self.run(plain, x, cotangents)
            scales = self.magnitudes(x, cotangents)
            for graph in graphs:
                assert_close(self.run(graph, x, cotangents), expected, scales)


# Among the smallest numbers, rounding is not relative to the number but half a step of 5e-324, once in each of the
# two programs: a step for each of at most 40 operations. A square of 2e-313 differs by one; 1e-12 of it is none.
SUBNORMAL_ROUNDINGS = 40 * 5e-324


def assert_close(actual: Run, expected: Run, scales: Run, tolerance: float = 1e-12) -> None:
    for name, ours, theirs, scale in zip(("outputs", "input gradients", "bound gradients"), actual, expected, scales,
                                         strict=True):  # fmt: skip
        assert np.shape(ours) == np.shape(theirs), name
        wrong = ~(np.abs(ours - theirs) <= tolerance * scale + SUBNORMAL_ROUNDINGS)
        assert not wrong.any(), (name, np.argwhere(wrong)[:5], np.asarray(ours)[wrong][:5], theirs[wrong][:5])
