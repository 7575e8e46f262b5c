"""Modules: how parameters are found and named, modes, states, and modules that contain modules."""

from __future__ import annotations

import copy
import pickle
import random
from typing import Any

import numpy as np
import pytest

from fastgrad import Value, jit, no_grad, reference
from fastgrad.nn import MLP, Activation, Dropout, Layer, Linear, Module, ModuleList, Neuron, RMSNorm, Sequential


class Holder(Module):
    """A module with these attributes."""

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


def names(module: Module) -> list[str]:
    return [name for name, _ in module.named_parameters()]


# ---- parameters


def test_parameters_are_found_in_order_of_assignment():
    a, b, c, d, e, f, g = (Value(float(i)) for i in range(7))
    module = Holder(
        one=a,
        text="w",
        listed=[b, (c, 1.0)],
        none=None,
        by_name={"first": d, 2: [e]},
        inner=Holder(weight=f),
        array=np.array([[g, 2.0]], dtype=object),
    )
    assert module.parameters() == [a, b, c, d, e, f, g]
    assert names(module) == [
        "one", "listed.0", "listed.1.0", "by_name.first", "by_name.2.0", "inner.weight", "array.0.0",
    ]  # fmt: skip
    assert [p for _, p in module.named_parameters()] == module.parameters()


def test_a_shared_parameter_appears_once_under_its_first_name():
    shared = Value(1.0)
    rows = [shared, Value(2.0)]
    module = Holder(a=rows, b=shared, c=rows, d=Holder(e=rows))
    assert module.parameters() == rows
    assert names(module) == ["a.0", "a.1"]


def test_a_computed_value_is_not_a_parameter():
    w = Value(2.0)
    module = Holder(w=w, product=w * 3.0, detached=None)
    assert names(module) == ["w"]


def test_rows_of_arrays_are_all_found():
    """Each array creates lists that exist only during the walk through them, so their ids are reused."""
    arrays = [np.array([[Value(float(i))], [Value(-float(i))]], dtype=object) for i in range(100)]
    assert len(Holder(arrays=arrays).parameters()) == 200


def test_values_of_another_engine_are_parameters():
    w = reference.Value(2.0)
    assert Holder(w=w, product=w * 3.0).parameters() == [w]


def test_names_of_micrograds_network():
    net = MLP(2, [2, 1])
    assert names(net) == [
        "layers.0.neurons.0.w.0", "layers.0.neurons.0.w.1", "layers.0.neurons.0.b",
        "layers.0.neurons.1.w.0", "layers.0.neurons.1.w.1", "layers.0.neurons.1.b",
        "layers.1.neurons.0.w.0", "layers.1.neurons.0.w.1", "layers.1.neurons.0.b",
    ]  # fmt: skip
    assert [p for _, p in net.named_parameters()] == net.parameters()
    assert Module.parameters(net) == net.parameters()  # its own order is the one in which they are found


class Micrograd(Module):
    """Written as by a user of micrograd."""

    def __init__(self) -> None:
        self.neuron = Neuron(1)
        self.input = Value(5.0)
        self.hidden = [Value(6.0)]

    def parameters(self) -> list[Value]:
        return [*self.neuron.parameters(), *self.hidden]


def test_an_overridden_parameters_method_is_used():
    module = Micrograd()
    module.input.grad = module.hidden[0].grad = 1.0
    module.zero_grad()
    assert (module.input.grad, module.hidden[0].grad) == (1.0, 0.0)
    assert names(module) == ["neuron.w.0", "neuron.b", "hidden.0"]
    outer = Holder(first=Value(1.0), inside=[module], last=Value(2.0))
    assert outer.parameters() == [outer.first, *module.parameters(), outer.last]
    assert names(outer) == ["first", "inside.0.neuron.w.0", "inside.0.neuron.b", "inside.0.hidden.0", "last"]


def test_an_override_may_begin_with_what_was_found():
    class Frozen(Holder):
        def parameters(self) -> list[Value]:
            return [p for p in super().parameters() if p is not self.fixed]

    module = Frozen(w=Value(1.0), fixed=Value(2.0), inner=Holder(v=Value(3.0)))
    assert names(module) == ["w", "inner.v"]


def test_a_parameter_that_no_attribute_leads_to_is_named_by_its_place():
    w = Value(1.0)

    class Closure(Holder):
        def parameters(self) -> list[Value]:
            return [self.b, w, w]

    module = Closure(b=Value(2.0))
    assert module.named_parameters() == [("b", module.b), ("parameters.1", w)]


def test_two_parameters_of_one_name_are_an_error():
    module = Holder(d={"a.b": Value(1.0), "a": {"b": Value(2.0)}})
    assert len(module.parameters()) == 2
    with pytest.raises(ValueError, match=r"two parameters of Holder have the name 'd\.a\.b'"):
        module.state_dict()


