"""Find the price of an option and all its Greeks by differentiation.

A European call is the right to buy a share in some years at a fixed price, the strike. Black and Scholes
(1973) wrote down what it is worth; traders live by the derivatives of that number, the Greeks. Textbooks
derive each of them by hand. Here `backward()` finds the first derivatives and `hessian` the second ones, and
the textbook formulas check both.

A simulation finds the same numbers without a formula for the price: the payoff of one path of the share in
plain Python, mapped over a million paths, and differentiated by the same `backward()`.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastgrad import Value, erfc, exp, log, sqrt, vmap
from fastgrad.examples import common
from fastgrad.functional import hessian

NEEDS = ("matplotlib", "tqdm")

#: Share price, strike, riskless rate, volatility (both a year), and years until the end.
OPTION = (100.0, 105.0, 0.03, 0.2, 0.5)
PATHS = 20_000  # in a step of the simulation

FIRST = ("price", "delta", "rho", "vega", "theta")
PANELS = [["price", "delta", "rho"], ["vega", "theta", "gamma"]]
Greeks = dict[str, float]


class Outcome(NamedTuple):
    """The results of a run."""

    greeks: Greeks  # by differentiation
    formulas: Greeks  # from the textbooks
    simulated: dict[str, tuple[float, float]]  # and standard errors
    picture: Path
    interrupted: bool


# ---- the price, and its derivatives ----------------------------------------------------------------------------


def normal(x: Any) -> Any:
    """The standard normal distribution function."""
    return erfc(-x / math.sqrt(2)) / 2


def price(spot: Any, strike: Any, rate: Any, volatility: Any, years: Any) -> Any:
    """The price of a call: a number for numbers, a Value for Values."""
    spread = volatility * sqrt(years)
    d1 = (log(spot / strike) + (rate + volatility**2 / 2) * years) / spread
    return spot * normal(d1) - strike * exp(-rate * years) * normal(d1 - spread)


def greeks(*option: float) -> Greeks:
    """The price and its derivatives. The time derivatives, theta and charm, are with respect to passing time."""
    spot, _, rate, volatility, years = inputs = [Value(number) for number in option]
    worth = price(*inputs)
    worth.backward()
    (gamma, vanna, ddelta_dyears), (_, volga, _), _ = hessian(price, argnums=(0, 3, 4))(*option)
    return {
        "price": worth.data,
        "delta": spot.grad,
        "rho": rate.grad,
        "vega": volatility.grad,
        "theta": -years.grad,
        "gamma": gamma,
        "vanna": vanna,
        "volga": volga,
        "charm": -ddelta_dyears,
    }


def formulas(spot: float, strike: float, rate: float, volatility: float, years: float) -> Greeks:
    """The same by the textbook formulas."""
    root, discount = math.sqrt(years), math.exp(-rate * years)
    d1 = (math.log(spot / strike) + (rate + volatility**2 / 2) * years) / (volatility * root)
    d2 = d1 - volatility * root
    density = math.exp(-(d1**2) / 2) / math.sqrt(2 * math.pi)
    vega = spot * density * root
    return {
        "price": spot * normal(d1) - strike * discount * normal(d2),
        "delta": normal(d1),
        "rho": strike * years * discount * normal(d2),
        "vega": vega,
        "theta": -spot * density * volatility / (2 * root) - rate * strike * discount * normal(d2),
        "gamma": density / (spot * volatility * root),
        "vanna": -density * d2 / volatility,
        "volga": vega * d1 * d2 / volatility,
        "charm": -density * (2 * rate * years - d2 * volatility * root) / (2 * years * volatility * root),
    }


# ---- the simulation --------------------------------------------------------------------------------------------


def payoff(chance: Any, spot: Any, strike: Any, rate: Any, volatility: Any, years: Any) -> Any:
    """Today's value of the call's payoff if the share takes the path of this standard normal number."""
    growth = (rate - volatility**2 / 2) * years + volatility * sqrt(years) * chance
    return exp(-rate * years) * (spot * exp(growth) - strike).relu()


def simulate(option: Sequence[float], steps: int, seed: int, shown: bool) -> tuple[list[list[float]], bool]:
    """The price and its first derivatives in each step, in the order of `FIRST`; and whether Ctrl-C ended it."""
    rng = np.random.default_rng(seed)
    mean_payoff = vmap(payoff, in_axes=(0, None, None, None, None, None), reduce="mean")
    found = []
    with common.Progress("simulating", steps, shown=shown) as bar:
        for _ in bar:
            spot, _, rate, volatility, years = inputs = [Value(number) for number in option]
            mean = mean_payoff(rng.standard_normal(PATHS), *inputs)
            mean.backward()
            found.append([mean.data, spot.grad, rate.grad, volatility.grad, -years.grad])
            bar.note(price=f"{mean.data:.3f}")
    return found, bar.interrupted


def run(steps: int = 50, seed: int = 42, out: Path | str = ".", *, progress: bool = False) -> Outcome:
    """Print the Greeks of `OPTION`, computed in three ways, and plot them against the share price into ``out``.

    Raises:
        MissingExtra: matplotlib or tqdm is not installed.
        OSError: the picture cannot be written.
    """
    common.require(*NEEDS)
    out = common.folder(out)
    differentiated, known = greeks(*OPTION), formulas(*OPTION)
    samples, interrupted = simulate(OPTION, steps, seed, progress)
    simulated: dict[str, tuple[float, float]] = {}
    if len(samples) > 1:  # one alone has no spread
        errors = np.std(samples, axis=0, ddof=1) / math.sqrt(len(samples))
        means = np.mean(samples, axis=0)
        simulated = dict(zip(FIRST, zip(means.tolist(), errors.tolist(), strict=True), strict=True))
    print(f"{len(samples) * PATHS:,} paths")
    print(table(differentiated, known, simulated))
    picture = common.save_picture(draw(simulated), out / "black_scholes.png")
    return Outcome(differentiated, known, simulated, picture, interrupted)


# ---- the picture -----------------------------------------------------------------------------------------------


def table(differentiated: Greeks, known: Greeks, simulated: dict[str, tuple[float, float]]) -> str:
    lines = [f"{'':7}{'derivative':>13}{'formula':>13}{'difference':>13}   simulated"]
    for name, number in differentiated.items():
        line = f"{name:7}{number:13.6f}{known[name]:13.6f}{number - known[name]:13.1e}"
        if name in simulated:
            mean, error = simulated[name]
            line += f"{mean:12.4f} ± {error:.4f}"
        lines.append(line)
    return "\n".join(lines)


def draw(simulated: dict[str, tuple[float, float]]) -> Any:
    figure, panels = common.drawing(PANELS, width=9.6, height=5.4, sharex=True)
    spot, strike, rate, volatility, _ = OPTION
    spots = np.linspace(60.0, 150.0, 91).tolist()
    terms = ((1 / 12, "one month", common.RED), (0.5, "six months", common.BLUE), (2.0, "two years", common.GRAY))
    for years, about, color in terms:
        curves = [greeks(each, strike, rate, volatility, years) for each in spots]
        for name, panel in panels.items():
            panel.plot(spots, [each[name] for each in curves], color=color, linewidth=1.8, label=about)
    for name, panel in panels.items():
        panel.axvline(strike, color=common.GRAY, linewidth=0.8, linestyle="dashed")
        panel.set_title(name)
        if name in simulated:
            panel.plot(spot, simulated[name][0], "o", color=common.BLUE, markeredgecolor="black", zorder=3)
    for name in PANELS[-1]:
        panels[name].set_xlabel("price of the share")
    panels["price"].legend(title="left to run", fontsize="small", title_fontsize="small")
    figure.suptitle("A call and its Greeks (dashed: the strike; points: simulated)")
    return figure


# ---- the command line ------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    return common.options(__doc__, steps=50, seed=42, unit=f"steps of the simulation, of {PATHS:,} paths each")


def main(argv: Sequence[str] | None = None) -> int:
    """Run with the options in ``argv`` and return the exit status."""
    return common.command(run, parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())
