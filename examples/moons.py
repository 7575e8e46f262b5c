"""A network of scalars learns to tell two moons apart.

This is micrograd's demo. Every weight is a `Value`, every product and sum a node of a graph, and `backward()`
finds how the loss changes with each weight. The same training in pure Python, with `fastgrad.reference`, must
come to the same losses, and shows what the native engine is worth. `--engine jit` records the loss of one point
and maps it over all of them.

Two pictures: what the network thinks of the whole plane, and the graph of one of its neurons.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple, cast

import numpy as np

from fastgrad import Value, draw_dot, no_grad, reference, save, vmap
from fastgrad.draw import RendererNotFound
from fastgrad.examples import common
from fastgrad.nn import MLP, Neuron

NEEDS = ("matplotlib", "tqdm")

SIZES = [16, 16, 1]
L2 = 1e-4
NOISE = 0.1
TOLERANCE = 1e-9

Points = list[tuple[float, float]]
Loss = Callable[[], Any]


class History(NamedTuple):
    """The course of a training."""

    losses: list[float]  # before the update of each step
    ms_per_step: float  # median; nan if no step was finished
    interrupted: bool


class Outcome(NamedTuple):
    """The results of a run."""

    losses: list[float]  # before the update of each step
    loss: float  # of the trained network
    accuracy: float  # of the trained network, 0 to 1
    ms_per_step: float  # median; nan if no step was finished
    reference_ms_per_step: float  # the same with `fastgrad.reference`
    boundary: Path
    neuron: Path  # SVG, or DOT text if there is no renderer
    model: Path  # the parameters
    interrupted: bool


# ---- the data --------------------------------------------------------------------------------------------------


def make_moons(samples: int, seed: int, noise: float = NOISE) -> tuple[Points, list[int]]:
    """Two interleaving half circles of radius 1: points, and their labels -1 (upper) and 1 (lower).

    ``noise`` is the standard deviation of the noise added to each coordinate.
    """
    rng = random.Random(seed)
    upper = samples // 2
    lower = samples - upper
    angles = [math.pi * i / max(upper - 1, 1) for i in range(upper)]
    points = [(math.cos(angle), math.sin(angle)) for angle in angles]
    angles = [math.pi * i / max(lower - 1, 1) for i in range(lower)]
    points += [(1.0 - math.cos(angle), 0.5 - math.sin(angle)) for angle in angles]
    points = [(x + rng.gauss(0.0, noise), y + rng.gauss(0.0, noise)) for x, y in points]
    return points, [-1] * upper + [1] * lower


# ---- the network and its loss ----------------------------------------------------------------------------------


def network(seed: int) -> MLP:
    return MLP(2, SIZES, generator=random.Random(seed))


def reference_twin(net: MLP) -> MLP:
    """The same network with its parameters copied into the reference's Values, so that it computes with these."""
    twin = network(0)
    for layer, original in zip(twin.layers, net.layers, strict=True):
        for neuron, model in zip(layer.neurons, original.neurons, strict=True):
            neuron.w = cast("list[Value]", [reference.Value(w.data) for w in model.w])
            neuron.b = cast("Value", reference.Value(model.b.data))
    return twin


def hinge(net: MLP, point: Sequence[Any], label: Any) -> Any:
    """The loss of one point: 0 beyond the margin on its own side, growing linearly towards the other side."""
    return (1 - label * net(point)).relu()


def penalty(net: MLP) -> Any:
    """L2 regularization: small weights make smooth boundaries."""
    return L2 * sum(p * p for p in net.parameters())


def eager(net: MLP, points: Points, labels: Sequence[int]) -> Loss:
    """The loss of all points, as a graph that is built at each call."""

    def loss() -> Any:
        hinges = [hinge(net, point, label) for point, label in zip(points, labels, strict=True)]
        return sum(hinges) * (1 / len(hinges)) + penalty(net)

    return loss


