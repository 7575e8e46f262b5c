"""Parameters of modules carry their names in drawings and in the player."""

from __future__ import annotations

import copy
import gc
import re
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from fastgrad import Value, draw_dot
from fastgrad.nn import Linear, Module, Neuron, Sequential
from fastgrad.nn.names import names_of
from fastgrad.playback.labels import names_of as names_in_player


class Holder(Module):
    """A module with these attributes."""

    def __init__(self, **attributes: Any) -> None:
        for name, item in attributes.items():
            setattr(self, name, item)

    def forward(self, x: Value) -> Value:
        return sum((p * x for p in self.parameters()), Value(0.0))


def appended() -> Holder:
    """The module inside was put into a list after the attribute was set."""
    holder = Holder(layers=[])
    holder.layers.append(Holder(w=Value(1.0)))
    return holder


def labeled() -> Holder:
    holder = Holder(w=Value(1.0), b=Value(2.0))
    holder.b.label = "mine"
    return holder


#: A module, and the labels of its parameters.
MODULES: dict[str, tuple[Callable[[], Module], list[str]]] = {
    "neuron": (lambda: Neuron(2), ["w.0", "w.1", "b"]),
    "inside": (lambda: Sequential(Linear(1, 1), "tanh"), ["0.weight.0.0", "0.bias.0"]),
    "list": (lambda: Holder(layers=[Holder(w=[Value(1.0)])]), ["layers.0.w.0"]),
    "dict": (lambda: Holder(parts={"a": Holder(w=Value(1.0))}), ["parts.a.w"]),
    "appended": (appended, ["layers.0.w"]),
    "inner of a lost one": (lambda: Holder(inner=Holder(w=Value(1.0))).inner, ["w"]),
    "labeled": (labeled, ["w", "mine"]),
    "copy": (lambda: copy.deepcopy(Holder(w=Value(1.0))), ["w"]),
}


@pytest.mark.parametrize("name", MODULES)
def test_parameters_have_names(name: str):
    make, expected = MODULES[name]
    module = make()
    x = Value(3.0, label="x")
    out: Any = module([x] * 2) if isinstance(module, Neuron) else module([x] if isinstance(module, Sequential) else x)
    root = out[0] if isinstance(out, list) else out
    drawn = re.findall(r"\{ ([^|{}]*) \| data", draw_dot(root).source)
    assert {*expected, "x"} <= {*drawn}
    in_player = names_in_player([*module.parameters(), x])
    assert [*in_player.values()] == [*expected, "x"]
    assert [p.label for p in module.parameters()] == [label if label == "mine" else "" for label in expected]


def test_other_values_have_none():
    module = Holder(w=Value(1.0), computed=Value(2.0) * 3.0)
    alone = Value(1.0)
    assert names_of([module.w, module.computed, alone]) == {module.w: "w"}
    assert names_in_player([alone, module.computed]) == {alone: "v1", module.computed: "v2"}


def test_training_stores_no_names():
    module = Neuron(2)
    module([1.0, 2.0]).backward()
    draw_dot(module([1.0, 2.0]))
    assert [p.label for p in module.parameters()] == [""] * 3


def test_names_do_not_keep_a_module_alive():
    module = Neuron(2)
    out = module([1.0, 2.0])
    alive = weakref.ref(module)
    draw_dot(out)
    del module
    gc.collect()
    assert alive() is None
    assert "w.0" not in draw_dot(out).source
