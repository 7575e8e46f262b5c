"""Properties of every module: its formula, and that copies, pickles and states contain all that it computes with."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastgrad.nn import IncompatibleKeys
from support.layers import Sample, every_module, shaken


@every_module
def test_results_are_those_of_the_formula(sample: Sample):
    module = shaken(sample.make())
    x = sample.x if isinstance(sample.x, int) else np.array(sample.x)
    np.testing.assert_allclose(sample.results(module), np.ravel(sample.formula(module, x)), rtol=1e-14, atol=1e-15)


@every_module
@pytest.mark.parametrize("carry", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_copies_compute_the_same_with_separate_parameters(sample: Sample, carry: Callable[[Any], Any]):
    module = shaken(sample.make())
    twin = carry(module)
    assert sample.results(twin) == sample.results(module)
    assert not {*map(id, twin.parameters())} & {*map(id, module.parameters())}


@every_module
def test_a_state_is_all_that_a_new_module_needs(sample: Sample):
    module, other = shaken(sample.make(), seed=1), shaken(sample.make(), seed=2)
    state = module.state_dict()
    assert list(state) == [name for name, _ in module.named_parameters()]
    assert other.load_state_dict(state) == IncompatibleKeys([], [])
    assert sample.results(other) == sample.results(module)
