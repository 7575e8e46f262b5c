"""Layers: against plain formulas, against PyTorch if it is installed, in recordings, and with wrong inputs."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastgrad
from fastgrad import Value, jit, reference, vmap
from fastgrad.nn import Activation, Dropout, Embedding, LayerNorm, Linear, Module, RMSNorm, Sequential
from support.layers import X, data, every_layer, made, numbers

# ---- numbers and gradients


@every_layer
def test_results_are_those_of_the_formula(name: str):
    layer, formula = made(name)
    out = layer([Value(x) for x in X])
    assert isinstance(out, list)
    assert {type(v) for v in out} == {Value}
    np.testing.assert_allclose(data(out), formula(layer, np.array(X)), rtol=1e-14, atol=1e-15)


@every_layer
def test_gradients_are_those_of_central_differences(name: str):
    """For a weighted sum of the outputs, in the inputs and in the parameters; the step's error is about 1e-9."""
    layer, _ = made(name)
    inputs = [Value(x) for x in X]

    def total() -> Value:
        return sum((v * math.cos(i) for i, v in enumerate(layer(inputs))), Value(0.0))

    total().backward()
    for p in [*inputs, *layer.parameters()]:
        number, step = p.data, 1e-5
        p.data = number + step
        above = total().data
        p.data = number - step
        below = total().data
        p.data = number
        assert p.grad == pytest.approx((above - below) / (2 * step), rel=1e-7, abs=1e-8)


@pytest.mark.parametrize(
    "x",
    [X, tuple(X), np.array(X), np.array(X, dtype=np.float32), np.array([Value(x) for x in X], dtype=object)],
    ids=["list", "tuple", "array", "float32", "objects"],
)
@every_layer
def test_inputs_of_every_kind(name: str, x: Any):
    layer, formula = made(name)
    out = [float(v) for v in layer(x)]
    np.testing.assert_allclose(out, formula(layer, np.array(X)), rtol=1e-14, atol=1e-15)


@every_layer
def test_small_integers_do_not_overflow(name: str):
    layer, formula = made(name)
    x = np.array([100, -100, 120], dtype=np.int8)
    np.testing.assert_allclose([float(v) for v in layer(x)], formula(layer, x.astype(float)), rtol=1e-14, atol=1e-14)


def of_the_reference(module: Any) -> Any:
    """The module with its parameters replaced by the reference's Values."""

    def twin(item: Any) -> Any:
        if isinstance(item, Value):
            return reference.Value(item.data)
        if isinstance(item, list):
            return [twin(each) for each in item]
        return of_the_reference(item) if isinstance(item, Module) else item

    vars(module).update({name: twin(item) for name, item in vars(module).items()})
    return module


@every_layer
def test_layers_compute_with_the_engine_of_their_parameters(name: str):
    (ours, _), (theirs, _) = made(name), made(name)
    theirs.load_state_dict(ours.state_dict())
    of_the_reference(theirs)
    inputs, others = [Value(x) for x in X], [reference.Value(x) for x in X]
    out, expected = ours(inputs), theirs(others)
    assert {type(v) for v in expected} == {reference.Value}
    assert data(out) == data(expected)
    sum(out).backward()
    sum(expected).backward()
    assert [p.grad for p in inputs] == [p.grad for p in others]
    assert [p.grad for p in ours.parameters()] == [p.grad for p in theirs.parameters()]


@every_layer
def test_layers_in_recordings(name: str):
    """The passes of a captured graph may round sums in another order: 1e-12."""
    layer, formula = made(name)
    samples = np.random.default_rng(3).normal(size=(5, 3))
    expected = [formula(layer, x) for x in samples]
    for x, y in zip(samples, expected, strict=True):
        np.testing.assert_allclose(data(jit(layer)(x)), y, rtol=1e-12)
    np.testing.assert_allclose([data(row) for row in vmap(layer)(samples)], expected, rtol=1e-12)

    vmap(lambda x: sum(layer(x)), reduce="sum")(samples).backward()
    gradients = [p.grad for p in layer.parameters()]
    layer.zero_grad()
    for x in samples:
        sum(layer([Value(number) for number in x])).backward()
    np.testing.assert_allclose(gradients, [p.grad for p in layer.parameters()], rtol=1e-10, atol=1e-12)