def mapped(net: MLP, points: Points, labels: Sequence[int]) -> Loss:
    """The same, recorded for one point and then run natively for all of them."""
    mean = vmap(lambda point, label: hinge(net, point, label) + penalty(net), reduce="mean")
    return partial(mean, np.array(points), np.array(labels, dtype=float))


ENGINES = {"eager": eager, "jit": mapped}


# ---- training --------------------------------------------------------------------------------------------------


def train(net: MLP, loss: Loss, steps: int, planned: int, title: str, shown: bool) -> History:
    """Gradient descent with a rate that falls from 1 to 0.1 over the ``planned`` steps. Ends at Ctrl-C."""
    losses: list[float] = []
    seconds: list[float] = []
    with common.Progress(title, steps, shown=shown) as bar:
        for step in bar:
            start = perf_counter()
            losses.append(descend(net, loss, rate=1.0 - 0.9 * step / planned))
            seconds.append(perf_counter() - start)
            bar.note(loss=f"{losses[-1]:.4f}")
    return History(losses, 1e3 * median(seconds) if seconds else math.nan, bar.interrupted)


def descend(net: MLP, loss: Loss, rate: float) -> float:
    """One step downhill. Returns the loss before it."""
    result = loss()
    net.zero_grad()
    result.backward()
    for p in net.parameters():
        p.data -= rate * p.grad
    return float(result.data)


