"""Find the rates of a differential equation by descending through its solver.

Hares x multiply and are eaten; lynxes y live on them (Lotka 1925, Volterra 1926):

    x' = a x - b x y        y' = d x y - c y

The solver is plain Python, so it runs on floats to make noisy counts, and on Values to be differentiated: the
gradient of the misfit flows back through every Runge-Kutta step into the four rates and the numbers of animals
at the start. `jit` records the whole simulation once and replays it natively.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from fastgrad import Value, exp, jit, log
from fastgrad.examples import common
from fastgrad.optim import Adam, CosineAnnealingLR

NEEDS = ("matplotlib", "tqdm")

NAMES = ("a", "b", "c", "d", "x at 0", "y at 0")
TRUTH = (1.0, 0.1, 1.5, 0.075, 10.0, 5.0)
GUESS = (0.8, 0.15, 1.2, 0.1, 12.0, 4.0)
YEARS, STEPS_A_YEAR = 15, 10
EVERY = 2  # the animals are counted at each second step of the solver
NOISE = 0.03  # of the logarithm of a count

Point = tuple[Any, Any]  # hares and lynxes: floats or Values


class Fit(NamedTuple):
    """The results of a run."""

    losses: list[float]  # before the update of each step
    found: dict[str, float]
    picture: Path
    interrupted: bool


# ---- the model, over any kind of number ------------------------------------------------------------------------


def slope(x: Any, y: Any, a: Any, b: Any, c: Any, d: Any) -> Point:
    return a * x - b * x * y, d * x * y - c * y


def runge_kutta(x: Any, y: Any, rates: Sequence[Any], h: float) -> Point:
    """One step of length ``h``, of the fourth order."""
    x1, y1 = slope(x, y, *rates)
    x2, y2 = slope(x + h / 2 * x1, y + h / 2 * y1, *rates)
    x3, y3 = slope(x + h / 2 * x2, y + h / 2 * y2, *rates)
    x4, y4 = slope(x + h * x3, y + h * y3, *rates)
    return x + h / 6 * (x1 + 2 * x2 + 2 * x3 + x4), y + h / 6 * (y1 + 2 * y2 + 2 * y3 + y4)


def simulate(parameters: Sequence[Any]) -> list[Point]:
    """The animals at each step of the solver, from the first year to the last."""
    *rates, x, y = parameters
    path = [(x, y)]
    for _ in range(YEARS * STEPS_A_YEAR):
        path.append(runge_kutta(*path[-1], rates, 1 / STEPS_A_YEAR))
    return path


# ---- the fit ---------------------------------------------------------------------------------------------------


def count_animals(seed: int) -> list[tuple[float, float]]:
    """The counts of a biologist: the true numbers, each with an error of some percent."""
    rng = random.Random(seed)
    return [
        (x * math.exp(rng.gauss(0.0, NOISE)), y * math.exp(rng.gauss(0.0, NOISE)))
        for x, y in simulate(TRUTH)[::EVERY]
    ]


def run(steps: int = 500, seed: int = 42, out: Path | str = ".", *, progress: bool = False) -> Fit:
    """Fit the model to noisy counts, print the results, and draw the fit into the folder ``out``.

    Raises:
        MissingExtra: matplotlib or tqdm is not installed.
        OSError: the picture cannot be written.
    """
    common.require(*NEEDS)
    out = common.folder(out)
    counts = count_animals(seed)

    # Rates and numbers of animals are positive, but their logarithms can be any number.
    logarithms = [Value(math.log(guess), label=name) for name, guess in zip(NAMES, GUESS, strict=True)]

    @jit
    def loss() -> Any:
        path = simulate([exp(p) for p in logarithms])[::EVERY]
        misfits = [
            log(there / seen) ** 2
            for pair in zip(path, counts, strict=True)
            for there, seen in zip(*pair, strict=True)
        ]
        return sum(misfits) / len(misfits)

    optimizer = Adam(logarithms, lr=0.05)
    schedule = CosineAnnealingLR(optimizer, T_max=steps)
    losses: list[float] = []
    start = perf_counter()
    with common.Progress("fitting", steps, shown=progress) as bar:
        for _ in bar:
            misfit = loss()
            optimizer.zero_grad()
            misfit.backward()
            optimizer.step()
            schedule.step()
            losses.append(misfit.data)
            bar.note(loss=f"{misfit.data:.5f}")
    seconds = perf_counter() - start

    found = [math.exp(p.data) for p in logarithms]
    print(f"{YEARS * STEPS_A_YEAR} Runge-Kutta steps, {len(losses)} steps of Adam in {seconds:.2f} s")
    print(table(found))
    picture = common.save_picture(draw(counts, found), out / "lotka_volterra.png")
    return Fit(losses, dict(zip(NAMES, found, strict=True)), picture, bar.interrupted)


# ---- the picture -----------------------------------------------------------------------------------------------


def table(found: Sequence[float]) -> str:
    lines = [f"{'':8}{'true':>8}{'found':>9}{'error':>8}{'guess':>9}"]
    for name, true, number, guess in zip(NAMES, TRUTH, found, GUESS, strict=True):
        lines.append(f"{name:8}{true:8.4f}{number:9.4f}{number / true - 1:8.1%}{guess:9.4f}")
    return "\n".join(lines)


def draw(counts: Sequence[tuple[float, float]], found: Sequence[float]) -> Any:
    figure, panels = common.drawing([["time", "cycle"]], width=9.6, height=4.2, width_ratios=[1.7, 1])
    over_time, cycle = panels["time"], panels["cycle"]
    times = [i / STEPS_A_YEAR for i in range(YEARS * STEPS_A_YEAR + 1)]
    fitted, guessed = simulate(found), simulate(GUESS)
    for animal, color, name in ((0, common.BLUE, "hares"), (1, common.RED, "lynxes")):
        over_time.plot(times, [p[animal] for p in guessed], color=color, alpha=0.3, linewidth=1, linestyle="dashed")
        over_time.plot(times, [p[animal] for p in fitted], color=color, linewidth=1.8, label=f"{name}, fitted")
        seen = [p[animal] for p in counts]
        over_time.plot(times[::EVERY], seen, "o", color=color, markersize=4, label=f"{name}, counted")
    over_time.set(title="the fit through the counts (dashed: the first guess)", xlabel="years", ylabel="animals")
    over_time.set_ylim(top=1.25 * over_time.get_ylim()[1])
    over_time.legend(ncols=2, loc="upper right", fontsize="small")

    cycle.plot(*zip(*guessed, strict=True), color="#999999", linewidth=1, linestyle="dashed", label="first guess")
    cycle.plot(*zip(*fitted, strict=True), color="#333333", linewidth=1.8, label="fitted")
    cycle.plot(*zip(*counts, strict=True), "o", color="#333333", markersize=3, label="counted")
    cycle.set(title="the same as a cycle", xlabel="hares", ylabel="lynxes")
    cycle.legend(loc="center", fontsize="small")
    return figure


# ---- the command line ------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    return common.options(__doc__, steps=500, seed=42)


def main(argv: Sequence[str] | None = None) -> int:
    """Run with the options in ``argv`` and return the exit status."""
    return common.command(run, parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())
