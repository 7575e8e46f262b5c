"""The main job: a network of scalars learns two moons, is timed against `fastgrad.reference`, and is drawn."""

from __future__ import annotations

import importlib
import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from fastgrad import reference
from fastgrad.draw import RendererNotFound, draw_dot
from fastgrad.engine import Value, no_grad
from fastgrad.nn import MLP, Neuron

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DemoResult", "MissingExtra", "Points", "make_moons", "run"]

Points = list[tuple[float, float]]
Bar = Callable[[Iterable[int]], Any]

SIZES = [16, 16, 1]
L2 = 1e-4
NOISE = 0.1
TOLERANCE = 1e-9


class MissingExtra(ImportError):
    """A library of the ``demo`` extra is not installed."""


@dataclass(frozen=True)
class DemoResult:
    """What a run found."""

    losses: list[float]  # before the update of each step
    loss: float  # of the trained network
    accuracy: float  # of the trained network, 0 to 1
    parameters: int
    ms_per_step: float  # median; nan if no step was finished
    reference_ms_per_step: float  # median; nan if it was not measured
    interrupted: bool
    boundary: Path
    neuron: Path  # SVG, or DOT text if there is no renderer
    hint: str  # why the neuron is DOT text, and the ways out; else empty

    @property
    def ratio(self) -> float:
        """How many times faster a step is than with `fastgrad.reference`; nan if that was not measured."""
        return self.reference_ms_per_step / self.ms_per_step


@dataclass
class _History:
    losses: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    interrupted: bool = False

    def ms_per_step(self) -> float:
        return 1e3 * median(self.seconds) if self.seconds else math.nan


def make_moons(samples: int, seed: int, noise: float = NOISE) -> tuple[Points, list[int]]:
    """Two interleaved half circles of radius 1: ``samples`` points, and their classes -1 (upper) and 1 (lower).

    ``noise`` is the standard deviation of what is added to each coordinate.
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


def run(
    steps: int = 100,
    samples: int = 100,
    seed: int = 1337,
    out: Path | str = ".",
    *,
    reference_steps: int = 5,
    progress: bool = False,
) -> DemoResult:
    """Train, compare with `fastgrad.reference`, and write the two pictures into the directory ``out``.

    The first ``reference_steps`` steps are run again with the reference, whose losses must be the same. ``progress``
    shows a bar on stderr. Ctrl-C ends the training or the comparison early: the result says ``interrupted``, and the
    pictures show what was learned until then. The seed decides everything but the times.

    Raises:
        ValueError: fewer than 1 step, 2 samples or 1 reference step.
        MissingExtra: matplotlib, or with ``progress`` tqdm, is not installed.
        ArithmeticError: the reference came to another loss.
        OSError: the pictures cannot be written.
    """
    limits = (("steps", steps, 1), ("samples", samples, 2), ("reference_steps", reference_steps, 1))
    for name, number, least in limits:
        if number < least:
            raise ValueError(f"{name} must be at least {least}, got {number}")
    bar = _progress_bar() if progress else None
    _require("matplotlib")
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)

    points, classes = make_moons(samples, seed)
    net = _network(seed)
    twin = _reference_twin(net)
    history = _train(net, points, classes, range(steps), steps, bar and bar("training"))
    slow = _History()
    if not history.interrupted:
        first = range(min(reference_steps, steps))
        slow = _train(twin, points, classes, first, steps, bar and bar("fastgrad.reference"))
        _require_equal(history.losses, slow.losses)

    with no_grad():
        loss, accuracy = _loss(net, points, classes)
    boundary = out / "boundary.png"
    title = f"loss {loss.data:.4f}, accuracy {accuracy:.0%}, steps: {len(history.losses)}"
    _boundary(net, points, classes, title).savefig(boundary)
    neuron, hint = _draw_neuron(net, points, out)
    return DemoResult(
        losses=history.losses,
        loss=loss.data,
        accuracy=accuracy,
        parameters=len(net.parameters()),
        ms_per_step=history.ms_per_step(),
        reference_ms_per_step=slow.ms_per_step(),
        interrupted=history.interrupted or slow.interrupted,
        boundary=boundary,
        neuron=neuron,
        hint=hint,
    )


# ---- training ------------------------------------------------------------------------------------------------


def _network(seed: int) -> MLP:
    state = random.getstate()
    random.seed(seed)
    try:
        return MLP(2, SIZES)
    finally:
        random.setstate(state)


def _reference_twin(net: MLP) -> MLP:
    """The same network with its parameters copied into the reference's Values: it computes with these."""
    twin = _network(0)
    for layer, original in zip(twin.layers, net.layers, strict=True):
        for neuron, model in zip(layer.neurons, original.neurons, strict=True):
            neuron.w = cast("list[Value]", [reference.Value(w.data) for w in model.w])
            neuron.b = cast("Value", reference.Value(model.b.data))
    return twin