def require_equal(ours: Sequence[float], theirs: Sequence[float]) -> None:
    for step, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
        if not math.isclose(mine, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            raise ArithmeticError(f"step {step}: the loss is {mine!r}, but fastgrad.reference finds {other!r}")


def run(
    steps: int = 100,
    samples: int = 100,
    seed: int = 1337,
    out: Path | str = ".",
    *,
    engine: str = "eager",
    reference_steps: int = 5,
    progress: bool = False,
) -> Outcome:
    """Train, compare with `fastgrad.reference`, and save and draw the results into the folder ``out``.

    The first ``reference_steps`` steps are repeated with the reference, whose losses must be the same. Ctrl-C ends
    the training or the comparison early. The seed determines everything except the times.

    Raises:
        BadInput: fewer than 1 step, 2 samples or 1 reference step, or the engine is unknown.
        MissingExtra: matplotlib or tqdm is not installed.
        ArithmeticError: the reference computed a different loss.
        OSError: the files cannot be written.
    """
    limits = (("steps", steps, 1), ("samples", samples, 2), ("reference_steps", reference_steps, 1))
    for name, number, least in limits:
        if number < least:
            raise common.BadInput(f"{name} must be at least {least}, got {number}")
    if engine not in ENGINES:
        raise common.BadInput(f"engine must be {' or '.join(ENGINES)}, got {engine!r}")
    common.require(*NEEDS)
    out = common.folder(out)

    points, labels = make_moons(samples, seed)
    net = network(seed)
    twin = reference_twin(net)
    fast = train(net, ENGINES[engine](net, points, labels), steps, steps, "training", progress)
    slow = History([], math.nan, fast.interrupted)
    if not fast.interrupted:
        first = min(reference_steps, steps)
        slow = train(twin, eager(twin, points, labels), first, steps, "fastgrad.reference", progress)
        require_equal(fast.losses, slow.losses)

    with no_grad():
        loss = float(eager(net, points, labels)().data)
        scores = [net(point).data for point in points]
    accuracy = sum((score > 0) == (label > 0) for score, label in zip(scores, labels, strict=True)) / samples
    print(f"{len(net.parameters())} parameters, steps: {len(fast.losses)}, loss {loss:.4f}, accuracy {accuracy:.1%}")
    if slow.losses:
        ratio = slow.ms_per_step / fast.ms_per_step
        print(
            f"{fast.ms_per_step:.3g} ms a step, {ratio:,.0f} times faster than fastgrad.reference "
            f"({slow.ms_per_step:.0f} ms)"
        )

    model, boundary = out / "moons.npz", out / "boundary.png"
    save(model, model=net)
    print(f"wrote {model}")
    title = f"loss {loss:.4f}, accuracy {accuracy:.0%}, steps: {len(fast.losses)}"
    common.save_picture(draw_boundary(net, points, labels, title), boundary)
    neuron = draw_neuron(net, points, out)
    return Outcome(
        fast.losses, loss, accuracy, fast.ms_per_step, slow.ms_per_step, boundary, neuron, model, slow.interrupted
    )


# ---- the pictures ----------------------------------------------------------------------------------------------


def draw_boundary(net: MLP, points: Points, labels: Sequence[int], title: str) -> Any:
    xs, ys = np.array(points).T
    grid_x = np.linspace(xs.min() - 0.5, xs.max() + 0.5, 121)
    grid_y = np.linspace(ys.min() - 0.5, ys.max() + 0.5, 121)
    grid = np.stack(np.meshgrid(grid_x, grid_y), axis=-1)
    with no_grad():
        scores = np.array([score.data for score in vmap(net)(grid.reshape(-1, 2))]).reshape(121, 121)

    figure, axes = common.drawing()
    # The colors exclude the darkest of the map, which the points have.
    levels = np.linspace(-2, 2, 17)
    filled = axes.contourf(grid_x, grid_y, scores.clip(-2, 2), levels=levels, cmap="RdBu", vmin=-3, vmax=3)
    for level, width, style in ((-1, 0.8, "dashed"), (0, 1.8, "solid"), (1, 0.8, "dashed")):
        # matplotlib warns about a level that nothing crosses, as in a network that has learned little.
        if scores.min() < level < scores.max():
            axes.contour(
                grid_x, grid_y, scores, levels=[level], colors=common.GRAY, linewidths=width, linestyles=style
            )
    for label, color, marker in ((-1, common.RED, "o"), (1, common.BLUE, "s")):
        chosen = np.array(labels) == label
        axes.scatter(
            xs[chosen], ys[chosen], s=34, c=color, marker=marker, edgecolors="white", linewidths=0.8,
            label=f"class {label}", zorder=3,
        )  # fmt: skip
    axes.set(title=title, xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    axes.legend(loc="upper right")
    note = "score, cut off at ±2 (margins dashed)"
    figure.colorbar(filled, ax=axes, label=note, ticks=[-2, -1, 0, 1, 2], shrink=0.9)
    return figure


def draw_neuron(net: MLP, points: Points, out: Path) -> Path:
    """Write the most active neuron of the first layer as SVG, or as DOT text without a renderer."""
    dot = draw_dot(labeled_neuron(net.layers[0].neurons, points), expand=True)
    try:
        picture, path = dot.pipe(), out / "neuron.svg"
    except RendererNotFound as missing:
        picture, path = dot.source.encode(), out / "neuron.dot"
        print(f"the neuron is DOT text: {missing}")
    path.write_bytes(picture)
    print(f"wrote {path}")
    return path


def labeled_neuron(neurons: Sequence[Neuron], points: Points) -> Value:
    """The neuron and point with the largest output (elsewhere relu's gradients may be 0), labeled and swept."""
    with no_grad():
        _, chosen, at = max((n(point).data, i, j) for i, n in enumerate(neurons) for j, point in enumerate(points))
    neuron = neurons[chosen]
    inputs = [Value(x, label=f"x{i}") for i, x in enumerate(points[at], 1)]
    neuron.b.label = "b"
    for i, w in enumerate(neuron.w, 1):
        w.label = f"w{i}"
    neuron.zero_grad()
    output = neuron(inputs)
    output.backward()
    (total,) = output._prev
    total.label = "b + w1 * x1 + w2 * x2"
    output.label = "output"
    return output


# ---- the command line ------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    parser = common.options(__doc__, steps=100, seed=1337)
    parser.add_argument(
        "--samples", type=common.whole_number(2), default=100, metavar="N", help="points in the two moons"
    )
    parser.add_argument("--engine", choices=ENGINES, default="eager", help="build each graph, or replay a recording")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run with the options in ``argv`` and return the exit status."""
    return common.command(run, parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())