def test_a_module_that_leads_to_itself():
    module = Holder(w=Value(1.0))
    module.itself = module
    module.items = [module]
    module.items.append(module.items)
    module.child = Holder(parent=module, v=Value(2.0))
    assert names(module) == ["w", "child.v"]
    assert module.modules() == [module, module.child]
    assert repr(module) == "Holder(\n  (child): Holder(\n    (parent): ...\n  )\n)"


def test_depth_does_not_matter():
    inside: Any = Value(1.0)
    for _ in range(5_000):
        inside = [inside]
    module = Holder(inside=inside)
    assert len(module.parameters()) == 1
    assert names(module) == ["inside" + ".0" * 5_000]
    while isinstance(inside, list):  # otherwise Python's own way to free it would recurse
        inside = inside.pop()


def test_recordings_kept_by_an_instance_are_not_parameters():
    class Recorded(Module):
        def __init__(self) -> None:
            self.w = Value(2.0)

        @jit
        def __call__(self, x: Value) -> Value:
            return self.w * x

    module = Recorded()
    assert module(3.0).data == 6.0
    assert names(module) == ["w"]
    assert repr(module) == "Recorded()"


def test_zero_grad():
    module = Sequential(Linear(2, 3), "tanh", Linear(3, 1))
    module([1.0, 2.0])[0].backward()
    assert any(p.grad for p in module.parameters())
    module.zero_grad()
    assert [p.grad for p in module.parameters()] == [0.0] * 13


# ---- modules and modes


def test_modules_and_their_names():
    net = Holder(body=Sequential(Linear(1, 1), "relu"), heads=[Linear(1, 2)])
    assert [(name, type(module)) for name, module in net.named_modules()] == [
        ("", Holder),
        ("body", Sequential),
        ("body.0", Linear),
        ("body.1", Activation),
        ("heads.0", Linear),
    ]
    assert net.modules() == [module for _, module in net.named_modules()]


def test_modes_reach_every_module():
    net = Sequential(Linear(1, 1), Dropout(0.5), Sequential(Dropout(0.5)))
    assert all(module.training for module in net.modules())
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    assert net.train() is net
    assert all(module.training for module in net.modules())
    assert net.train(False)[1].training is False


def test_eval_does_not_use_a_users_own_train():
    class Trained(Holder):
        def train(self, points: list[float]) -> None:  # type: ignore[override]
            raise AssertionError(points)

    assert Trained().eval().training is False


def test_a_mode_is_a_bool():
    with pytest.raises(TypeError, match=r"train\(\) takes a bool, got \[1\]"):
        Module().train([1])  # type: ignore[arg-type]


# ---- states


def test_state_dict_holds_plain_floats_by_name():
    layer = Linear(1, 2)
    state = layer.state_dict()
    assert list(state) == ["weight.0.0", "weight.1.0", "bias.0", "bias.1"]
    assert list(state.values()) == [p.data for p in layer.parameters()]
    assert {type(number) for number in state.values()} == {float}


@pytest.mark.parametrize("make", [lambda: MLP(2, [3, 1]), lambda: Sequential(Linear(2, 3), RMSNorm(3)), Micrograd])
def test_a_state_makes_a_twin(make):
    net, twin = make(), make()
    keys = twin.load_state_dict(net.state_dict())
    assert keys == ([], [])
    assert twin.state_dict() == net.state_dict()
    assert not set(twin.parameters()) & set(net.parameters())


def test_states_can_move_between_engines():
    net = Holder(w=Value(2.0))
    theirs = Holder(w=reference.Value(0.0))
    theirs.load_state_dict(net.state_dict())
    assert (theirs.w.data, type(theirs.w)) == (2.0, reference.Value)
    assert theirs.state_dict() == {"w": 2.0}


def test_entries_may_be_any_numbers():
    module = Holder(a=Value(0.0), b=Value(0.0), c=Value(0.0), d=Value(0.0))
    module.load_state_dict({"a": 1, "b": np.float32(0.5), "c": Value(2.5), "d": True})
    assert list(module.state_dict().values()) == [1.0, 0.5, 2.5, 1.0]


def test_names_that_do_not_fit_are_listed_and_nothing_changes():
    module = Holder(a=Value(1.0), b=Value(2.0), c=Value(3.0))
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole message is compared)
        module.load_state_dict({"c": 9.0, "x": 1.0, "y": 1.0})
    assert str(caught.value) == (
        "Error(s) in loading state_dict for Holder:\n"
        '    Missing key(s) in state_dict: "a", "b".\n'
        '    Unexpected key(s) in state_dict: "x", "y".'
    )
    assert module.state_dict() == {"a": 1.0, "b": 2.0, "c": 3.0}


def test_long_lists_of_names_are_truncated():
    with pytest.raises(ValueError, match=r'Missing.*"weight\.0\.9" and 1,790 more\.$'):
        Linear(100, 18, bias=False).load_state_dict({})


