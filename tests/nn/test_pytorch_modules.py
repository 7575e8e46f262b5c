"""Operations and losses as modules with PyTorch's names: what they take, their options, and PyTorch's numbers."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastgrad
from fastgrad import Value, jit, nn, vmap
from support.layers import X, Y, data

#: Each module of one operation, how it appears, and the same as a function.
OPERATIONS: dict[str, tuple[Callable[[], nn.Module], Callable[[Any], Any]]] = {
    "ReLU()": (nn.ReLU, fastgrad.relu),
    "Tanh()": (nn.Tanh, fastgrad.tanh),
    "Sigmoid()": (nn.Sigmoid, fastgrad.sigmoid),
    "GELU()": (nn.GELU, fastgrad.gelu),
    "SiLU()": (nn.SiLU, fastgrad.silu),
    "Softplus()": (nn.Softplus, fastgrad.softplus),
    "LeakyReLU(negative_slope=0.01)": (nn.LeakyReLU, fastgrad.leaky_relu),
    "LeakyReLU(negative_slope=0.3)": (lambda: nn.LeakyReLU(0.3), lambda x: fastgrad.leaky_relu(x, 0.3)),
    "ELU(alpha=1.0)": (nn.ELU, fastgrad.elu),
    "ELU(alpha=0.3)": (lambda: nn.ELU(0.3), lambda x: fastgrad.elu(x, 0.3)),
}
every_operation = pytest.mark.parametrize("shown", OPERATIONS)

TWO = [X, [0.25, 3.0, -2.0]]
SQUARES = [(a - b) ** 2 for a, b in zip(X, Y, strict=True)]


@every_operation
def test_an_operation_takes_numbers_values_and_lists_of_lists(shown: str):
    make, function = OPERATIONS[shown]
    module = make()
    assert module(-1.25) == function(-1.25)
    assert module(Value(-1.25)).data == function(-1.25)
    assert module(TWO) == [[function(x) for x in row] for row in TWO]
    assert [data(row) for row in module([[Value(x) for x in row] for row in TWO])] == module(TWO)


@every_operation
def test_how_an_operation_appears(shown: str):
    module: Any = OPERATIONS[shown][0]()
    assert repr(module) == shown
    assert repr(copy.deepcopy(module)) == repr(pickle.loads(pickle.dumps(module))) == shown
    assert module.parameters() == []
    assert type(module).__name__ in nn.__all__
    assert f"`fastgrad.{module._operation}` of a number" in (type(module).__doc__ or "")


def test_an_option_may_be_a_parameter():
    module = nn.LeakyReLU(Value(0.5))  # type: ignore[arg-type]
    module(Value(-3.0)).backward()
    assert [(name, p.grad) for name, p in module.named_parameters()] == [("negative_slope", -3.0)]


def test_an_operation_may_be_extended():
    class Twice(nn.ReLU):
        def forward(self, x: Any) -> Any:
            return 2.0 * super().forward(x)

    assert Twice()(Value(3.0)).data == 6.0


@pytest.mark.parametrize("dim", [1, -2, 2, 0.5, "x"])
@pytest.mark.parametrize("kind", [nn.Softmax, nn.LogSoftmax])
def test_softmax_has_one_dimension(kind: Any, dim: Any):
    with pytest.raises(ValueError, match=f"^{kind.__name__} takes one sample, whose dimension is 0 or -1, got dim="):
        kind(dim=dim)


# ---- losses

#: A loss, its arguments, and the numbers that it gives.
LOSSES: dict[str, tuple[Callable[[], nn.Module], tuple[Any, Any], Any]] = {
    "mean of squares": (nn.MSELoss, (X, Y), sum(SQUARES) / 3),
    "sum of squares": (lambda: nn.MSELoss("sum"), (X, Y), sum(SQUARES)),
    "squares": (lambda: nn.MSELoss(reduction="none"), (X, Y), SQUARES),
    "square of one number": (nn.MSELoss, (X[0], Y[0]), SQUARES[0]),
    "squares of a column": (nn.MSELoss, ([[x] for x in X], np.array(Y)), sum(SQUARES) / 3),
    "class": (nn.CrossEntropyLoss, (X, 2), np.logaddexp.reduce(X) - X[2]),
    "sum for one class": (lambda: nn.CrossEntropyLoss("sum"), (X, 2), np.logaddexp.reduce(X) - X[2]),
    "classes": (
        nn.CrossEntropyLoss,
        (TWO, [0, 1]),
        np.mean([np.logaddexp.reduce(row) - row[i] for i, row in enumerate(TWO)]),
    ),
    "sum for classes": (
        lambda: nn.CrossEntropyLoss("sum"),
        (TWO, np.array([0, 1])),
        np.sum([np.logaddexp.reduce(row) - row[i] for i, row in enumerate(TWO)]),
    ),
    "each class": (
        lambda: nn.CrossEntropyLoss("none"),
        (TWO, [0, 1]),
        [np.logaddexp.reduce(row) - row[i] for i, row in enumerate(TWO)],
    ),
}
every_loss = pytest.mark.parametrize("name", LOSSES)


def of_values(x: Any) -> Any:
    return [of_values(each) for each in x] if hasattr(x, "__len__") else Value(x)


def floats(x: Any) -> Any:
    return [float(each) for each in x] if isinstance(x, list) else float(x)


@every_loss
def test_losses_of_numbers_and_values(name: str):
    make, (x, target), expected = LOSSES[name]
    assert floats(make()(x, target)) == pytest.approx(expected, rel=1e-14)
    assert floats(make()(of_values(x), target)) == pytest.approx(expected, rel=1e-14)
    assert floats(jit(lambda xs: make()(xs, target))(x)) == pytest.approx(expected, rel=1e-14)


@every_loss
def test_losses_and_gradients_are_pytorchs(name: str):
    torch = pytest.importorskip("torch", reason="compares with PyTorch")
    make, (x, target), _ = LOSSES[name]
    module = make()
    twin = getattr(torch.nn, type(module).__name__)(reduction=module.reduction)
    values, tensor = of_values(x), torch.tensor(x, dtype=torch.float64, requires_grad=True)
    integers = isinstance(module, nn.CrossEntropyLoss)
    targets = torch.tensor(target) if integers else torch.tensor(target, dtype=torch.float64).reshape(tensor.shape)
    ours, theirs = module(values, target), twin(tensor, targets)
    theirs.sum().backward()
    fastgrad.sum(ours if isinstance(ours, list) else [ours]).backward()
    np.testing.assert_allclose(np.ravel(floats(ours)), theirs.detach().reshape(-1).numpy(), rtol=1e-13)
    slopes = [v.grad for v in np.ravel(np.array(values, dtype=object))]
    np.testing.assert_allclose(slopes, tensor.grad.reshape(-1).numpy(), rtol=1e-12)


def test_a_loss_of_a_batch_that_vmap_maps():
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    samples, targets = [[1.0, 2.0], [3.0, -1.0]], [0.5, -0.5]
    assert nn.MSELoss()(vmap(net)(samples), targets).data == pytest.approx(
        sum((net(x)[0].data - y) ** 2 for x, y in zip(samples, targets, strict=True)) / 2
    )


WRONG: list[tuple[Callable[[], Any], str]] = [
    (lambda: nn.MSELoss(reduction="avg"), "a reduction is 'mean', 'sum' or 'none', got 'avg'"),
    (lambda: nn.CrossEntropyLoss(None), "a reduction is 'mean', 'sum' or 'none', got None"),  # type: ignore[arg-type]
    (lambda: nn.MSELoss()(X, [1.0]), "MSELoss() got 3 predictions and 1 targets"),
    (lambda: nn.MSELoss("sum")([X], X[:2]), "MSELoss(reduction='sum') got 3 predictions and 2 targets"),
    (lambda: nn.CrossEntropyLoss()(TWO, [1]), "CrossEntropyLoss() got 2 samples and 1 targets"),
]


@pytest.mark.parametrize(("call", "message"), WRONG, ids=[message for _, message in WRONG])
def test_losses_reject_wrong_arguments(call: Callable[[], Any], message: str):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole message is compared)
        call()
    assert str(caught.value) == message