def _train(net: MLP, points: Points, classes: list[int], steps: range, decay_steps: int, bar: Bar | None) -> _History:
    """Gradient descent on all points at once; the rate falls from 1 to 0.1 over ``decay_steps``. Ends at Ctrl-C."""
    history = _History()
    shown: Any = bar(steps) if bar else steps
    try:
        for step in shown:
            start = perf_counter()
            loss, accuracy = _step(net, points, classes, rate=1.0 - 0.9 * step / decay_steps)
            history.seconds.append(perf_counter() - start)
            history.losses.append(loss)
            if bar:
                shown.set_postfix(loss=f"{loss:.4f}", accuracy=f"{accuracy:.0%}", refresh=False)
    except KeyboardInterrupt:
        history.interrupted = True
    finally:
        if bar:
            shown.close()
    return history


def _step(net: MLP, points: Points, classes: list[int], rate: float) -> tuple[float, float]:
    """One update. Returns the loss and the accuracy before it."""
    loss, accuracy = _loss(net, points, classes)
    net.zero_grad()
    loss.backward()
    for p in net.parameters():
        p.data -= rate * p.grad
    return loss.data, accuracy


def _loss(net: MLP, points: Points, classes: list[int]) -> tuple[Any, float]:
    """The mean hinge loss plus L2, and the accuracy (0 to 1)."""
    scores = [net(point) for point in points]
    margins = [(1 - label * score).relu() for label, score in zip(classes, scores, strict=True)]
    loss = sum(margins) * (1.0 / len(margins)) + L2 * sum(p * p for p in net.parameters())
    correct = sum((score.data > 0) == (label > 0) for label, score in zip(classes, scores, strict=True))
    return loss, correct / len(points)


def _require_equal(ours: list[float], theirs: list[float]) -> None:
    for step, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
        if not math.isclose(mine, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            raise ArithmeticError(f"step {step}: the loss is {mine!r}, but fastgrad.reference finds {other!r}")


# ---- pictures ------------------------------------------------------------------------------------------------


def _boundary(net: MLP, points: Points, classes: list[int], title: str) -> Figure:
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    xs, ys = np.array(points).T
    grid_x = np.linspace(xs.min() - 0.5, xs.max() + 0.5, 121)
    grid_y = np.linspace(ys.min() - 0.5, ys.max() + 0.5, 121)
    with no_grad():
        scores = np.array([[net((x, y)).data for x in grid_x.tolist()] for y in grid_y.tolist()])

    figure = Figure(figsize=(7.6, 4.8), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    # The colours stop short of the map's darkest, which the points have.
    levels = np.linspace(-2, 2, 17)
    filled = axes.contourf(grid_x, grid_y, scores.clip(-2, 2), levels=levels, cmap="RdBu", vmin=-3, vmax=3)
    for level, width, style in ((-1, 0.8, "dashed"), (0, 1.8, "solid"), (1, 0.8, "dashed")):
        # matplotlib warns of a level that nothing crosses, as in a network that has learned little.
        if scores.min() < level < scores.max():
            axes.contour(grid_x, grid_y, scores, levels=[level], colors="#333333", linewidths=width, linestyles=style)
    labels = np.array(classes)
    for label, colour, marker in ((-1, "#b2182b", "o"), (1, "#2166ac", "s")):
        chosen = labels == label
        axes.scatter(
            xs[chosen], ys[chosen], s=34, c=colour, marker=marker, edgecolors="white", linewidths=0.8,
            label=f"class {label}", zorder=3,
        )  # fmt: skip
    axes.set(title=title, xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    axes.legend(loc="upper right")
    figure.colorbar(
        filled, ax=axes, label="score, cut off at ±2 (margins dashed)", ticks=[-2, -1, 0, 1, 2], shrink=0.9
    )
    return figure


def _draw_neuron(net: MLP, points: Points, out: Path) -> tuple[Path, str]:
    """Write the most excited neuron of the first layer as SVG, or as DOT text. Returns the file and a hint."""
    dot = draw_dot(_labelled_neuron(net.layers[0].neurons, points))
    try:
        picture, path, hint = dot.pipe(), out / "neuron.svg", ""
    except RendererNotFound as missing:
        picture, path, hint = dot.source.encode(), out / "neuron.dot", str(missing)
    path.write_bytes(picture)
    return path, hint


def _labelled_neuron(neurons: list[Neuron], points: Points) -> Value:
    """The neuron and point with the largest output (elsewhere relu's gradients may be 0), labelled and swept."""
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
    total.label = " + ".join(["b", *(f"{w.label} * {x.label}" for w, x in zip(neuron.w, inputs, strict=True))])
    output.label = "output"
    return output


# ---- the demo extra ------------------------------------------------------------------------------------------


def _require(library: str) -> Any:
    try:
        return importlib.import_module(library)
    except ImportError as missing:
        raise MissingExtra(f'{library} is not installed: pip install "fastgrad[demo]"') from missing


def _progress_bar() -> Callable[[str], Bar]:
    tqdm = _require("tqdm").tqdm
    return lambda title: lambda steps: tqdm(steps, desc=title, unit="step", dynamic_ncols=True)
