"""Fit a curve with scipy.optimize, by exact gradients and with exact error bars.

A weight on a spring swings and comes to rest:

    y(t) = a exp(-t / tau) cos(2 pi f t + phi) + c

`scipy.optimize.minimize(..., jac=True)` asks for a function of the parameters that returns a number and its
gradient. Here it is the sum of squares in plain Python, recorded by `jit` and differentiated by
`value_and_grad`. At the minimum, `hessian` says how sharply each parameter is determined: its standard error.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastgrad import cos, exp, jit
from fastgrad.examples import common
from fastgrad.functional import hessian, value_and_grad

NEEDS = ("matplotlib", "tqdm", "scipy")

NAMES = ("a", "tau", "f", "phi", "c")
TRUTH = (2.0, 3.0, 0.8, 0.5, 1.0)
GUESS = (1.0, 1.5, 0.75, 0.0, 0.0)
TIMES = np.linspace(0.0, 8.0, 161)  # seconds
NOISE = 0.15


class Fit(NamedTuple):
    """The results of a run."""

    losses: list[float]  # after each step of the minimizer
    found: dict[str, float]
    errors: dict[str, float]  # standard errors
    picture: Path
    interrupted: bool


def swing(t: Any, a: Any, tau: Any, f: Any, phi: Any, c: Any) -> Any:
    """The height of the weight: a number for numbers, a Value for Values."""
    return a * exp(-t / tau) * cos(2 * math.pi * f * t + phi) + c


def measure(seed: int) -> list[float]:
    """The true heights with measurement noise."""
    noise = np.random.default_rng(seed).normal(0.0, NOISE, len(TIMES))
    return [swing(t, *TRUTH) + e for t, e in zip(TIMES.tolist(), noise.tolist(), strict=True)]


def run(steps: int = 200, seed: int = 42, out: Path | str = ".", *, progress: bool = False) -> Fit:
    """Fit the curve to noisy heights, print the results, and draw the curve into the folder ``out``.

    Raises:
        MissingExtra: matplotlib, tqdm or scipy is not installed.
        OSError: the picture cannot be written.
    """
    common.require(*NEEDS)
    from scipy.optimize import minimize

    out = common.folder(out)
    heights = measure(seed)

    def misfit(parameters: Sequence[Any]) -> Any:
        """Half the sum of squares."""
        return sum((swing(t, *parameters) - y) ** 2 for t, y in zip(TIMES.tolist(), heights, strict=True)) / 2

    objective = value_and_grad(jit(misfit))
    found, losses = list(GUESS), []
    with common.Progress("fitting", None, shown=progress) as bar:

        def look(parameters: Any) -> None:
            found[:] = parameters.tolist()
            losses.append(misfit(found))
            bar.note(misfit=f"{losses[-1]:.4f}")
            bar.advance()

        result = minimize(objective, GUESS, jac=True, method="BFGS", callback=look, options={"maxiter": steps})
        print(f"{bar.done} steps of BFGS, {result.nfev} values and gradients: {result.message}")

    errors = standard_errors(hessian(misfit)(found), misfit(found))
    print(table(found, errors))
    picture = common.save_picture(draw(heights, found), out / "curve_fit.png")
    parameters, uncertainties = (dict(zip(NAMES, numbers, strict=True)) for numbers in (found, errors))
    return Fit(losses, parameters, uncertainties, picture, bar.interrupted)


def standard_errors(curvature: Sequence[Sequence[float]], misfit: float) -> list[float]:
    """Near the minimum the misfit is a parabola, whose curvature in units of the noise is the inverse covariance.

    Elsewhere, as when Ctrl-C ended the search, the curvature can have any sign, and a standard error is nan.
    """
    noise = 2 * misfit / (len(TIMES) - len(NAMES))
    variances = np.diag(np.linalg.inv(curvature)) * noise
    return [math.sqrt(variance) if variance > 0.0 else math.nan for variance in variances.tolist()]


# ---- the picture -----------------------------------------------------------------------------------------------


def table(found: Sequence[float], errors: Sequence[float]) -> str:
    lines = [f"{'':5}{'true':>8}{'found':>9}   standard error"]
    for name, true, number, error in zip(NAMES, TRUTH, found, errors, strict=True):
        lines.append(f"{name:5}{true:8.3f}{number:9.4f} ± {error:.4f}")
    return "\n".join(lines)


def draw(heights: Sequence[float], found: Sequence[float]) -> Any:
    figure, panels = common.drawing([["curve"], ["rest"]], height=5.4, sharex=True, height_ratios=[3, 1])
    curve, rest = panels["curve"], panels["rest"]
    fine = np.linspace(TIMES[0], TIMES[-1], 600).tolist()
    curve.plot(TIMES, heights, "o", color=common.BLUE, markersize=3.5, alpha=0.7, label="measured")
    curve.plot(fine, [swing(t, *GUESS) for t in fine], "--", color=common.GRAY, linewidth=1, label="first guess")
    curve.plot(fine, [swing(t, *found) for t in fine], color=common.RED, linewidth=2, label="fitted")
    curve.set(title="a swinging weight", ylabel="height")
    curve.legend(loc="upper right")

    residuals = [y - swing(t, *found) for t, y in zip(TIMES.tolist(), heights, strict=True)]
    rest.axhspan(-NOISE, NOISE, color=common.GRAY, alpha=0.15, linewidth=0)
    rest.plot(TIMES, residuals, "o", color=common.BLUE, markersize=3)
    rest.set(xlabel="seconds", ylabel="what is left\n(band: the noise)")
    return figure


# ---- the command line ------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    return common.options(__doc__, steps=200, seed=42, unit="steps of the minimizer, at most")


def main(argv: Sequence[str] | None = None) -> int:
    """Run with the options in ``argv`` and return the exit status."""
    return common.command(run, parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())