# ---- against PyTorch


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch", reason="compares with PyTorch")


def torch_twin(torch: Any, layer: Any) -> Any:
    """PyTorch's layer of this kind, in double precision, with the same parameters."""
    if isinstance(layer, Linear):
        twin = torch.nn.Linear(layer.nin, layer.nout, bias=layer.bias is not None)
    elif isinstance(layer, RMSNorm):
        twin = torch.nn.RMSNorm(layer.dim, eps=layer.eps, elementwise_affine=layer.gain is not None)
    else:
        twin = torch.nn.LayerNorm(
            layer.dim, eps=layer.eps, elementwise_affine=layer.gain is not None, bias=layer.bias is not None
        )
    twin = twin.double()
    names = {"weight": "weight" if isinstance(layer, Linear) else "gain", "bias": "bias"}
    with torch.no_grad():
        for name, p in twin.named_parameters():
            p.copy_(torch.from_numpy(numbers(layer, names[name])).reshape(p.shape))
    return twin


@pytest.mark.parametrize("name", ["Linear", "Linear without bias", "RMSNorm", "RMSNorm without gain", "LayerNorm"])
def test_results_and_gradients_are_pytorchs(torch: Any, name: str):
    layer, _ = made(name)
    twin = torch_twin(torch, layer)
    inputs, x = [Value(number) for number in X], torch.tensor(X, dtype=torch.float64, requires_grad=True)
    out, expected = layer(inputs), twin(x)
    np.testing.assert_allclose(data(out), expected.detach().numpy(), rtol=1e-13)
    sum(v * v * v for v in out).backward()
    (expected**3).sum().backward()
    np.testing.assert_allclose([v.grad for v in inputs], x.grad.numpy(), rtol=1e-12, atol=1e-12)
    theirs = np.concatenate([p.grad.numpy().reshape(-1) for p in twin.parameters()] or [np.empty(0)])
    np.testing.assert_allclose([p.grad for p in layer.parameters()], theirs, rtol=1e-12, atol=1e-12)


def test_embedding_is_pytorchs(torch: Any):
    layer = Embedding(5, 3)
    twin = torch.nn.Embedding.from_pretrained(torch.from_numpy(numbers(layer, "weight")).reshape(5, 3), freeze=False)
    indices = [4, 0, 4]
    sum(v * v for i in indices for v in layer(i)).backward()
    out = twin(torch.tensor(indices))
    (out**2).sum().backward()
    assert [data(layer(i)) for i in indices] == out.tolist()
    np.testing.assert_allclose([p.grad for p in layer.parameters()], twin.weight.grad.reshape(-1), rtol=1e-15)


# ---- embeddings


def test_embedding_gives_a_row():
    layer = Embedding(3, 2)
    row = layer(1)
    assert row == layer.weight[1]
    assert row is not layer.weight[1]
    assert layer(np.int64(2)) == layer.weight[2]


@pytest.mark.parametrize("index", [3, 100, -1, np.int64(-3)])
def test_embedding_has_no_other_rows(index: int):
    with pytest.raises(IndexError, match=rf"^Embedding\(3, 2\) has the rows 0 to 2, and no row {index}$"):
        Embedding(3, 2)(index)


@pytest.mark.parametrize("index", [1.0, "1", None, [1], Value(1.0)], ids=repr)
def test_embedding_takes_an_integer(index: Any):
    with pytest.raises(TypeError, match=r"^Embedding\(3, 2\) takes an integer, not "):
        Embedding(3, 2)(index)


def test_embedding_in_a_recording():
    layer = Embedding(3, 2)
    with pytest.raises(
        TypeError, match=r"look the row up outside and give it as the argument, or name .* static_argn"
    ):
        jit(layer)(1)
    assert data(jit(layer, static_argnames="index")(1)) == data(layer(1))
    product = jit(lambda row: row[0] * row[1])(layer(2))
    product.backward()
    assert [p.grad for p in layer.weight[2]] == [p.data for p in layer.weight[2]][::-1]


