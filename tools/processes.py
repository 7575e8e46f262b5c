"""The same bits in every process: `python tools/processes.py 100` starts a hundred of them.

Each builds and sweeps random graphs of every operation, and runs a captured network for one sample and a batch, in
one thread and in two. Hash seeds differ from process to process, and so do addresses if the system randomizes them.
Prints the number of different digests of all values and gradients; exits with 1 unless it is one. Needs fastgrad
installed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

import fastgrad
from fastgrad import Graph, Value
from fastgrad.nn import MLP
from random_graphs import Engine, built, random_recipe

GRAPHS = 300
BATCH = 41  # samples run 32 at a time, then 8, then one by one


def eager_numbers() -> Iterator[float]:
    engine = Engine(fastgrad)
    for seed in range(GRAPHS):
        recipe = random_recipe(random.Random(seed))
        nodes, _ = built(recipe, engine)
        yield from (node.data for node in nodes)
        for position, gradient in recipe.sweeps:
            nodes[-1 - position % len(nodes)].backward(gradient)
            yield from (node.grad for node in nodes)


def replayed_numbers() -> Iterator[Any]:
    random.seed(0)
    model = MLP(3, [8, 8, 2])
    inputs = [Value(0.5) for _ in range(3)]
    outputs = model(inputs)
    graph = Graph(fastgrad.mse(outputs, [0.25, -0.5]) + fastgrad.logsumexp(outputs), inputs)
    samples = np.random.default_rng(0).normal(size=(BATCH, 3))
    for x, threads in ((samples[0], 1), (samples, 1), (samples, 2)):
        model.zero_grad()
        yield from graph.value_and_grad(x, threads=threads)
        yield [parameter.grad for parameter in model.parameters()]


def digest() -> str:
    """The digest of all numbers, with one spelling for all nans."""
    numbers = np.concatenate([np.ravel(part) for part in ([*eager_numbers()], *replayed_numbers())])
    numbers[np.isnan(numbers)] = np.nan
    return hashlib.sha256(numbers.tobytes()).hexdigest()


def in_a_new_process(number: int) -> str:
    environment = os.environ | {"PYTHONHASHSEED": str(number)}
    command = [sys.executable, __file__, "--digest"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int, nargs="?", default=100, help="how many processes")
    parser.add_argument("--digest", action="store_true", help="print the digest of this process")
    options = parser.parse_args()
    if options.digest:
        print(digest())
        return 0
    digests = [in_a_new_process(number) for number in range(options.count)]
    print(f"{len(digests)} processes, {len(set(digests))} different digest(s): {digests[0]}")
    return 0 if len(set(digests)) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
