"""The project's own figures, each with the target that fastgrad must meet."""

from __future__ import annotations

from collections.abc import Callable

from ..harness import Report
from . import (
    captured_calls,
    captured_gpt,
    captured_moons,
    captured_ode,
    captured_size,
    chain,
    expression,
    gpt,
    moons,
    operators,
    optimizers,
    training,
)

TARGETS: dict[str, Callable[[bool], Report]] = {
    "operators": operators.run,
    "chain": chain.run,
    "moons": moons.run,
    "gpt": gpt.run,
    "expression": expression.run,
    "captured_gpt": captured_gpt.run,
    "captured_moons": captured_moons.run,
    "captured_ode": captured_ode.run,
    "captured_calls": captured_calls.run,
    "captured_size": captured_size.run,
    "optimizers": optimizers.run,
    "training": training.run,
}