# ---- dropout


def test_dropout_scales_what_it_keeps():
    dropout = Dropout(0.25, generator=random.Random(3))
    mask = dropout.mask(40_000)
    assert set(mask) == {0.0, 1 / 0.75}
    assert mask.count(0.0) / len(mask) == pytest.approx(0.25, abs=0.01)  # 4.6 standard deviations
    x = [Value(2.0) for _ in range(50)]
    out = dropout(x)
    assert {v.data for v in out} == {0.0, 2 / 0.75}
    sum(out).backward()
    assert [v.grad for v in x] == [v.data / 2.0 for v in out]


def test_dropout_draws_anew_each_time_and_the_seed_decides():
    first, second = (Dropout(0.5, generator=random.Random(3)) for _ in range(2))
    masks = [first.mask(30) for _ in range(3)]
    assert masks[0] != masks[1] != masks[2]
    assert [[v > 0 for v in second([1.0] * 30)] for _ in range(3)] == [[m > 0 for m in mask] for mask in masks]
    random.seed(3)
    assert Dropout(0.5).mask(30) == masks[0]


def test_dropout_is_the_identity_in_evaluation():
    dropout = Dropout(0.9).eval()
    x = [Value(1.0), 2.0]
    assert dropout(x) == x
    assert dropout.mask(3) == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(("p", "kept"), [(0.0, 1.0), (0, 1.0), (1.0, 0.0), (1, 0.0)])
def test_dropout_of_nothing_and_of_all(p: float, kept: float):
    assert Dropout(p).mask(100) == [kept] * 100


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_impossible_probabilities(p: float):
    with pytest.raises(ValueError, match=rf"between 0 and 1, got p={p}"):
        Dropout(p)


def test_dropout_takes_a_mask():
    dropout = Dropout(0.5)
    assert dropout([1.0, 2.0], mask=[0.0, 3.0]) == [0.0, 6.0]
    with pytest.raises(ValueError, match="2 numbers and a mask for 3"):
        dropout([1.0, 2.0], mask=[0.0, 3.0, 1.0])


@pytest.mark.parametrize("record", [jit, vmap])
def test_a_recording_does_not_freeze_a_mask(record: Any):
    dropout = Dropout(0.5, generator=random.Random(3))
    hint = r"Dropout\(0\.5\) would draw one mask .* by dropout\.mask\(n\).* as dropout\(x, mask=mask\)"
    x = np.ones((4, 6))
    with pytest.raises(TypeError, match=hint):
        record(lambda x: dropout(x))(x if record is vmap else x[0])
    with pytest.raises(TypeError, match=hint):
        record(lambda x: [v * m for v, m in zip(x, dropout.mask(6), strict=True)])(x if record is vmap else x[0])


def test_masks_are_arguments_of_a_recording():
    """The same recording serves training and evaluation, whose mask is all 1."""
    dropout = Dropout(0.5, generator=random.Random(3))
    one = jit(lambda x, mask: dropout(x, mask=mask))
    many = vmap(lambda x, mask: dropout(x, mask=mask))
    x = np.arange(1.0, 25.0).reshape(4, 6)
    for _ in range(3):
        masks = np.array([dropout.mask(6) for _ in x])
        assert data(one(x[0], masks[0])) == list(x[0] * masks[0])
        assert [data(row) for row in many(x, masks)] == (x * masks).tolist()
    dropout.eval()
    assert data(one(x[0], np.array(dropout.mask(6)))) == list(x[0])
    assert one.recordings == many.recordings == 1


def test_dropout_in_evaluation_needs_no_mask_in_a_recording():
    net = Sequential(Linear(2, 3), Dropout(0.5)).eval()
    np.testing.assert_allclose(data(jit(net)([1.0, 2.0])), data(net([1.0, 2.0])), rtol=1e-12)


# ---- activations


