"""The table of losses of fastgrad.nn: arguments, and the values and gradients that PyTorch found for them.

`python tests/support/losses.py` prints those numbers; it needs torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from fastgrad import Value, nn

#: PyTorch's name for a loss, if it differs, and what it needs to give the same.
IN_TORCH: dict[str, tuple[str, dict[str, Any]]] = {
    "kl_div": ("kl_div", {"reduction": "sum"}),
    "soft_cross_entropy": ("cross_entropy", {}),
}

Found = tuple[float, tuple[float, ...], tuple[float, ...]]  #: the loss, and its gradients in input and target


@dataclass(frozen=True)
class Case:
    """A loss, its arguments, and what torch 2.13.0 found for them in float64."""

    loss: str
    input: tuple[float, ...]
    target: tuple[float, ...]
    options: dict[str, Any] = field(default_factory=dict)
    found: Found = field(default=(0.0, (), ()), repr=False)

    def __call__(self, input: Any, target: Any) -> Any:
        return getattr(nn, self.loss)(input, target, **self.options)

    def here(self) -> Found:
        input, target = values(self.input), values(self.target)
        loss = self(input, target)
        loss.backward()
        return loss.data, tuple(x.grad for x in input), tuple(y.grad for y in target)

    def in_torch(self, torch: Any) -> Found:
        name, more = IN_TORCH.get(self.loss, (self.loss, {}))
        input, target = (
            torch.tensor(numbers, dtype=torch.float64, requires_grad=True) for numbers in (self.input, self.target)
        )
        loss = getattr(torch.nn.functional, name)(input, target, **self.options, **more)
        loss.backward()
        return loss.item(), tuple(input.grad.tolist()), tuple(target.grad.tolist())


def values(numbers: Sequence[float]) -> list[Value]:
    return [Value(number) for number in numbers]


CASES: dict[str, Case] = {
    "l1": Case(
        "l1_loss",
        (0.5, -1.25, 2.0, 7.0),
        (0.25, 1.5, 2.5, 7.0),
        found=(0.875, (0.25, -0.25, -0.25, 0.0), (-0.25, 0.25, 0.25, 0.0)),
    ),
    "l1 of one": Case("l1_loss", (0.5,), (-3.0,), found=(3.5, (1.0,), (-1.0,))),
    "l1 of large numbers": Case("l1_loss", (1e300, -1e300), (-1e300, 3.0), found=(1.5e300, (0.5, -0.5), (-0.5, 0.5))),
    "Huber": Case(
        "huber_loss",
        (0.5, -1.25, 2.0, 7.0),
        (0.25, 1.5, 2.5, -7.0),
        found=(3.9765625, (0.0625, -0.25, -0.125, 0.25), (-0.0625, 0.25, 0.125, -0.25)),
    ),
    "Huber at its bound and at 0": Case(
        "huber_loss",
        (0.5, -0.5, 0.0),
        (0.0, 0.0, 0.0),
        {"delta": 0.5},
        found=(
            0.08333333333333333,
            (0.16666666666666666, -0.16666666666666666, 0.0),
            (-0.16666666666666666, 0.16666666666666666, 0.0),
        ),
    ),
    "Huber, wide": Case(
        "huber_loss",
        (0.5, -1.25, 2.0, 7.0),
        (0.25, 1.5, 2.5, -7.0),
        {"delta": 10.0},
        found=(23.484375, (0.0625, -0.6875, -0.125, 2.5), (-0.0625, 0.6875, 0.125, -2.5)),
    ),
    "Huber of large numbers": Case(
        "huber_loss", (1e200, -1e200), (0.0, 1e200), {"delta": 3.0}, found=(4.5e200, (1.5, -1.5), (-1.5, 1.5))
    ),
    "Huber of tiny numbers": Case(
        "huber_loss",
        (1e-100, -3e-8),
        (0.0, 0.0),
        found=(2.2499999999999996e-16, (5e-101, -1.5e-08), (-5e-101, 1.5e-08)),
    ),
    "binary": Case(
        "binary_cross_entropy",
        (0.5, 0.1, 0.9, 0.75),
        (0.25, 0.0, 1.0, 0.9),
        found=(
            0.3253528782985474,
            (0.25, 0.27777777777777773, -0.2777777777777778, -0.20000000000000004),
            (0.0, 0.5493061443340548, -0.5493061443340549, -0.27465307216702745),
        ),
    ),
    "binary, labels": Case(
        "binary_cross_entropy",
        (0.5, 0.1, 0.9, 0.75),
        (1.0, 1.0, 0.0, 0.0),
        found=(
            1.671152931916982,
            (-0.5, -2.4999999999999996, 2.5000000000000004, 1.0),
            (0.0, 0.5493061443340548, -0.5493061443340549, -0.27465307216702745),
        ),
    ),
    "binary of one": Case(
        "binary_cross_entropy", (0.125,), (1.0,), found=(2.0794415416798357, (-8.0,), (1.9459101490553135,))
    ),
    "binary, nearly sure": Case(
        "binary_cross_entropy",
        (1e-9, 1.0 - 2.0**-20, 1e-6),
        (0.0, 1.0, 1.0),
        found=(
            4.605170504213015,
            (0.3333333336666666, -0.3333336512250753, -333333.3333333333),
            (6.9077552786488035, -4.620980885841378, 4.6051698526545914),
        ),
    ),
    "binary logits": Case(
        "binary_cross_entropy_with_logits",
        (0.5, -1.25, 2.0, 7.0),
        (0.25, 0.0, 1.0, 0.9),
        found=(
            0.48221138575555655,
            (0.09311483280046365, 0.05567503470632721, -0.02980073050552942, 0.024772237201399844),
            (-0.125, 0.3125, -0.5, -1.75),
        ),
    ),
    "binary logits, labels": Case(
        "binary_cross_entropy_with_logits",
        (0.5, -1.25, 2.0, 0.0),
        (1.0, 1.0, 0.0, 0.0),
        found=(
            1.1990203142820994,
            (-0.09438516719953635, -0.1943249652936728, 0.22019926949447058, 0.125),
            (-0.125, 0.3125, -0.5, 0.0),
        ),
    ),
    "binary logits of one": Case(
        "binary_cross_entropy_with_logits", (-3.0,), (1.0,), found=(3.048587351573742, (-0.9525741268224333,), (3.0,))
    ),
    "binary logits, saturated": Case(
        "binary_cross_entropy_with_logits",
        (800.0, -800.0, 1e300),
        (0.0, 1.0, 0.0),
        found=(
            3.3333333333333335e299,
            (0.3333333333333333, -0.3333333333333333, 0.3333333333333333),
            (-266.6666666666667, 266.6666666666667, -3.3333333333333335e299),
        ),
    ),
    "soft": Case(
        "soft_cross_entropy",
        (0.5, -1.25, 2.0, 7.0),
        (0.25, 0.0, 0.125, 0.625),
        found=(
            2.2584667008671584,
            (-0.24850923624166477, 0.00025905589703891765, -0.11831886035781294, 0.3665690407024387),
            (6.508466700867158, 8.258466700867158, 5.008466700867158, 0.008466700867158592),
        ),
    ),
    "soft, one-hot": Case(
        "soft_cross_entropy",
        (0.5, -1.25, 2.0),
        (0.0, 1.0, 0.0),
        found=(
            3.4826219831020326,
            (0.1768201821074443, -0.9692732596735636, 0.7924530775661193),
            (1.7326219831020326, 3.4826219831020326, 0.23262198310203266),
        ),
    ),
    "soft, not normalized": Case(
        "soft_cross_entropy",
        (0.5, -1.25, 2.0),
        (0.75, 1.0, 0.5),
        found=(
            4.898399461979574,
            (-0.35215459025825036, -0.930864834265518, 1.2830194245237683),
            (1.7326219831020326, 3.4826219831020326, 0.23262198310203266),
        ),
    ),
    "soft of one": Case("soft_cross_entropy", (3.0,), (1.0,), found=(0.0, (0.0,), (0.0,))),
    "soft, saturated": Case(
        "soft_cross_entropy",
        (1000.0, -1000.0, 0.0),
        (0.25, 0.25, 0.5),
        found=(1000.0, (0.75, -0.25, -0.5), (0.0, 2000.0, 1000.0)),
    ),
    "divergence": Case(
        "kl_div",
        (-0.5, -1.25, -2.0, -7.0),
        (0.25, 0.125, 0.5, 0.125),
        found=(
            0.9432424340200957,
            (-0.25, -0.125, -0.5, -0.125),
            (0.11370563888010943, 0.17055845832016425, 2.3068528194400546, 5.920558458320164),
        ),
    ),
    "divergence of logarithms": Case(
        "kl_div",
        (-0.5, -1.25, -2.0),
        (-1.5, -0.25, -0.5),
        {"log_target": True},
        found=(
            1.4654666124919253,
            (-0.22313016014842982, -0.7788007830714049, -0.6065306597126334),
            (0.0, 1.5576015661428098, 1.5163266492815834),
        ),
    ),
    "divergence of one": Case("kl_div", (-0.5,), (1.0,), found=(0.5, (-1.0,), (1.5,))),
    "divergence of equals": Case(
        "kl_div",
        (-2.0, -1.0),
        (0.1353352832366127, 0.36787944117144233),
        found=(0.0, (-0.1353352832366127, -0.36787944117144233), (1.0, 1.0)),
    ),
}
every_loss = pytest.mark.parametrize("name", CASES)


if __name__ == "__main__":
    import torch

    for name, case in CASES.items():
        print(f"{name!r}: {case.in_torch(torch)}")
