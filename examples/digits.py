"""A network of scalars learns to read handwritten digits.

Scikit-learn brings 1,797 pictures of 8 x 8 pixels along. The loss of one picture is plain Python over scalars,
some 10,000 operations; `vmap` records it once and maps it over a batch of pictures, in SIMD lanes. Adam turns
the gradients of the 4,810 parameters into better ones, at a rate that falls along a cosine.

A fifth of the pictures is kept out of the training, to see how well the network reads what it has never seen.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from fastgrad import dot, logsumexp, no_grad, save, vmap
from fastgrad.examples import common
from fastgrad.nn import Linear, Sequential
from fastgrad.nn.init import he_normal
from fastgrad.optim import Adam, CosineAnnealingLR

NEEDS = ("matplotlib", "tqdm", "sklearn")

HIDDEN = 64
BATCH = 32
TEST = 360  # pictures excluded from the training


class Outcome(NamedTuple):
    """The results of a run."""

    losses: list[float]  # of each batch, before the update
    accuracy: float  # on the pictures excluded from the training, 0 to 1
    seconds: float  # of the training
    picture: Path
    model: Path  # the parameters and the optimizer's state
    interrupted: bool


class Digits(NamedTuple):
    """Pictures as rows of 64 numbers from 0 to 1, and their digits."""

    pictures: Any
    answers: Any


def read_digits(seed: int) -> tuple[Digits, Digits]:
    """The pictures for training, and those for the test."""
    from sklearn.datasets import load_digits

    pictures, answers = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(answers))
    test, train = order[:TEST], order[TEST:]
    return Digits(pictures[train] / 16, answers[train]), Digits(pictures[test] / 16, answers[test])


def network(seed: int) -> Sequential:
    rng = random.Random(seed)
    return Sequential(
        Linear(64, HIDDEN, init=he_normal, generator=rng), "relu", Linear(HIDDEN, 10, init=he_normal, generator=rng)
    )


def read(net: Sequential, pictures: Any) -> Any:
    """The digit with the largest score, for each picture."""
    with no_grad():
        scores = np.array(vmap(net)(pictures), dtype=float)
    return scores.argmax(axis=1)


def run(steps: int = 1500, seed: int = 42, out: Path | str = ".", *, progress: bool = False) -> Outcome:
    """Train, test, and save and draw the results into the folder ``out``. Ctrl-C ends the training early.

    Raises:
        MissingExtra: matplotlib, tqdm or scikit-learn is not installed.
        OSError: the files cannot be written.
    """
    common.require(*NEEDS)
    out = common.folder(out)
    train, test = read_digits(seed)
    net = network(seed)

    def loss(picture: Any, answer: Any) -> Any:
        """Cross-entropy. The answer is a row with 1 at the digit: one recording serves pictures of every digit."""
        scores = net(picture)
        return logsumexp(scores) - dot(scores, answer)

    mean_loss = vmap(loss, reduce="mean")
    one_hot = np.eye(10)
    optimizer = Adam(net.parameters(), lr=0.01)
    schedule = CosineAnnealingLR(optimizer, T_max=steps)
    rng = np.random.default_rng(seed)
    losses: list[float] = []
    start = perf_counter()
    with common.Progress("training", steps, shown=progress) as bar:
        for _ in bar:
            batch = rng.choice(len(train.answers), BATCH, replace=False)
            mean = mean_loss(train.pictures[batch], one_hot[train.answers[batch]])
            optimizer.zero_grad()
            mean.backward()
            optimizer.step()
            schedule.step()
            losses.append(mean.data)
            bar.note(loss=f"{mean.data:.4f}")
    seconds = perf_counter() - start

    answers = read(net, test.pictures)
    accuracy = float((answers == test.answers).mean())
    print(f"{len(net.parameters()):,} parameters, {len(losses)} batches of {BATCH} pictures in {seconds:.2f} s")
    print(f"reads {accuracy:.1%} of {TEST} pictures that it has not seen")
    model = out / "digits.npz"
    save(model, model=net, optimizer=optimizer)
    print(f"wrote {model}")
    picture = common.save_picture(draw(losses, test, answers), out / "digits.png")
    return Outcome(losses, accuracy, seconds, picture, model, bar.interrupted)


# ---- the picture -----------------------------------------------------------------------------------------------


def draw(losses: Sequence[float], test: Digits, answers: Any) -> Any:
    """Draw the loss, the confusion matrix, and the misread pictures."""
    shown = 10
    layout = [["loss"] * 5 + ["table"] * 5, [*range(shown)]]
    figure, panels = common.drawing(layout, width=9.6, height=5.6, height_ratios=[3.2, 1])
    panels["loss"].semilogy(range(1, len(losses) + 1), losses, ".", color=common.BLUE, markersize=3, alpha=0.6)
    panels["loss"].set(title="the loss of each batch", xlabel="steps")

    confusion = np.zeros((10, 10), dtype=int)
    np.add.at(confusion, (test.answers, answers), 1)
    table = panels["table"]
    table.imshow(np.log1p(confusion), cmap="Blues", vmax=6)
    for (row, column), count in np.ndenumerate(confusion):
        if count:
            table.text(column, row, count, ha="center", va="center", color="white" if row == column else "black")
    right = (test.answers == answers).mean()
    table.set(
        title=f"{right:.1%} of {len(answers)} new pictures are read", xlabel="read as", ylabel="shows",
        xticks=range(10), yticks=range(10),
    )  # fmt: skip
    table.grid(False)

    wrong = np.flatnonzero(test.answers != answers)[:shown]
    for place in range(shown):
        panels[place].axis("off")
    for place, i in enumerate(wrong):
        panels[place].imshow(test.pictures[i].reshape(8, 8), cmap="gray_r")
        panels[place].set_title(f"{test.answers[i]} read as {answers[i]}", fontsize="medium")
    return figure


# ---- the command line ------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    return common.options(__doc__, steps=1500, seed=42)


def main(argv: Sequence[str] | None = None) -> int:
    """Run with the options in ``argv`` and return the exit status."""
    return common.command(run, parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())