@pytest.mark.parametrize("function", ["tanh", fastgrad.tanh, Value.tanh], ids=["name", "function", "method"])
def test_an_operation_is_applied_to_each_number(function: Any):
    activation = Activation(function)
    out = activation([Value(0.5), 0.25])
    assert [float(v) for v in out] == [math.tanh(0.5), math.tanh(0.25)]
    assert activation(Value(0.5)).data == math.tanh(0.5)
    assert repr(activation) == "Activation(tanh)"


def test_operations_on_nested_lists_give_nested_lists():
    assert Activation("relu")([[1.0, -1.0], -2.0, []]) == [[1.0, 0.0], 0.0, []]


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_of_large_numbers(name: str):
    for engine in (fastgrad, reference):
        out = Activation(name)([engine.Value(1000.0), engine.Value(-1000.0)])
        assert data(out) == ([1.0, 0.0] if name == "softmax" else [0.0, -2000.0])


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "softplus", "neg"])
def test_activations_take_numbers_as_they_take_values(name: str):
    activation = Activation(name)
    assert activation(X) == data(activation([Value(x) for x in X])) == [getattr(fastgrad, name)(x) for x in X]


def test_another_function_is_given_everything():
    assert Activation(max)(X) == 2.0
    assert Activation(sum)([Value(1.0), 2.0]).data == 3.0


# ---- wrong inputs


@pytest.mark.parametrize("length", [0, 2, 4])
@pytest.mark.parametrize("name", ["Linear", "RMSNorm", "LayerNorm"])
@pytest.mark.parametrize("row", [list, np.array])
def test_wrong_length(name: str, length: int, row: Any):
    layer, _ = made(name)
    with pytest.raises(ValueError, match=rf"^{name}\(3, .*\) takes 3 inputs, got {length}$"):
        layer(row([1.0] * length))


@pytest.mark.parametrize("name", ["Linear", "RMSNorm", "LayerNorm"])
def test_one_sample_at_a_time(name: str):
    layer, _ = made(name)
    with pytest.raises(ValueError, match=r"takes one sample of 3 inputs, .* shape \(3, 3\): map over it with vmap"):
        layer(np.ones((3, 3)))
    with pytest.raises(TypeError, match=r"takes a list of 3 inputs, not Value\(data=1\.0\) of type 'Value'"):
        layer(Value(1.0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Linear(0, 1), "Linear needs nin of at least 1, got nin=0"),
        (lambda: Linear(1, -2), "Linear needs nout of at least 1, got nout=-2"),
        (lambda: Embedding(0, 1), "Embedding needs count of at least 1, got count=0"),
        (lambda: Embedding(1, 0), "Embedding needs dim of at least 1, got dim=0"),
        (lambda: RMSNorm(0), "RMSNorm needs dim of at least 1, got dim=0"),
        (lambda: LayerNorm(0), "LayerNorm needs dim of at least 1, got dim=0"),
        (lambda: RMSNorm(2, eps=-1.0), r"eps must be 0 or more, got eps=-1\.0"),
        (lambda: LayerNorm(2, eps=math.nan), "eps must be 0 or more, got eps=nan"),
    ],
)
def test_impossible_layers(make: Callable[[], Any], message: str):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_root_is_kept_from_0():
    assert RMSNorm(2, gain=False)([0.0, 0.0]) == [0.0, 0.0]
    assert LayerNorm(2, gain=False, bias=False)([5.0, 5.0]) == [0.0, 0.0]
    with pytest.raises(ZeroDivisionError):
        RMSNorm(2, eps=0.0)([0.0, 0.0])


def test_repr():
    shown = [Linear(2, 3), Embedding(4, 5), RMSNorm(2, gain=False), LayerNorm(2, 0.1, bias=False), Dropout(0.1)]
    assert list(map(repr, shown)) == [
        "Linear(2, 3)",
        "Embedding(4, 5)",
        "RMSNorm(2, eps=1e-05, gain=False)",
        "LayerNorm(2, eps=0.1, bias=False)",
        "Dropout(0.1)",
    ]