def test_without_strict_what_fits_is_loaded():
    module = Holder(a=Value(1.0), b=Value(2.0))
    keys = module.load_state_dict({"b": 5.0, "x": 7.0}, strict=False)
    assert (keys.missing_keys, keys.unexpected_keys) == (["a"], ["x"])
    assert module.state_dict() == {"a": 1.0, "b": 5.0}


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("wrong", ["1.0", None, [1.0], 1j, np.zeros(2)], ids=repr)
def test_an_entry_that_is_not_a_number_changes_nothing(wrong: Any, strict: bool):
    module = Holder(a=Value(1.0), b=Value(2.0))
    with pytest.raises(TypeError, match="the state of 'b' is not a number"):
        module.load_state_dict({"a": 9.0, "b": wrong}, strict=strict)
    assert module.state_dict() == {"a": 1.0, "b": 2.0}


def test_gradients_stay_when_a_state_is_loaded():
    module = Holder(a=Value(1.0))
    module.a.grad = 3.0
    module.load_state_dict({"a": 2.0})
    assert (module.a.data, module.a.grad) == (2.0, 3.0)


# ---- modules that contain modules


def test_a_module_list_is_a_list():
    first, second, third = Linear(1, 1), Linear(1, 2), Linear(1, 3)
    modules = ModuleList([first])
    modules.append(third)
    modules.insert(1, second)
    assert (list(modules), len(modules), modules[-1], second in modules) == ([first, second, third], 3, third, True)
    assert names(modules)[:3] == ["0.weight.0.0", "0.bias.0", "1.weight.0.0"]
    assert (type(modules[1:]), list(modules[1:])) == (ModuleList, [second, third])
    del modules[0]
    modules[0] = first
    modules[1:] = [second]
    assert list(modules) == [first, second]
    with pytest.raises(IndexError):
        modules[2]


@pytest.mark.parametrize(
    "put",
    [
        lambda modules, item: ModuleList([item]),
        lambda modules, item: modules.append(item),
        lambda modules, item: modules.__setitem__(0, item),
        lambda modules, item: modules.__setitem__(slice(0, 1), [item]),
    ],
)
def test_a_module_list_holds_modules_only(put):
    modules = ModuleList([Linear(1, 1)])
    with pytest.raises(TypeError, match="a ModuleList holds Modules, not 'relu' of type 'str'"):
        put(modules, "relu")
    assert len(modules) == 1


def test_a_subclass_of_a_list_of_modules_may_add_parameters():
    class Scaled(Sequential):
        def __init__(self) -> None:
            super().__init__(Linear(1, 1))
            self.scale = Value(2.0)

    assert names(Scaled()) == ["0.weight.0.0", "0.bias.0", "scale"]


def test_sequential_calls_one_after_another():
    first, last = Linear(2, 3), Linear(3, 2)
    net = Sequential(first, "tanh", last, lambda xs: xs[0] - xs[1])
    hidden = [v.tanh() for v in first([0.5, -1.0])]
    a, b = last(hidden)
    assert net([0.5, -1.0]).data == (a - b).data
    assert net[0] is first
    assert Sequential()("anything") == "anything"


def test_sequential_of_micrograds_layers():
    random.seed(5)
    net = Sequential(Layer(2, 3, activation="tanh"), Layer(3, 1, nonlin=False), "sigmoid")
    random.seed(5)
    assert net([1.0, 2.0]).data == MLP(2, [3, 1], activation="tanh")([1.0, 2.0]).sigmoid().data


@pytest.mark.parametrize(
    ("step", "error", "message"),
    [
        ("rleu", ValueError, "unknown activation 'rleu'"),
        (3, TypeError, "got 3"),
        (Module(), TypeError, r"got Module\(\)"),
    ],
    ids=repr,
)
def test_steps_that_are_not_callable(step: Any, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        Sequential(step)
    with pytest.raises(error, match=message):
        Sequential().append(step)


def test_repr_shows_what_is_inside():
    net = Holder(body=Sequential(Linear(2, 4), "relu", np.sum), heads=[Linear(4, 1, bias=False)], rate=0.1)
    assert repr(net) == (
        "Holder(\n"
        "  (body): Sequential(\n"
        "    (0): Linear(2, 4)\n"
        "    (1): Activation(relu)\n"
        "    (2): Activation(sum)\n"
        "  )\n"
        "  (heads.0): Linear(4, 1, bias=False)\n"
        ")"
    )
    assert (repr(Module()), repr(ModuleList())) == ("Module()", "ModuleList()")


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies_are_independent_modules(twin_of):
    net = Sequential(Linear(2, 3), "tanh", Dropout(0.5, generator=random.Random(1)), RMSNorm(3))
    net.eval()
    twin = twin_of(net)
    assert (repr(twin), twin.training) == (repr(net), False)
    with no_grad():
        assert [v.data for v in twin([1.0, 2.0])] == [v.data for v in net([1.0, 2.0])]
    assert not set(twin.parameters()) & set(net.parameters())
    assert twin.train()[2].mask(20) == net.train()[2].mask(20)
