"""Calls of modules: `forward`, as in PyTorch, and ``__call__``, as in micrograd."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from fastgrad import Value, jit, vmap
from fastgrad.nn import MLP, Layer, Linear, Module, ModuleList, Neuron, RMSNorm, Sequential


class Doubled(Module):
    """As in PyTorch."""

    def __init__(self) -> None:
        self.w = Value(2.0)

    def forward(self, x: Any, times: int = 1) -> Any:
        return self.w * x * times


class DoubledAsInMicrograd(Module):
    def __init__(self) -> None:
        self.w = Value(2.0)

    def __call__(self, x: Any, times: int = 1) -> Any:
        return self.w * x * times


class InheritsForward(Doubled):
    pass


class ExtendsForward(Doubled):
    def forward(self, x: Any, times: int = 1) -> Any:
        return super().forward(x, times) + 1.0


class ExtendsCall(Doubled):
    def __call__(self, x: Any, times: int = 1) -> Any:
        return super().__call__(x, times) + 1.0


class OwnCall(Module):
    """A base class whose call does more than `forward`."""

    def __call__(self, x: Any, times: int = 1) -> Any:
        return self.forward(x, times) + 1.0


class BelowOwnCall(OwnCall):
    def forward(self, x: Any, times: int = 1) -> Any:
        return Value(2.0) * x * times


class Mixin:
    def forward(self, x: Any, times: int = 1) -> Any:
        return Value(2.0) * x * times


class WithMixin(Mixin, Module):
    pass


class Unscoped(Doubled):
    opens_scope = False

    def forward(self, x: Any, times: int = 1) -> Any:
        return super().forward(x, times)


#: A module, what it gives for 3.0 and times=5, and the scope in which it computes.
CALLS: list[tuple[type[Module], float, str]] = [
    (Doubled, 30.0, "Doubled"),
    (DoubledAsInMicrograd, 30.0, "DoubledAsInMicrograd"),
    (InheritsForward, 30.0, "InheritsForward"),
    (ExtendsForward, 31.0, "ExtendsForward"),
    (ExtendsCall, 31.0, "ExtendsCall"),
    (BelowOwnCall, 31.0, "BelowOwnCall"),
    (WithMixin, 30.0, "WithMixin"),
    (Unscoped, 30.0, ""),
]
every_call = pytest.mark.parametrize(("make", "expected", "scope"), CALLS, ids=[row[0].__name__ for row in CALLS])


@every_call
def test_a_call_runs_forward_once_in_one_scope(make: Any, expected: float, scope: str):
    out = make()(3.0, times=5)
    assert (out.data, out._scope) == (expected, scope)


@every_call
@pytest.mark.parametrize("record", [jit, lambda module: lambda x, times: vmap(module)([x], [times])[0]])
def test_recorded_calls(make: Any, expected: float, scope: str, record: Any):
    assert record(make())(3.0, 5).data == expected


@every_call
def test_a_recording_reads_the_names_of_the_arguments(make: Any, expected: float, scope: str):
    recorded = jit(make(), static_argnames="times") if make is not WithMixin else jit(make())
    assert recorded(3.0, times=5).data == expected


@every_call
@pytest.mark.parametrize("carry", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_copies_can_be_called(make: Any, expected: float, scope: str, carry: Any):
    assert carry(make())(3.0, 5).data == expected


@pytest.mark.parametrize(
    ("base", "arguments"),
    [(Neuron, (2,)), (Layer, (2, 2)), (MLP, (2, [2])), (Linear, (2, 2)), (RMSNorm, (2,)), (Sequential, ("tanh",))],
)
def test_layers_can_be_extended_in_both_ways(base: Any, arguments: Any):
    class Forward(base):
        def forward(self, x: Any) -> Any:
            return ("forward", super().forward(x))

    class Call(base):
        def __call__(self, x: Any) -> Any:
            return ("call", super().__call__(x))

    for kind, name in ((Forward, "forward"), (Call, "call")):
        found, inner = kind(*arguments)([1.0, -1.0])
        assert found == name
        assert isinstance(inner, (Value, list))


def test_forward_may_be_replaced_later():
    module = Doubled()
    module.forward = lambda x: x + 1.0  # type: ignore[method-assign]
    assert module(3.0) == 4.0


@pytest.mark.parametrize("module", [Module(), ModuleList(), OwnCall()], ids=repr)
def test_a_module_without_forward_says_what_to_define(module: Any):
    name = type(module).__name__
    with pytest.raises(NotImplementedError, match=rf"^{name} cannot be called: define {name}\.forward\("):
        module(1.0, 2)
