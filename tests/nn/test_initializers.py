"""Initializers: shapes, bounds, variances, and their random generator."""

from __future__ import annotations

import math
import random
from functools import partial
from typing import Any

import numpy as np
import pytest

from fastgrad.nn import Embedding, Layer, Linear, Neuron, init
from support.initializers import CONSTANTS, DRAWN, NIN, NOUT

drawn = pytest.mark.parametrize("name", DRAWN)


@drawn
def test_variance(name: str):
    """With 60,000 numbers: the estimate's standard deviation is 0.6 % for normal ones, less for uniform ones."""
    initialize, variance, _ = DRAWN[name]
    numbers = np.array(initialize(NIN, NOUT, generator=random.Random(1)))
    assert numbers.shape == (NOUT, NIN)
    assert numbers.var() == pytest.approx(variance, rel=0.02)
    mean = {"uniform in [2, 5)": 3.5, "normal around 3": 3.0}.get(name, 0.0)
    assert numbers.mean() == pytest.approx(mean, abs=4 * math.sqrt(variance / numbers.size))


@pytest.mark.parametrize("name", [name for name, (_, _, bound) in DRAWN.items() if bound])
def test_bound(name: str):
    """No number is beyond it, and the largest of 60,000 is near it."""
    initialize, _, bound = DRAWN[name]
    largest = np.abs(initialize(NIN, NOUT, generator=random.Random(2))).max()
    assert 0.999 * bound < largest <= bound


@drawn
def test_the_generator_decides(name: str):
    initialize = DRAWN[name][0]
    numbers = initialize(3, 2, generator=random.Random(7))
    assert initialize(3, 2, generator=random.Random(7)) == numbers
    assert initialize(3, 2, generator=random.Random(8)) != numbers
    random.seed(7)
    before = random.getstate()
    initialize(3, 2, generator=random.Random(7))
    assert random.getstate() == before
    assert initialize(3, 2) == numbers  # by default Python's generator, which was seeded alike


@drawn
@pytest.mark.parametrize("generator", [7, np.random.default_rng(7), random], ids=["int", "NumPy's", "module"])
def test_a_generator_is_one_of_pythons(name: str, generator: Any):
    with pytest.raises(TypeError, match=r"generator must be a random\.Random, such as random\.Random\(0\), not "):
        DRAWN[name][0](2, 2, generator=generator)


@pytest.mark.parametrize(("initialize", "number"), CONSTANTS.values(), ids=CONSTANTS)
def test_constants_draw_nothing(initialize: Any, number: float):
    generator = random.Random(1)
    before = generator.getstate()
    assert initialize(3, 2, generator=generator) == [[number] * 3, [number] * 3]
    assert generator.getstate() == before


@pytest.mark.parametrize("initialize", [init.he_uniform, init.he_normal])
def test_unknown_mode(initialize: Any):
    with pytest.raises(ValueError, match="mode must be 'fan_in' or 'fan_out', not 'fan_avg'"):
        initialize(2, 2, mode="fan_avg")


def test_uniform_draws_micrograds_weights_in_its_order():
    random.seed(42)
    layer = Layer(3, 4)
    random.seed(42)
    linear = Linear(3, 4, init=init.uniform)
    assert linear.weight[1][0].data == layer.neurons[1].w[0].data
    assert [p.data for row in linear.weight for p in row] == [w.data for n in layer.neurons for w in n.w]
    assert Layer(3, 4, generator=random.Random(42)).state_dict() == layer.state_dict()
    assert [w.data for w in Neuron(3, generator=random.Random(42)).w] == [w.data for w in layer.neurons[0].w]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (partial(Linear, 3, 2), partial(init.xavier_uniform, 3, 2)),
        (partial(Linear, 3, 2, init=init.he_normal), partial(init.he_normal, 3, 2)),
        (partial(Embedding, 2, 3), partial(init.normal, 3, 2)),
        (partial(Embedding, 2, 3, init=init.xavier_normal), partial(init.xavier_normal, 3, 2)),
    ],
)
def test_layers_use_their_initializer(layer: Any, expected: Any):
    weight = layer(generator=random.Random(3)).weight
    assert [[w.data for w in row] for row in weight] == expected(generator=random.Random(3))


@pytest.mark.parametrize("rows", [[], [[1.0, 2.0]], [[1.0], [2.0]], [[1.0, 2.0], [3.0]]], ids=str)
def test_an_initializer_of_another_shape_is_refused(rows: list[list[float]]):
    with pytest.raises(ValueError, match=rf"2 rows of 2 numbers, not {len(rows)} of \["):
        Linear(2, 2, init=lambda nin, nout, generator: rows)
