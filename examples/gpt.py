"""A GPT made of scalars learns to invent names.

It reads a name letter by letter and guesses the next one. All that a GPT is made of is here, over single
numbers: letters become vectors, attention looks back at the letters before, a small network thinks about what
it found, and Adam turns the surprise about each next letter into better weights. Without --data it learns from
the names of Python's standard library, and ends by inventing modules that Python has not got yet.

The model is written once, for any engine with a `Value` and functions on sequences: `fastgrad`, or the pure
Python of `fastgrad.reference`. `--engine eager` builds the graph of each name anew; `--engine jit` records one
for each length of a name, and replays it.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from math import log
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

import fastgrad
from fastgrad import scope
from fastgrad.examples import common
from fastgrad.nn import Module
from fastgrad.optim import Adam, LinearLR

NEEDS = ("matplotlib", "tqdm")

WIDTH, HEADS, CONTEXT = 16, 4, 16
HEAD = WIDTH // HEADS
ENGINES = ("jit", "eager")
END = 0  # the token before the first letter and after the last

Vector = list[Any]  # of numbers or Values
Matrix = list[Vector]
Memory = tuple[Matrix, Matrix]  # the keys and values of the letters so far


class Outcome(NamedTuple):
    """The results of a run."""

    losses: list[float]  # mean surprise for each letter of one name, in nats, before the update of each step
    names: list[str]  # invented
    picture: Path
    model: Path  # the parameters, the optimizer's state and the letters
    interrupted: bool


# ---- the model -------------------------------------------------------------------------------------------------


class GPT(Module):
    """One block of a transformer: 4 heads of attention, then a network of 64 neurons.

    Args:
        engine: `fastgrad` or `fastgrad.reference`, or another module with the same names.
        tokens: the number of tokens: the letters, and the end.
        seed: determines the weights.
    """

    def __init__(self, engine: Any, tokens: int, seed: int) -> None:
        chance = random.Random(seed)

        def matrix(rows: int, columns: int) -> Matrix:
            return [[engine.Value(chance.gauss(0.0, 0.08)) for _ in range(columns)] for _ in range(rows)]

        self.engine = engine
        self.letters = matrix(tokens, WIDTH)
        self.places = matrix(CONTEXT, WIDTH)
        self.query, self.key, self.value, self.mix = (matrix(WIDTH, WIDTH) for _ in range(4))
        self.widen = matrix(4 * WIDTH, WIDTH)
        self.narrow = matrix(WIDTH, 4 * WIDTH)
        self.scores = matrix(tokens, WIDTH)

    def __call__(self, token: Any, place: int, memory: Memory) -> Vector:
        """The logits of the next token. The memory is extended by this token's key and value."""
        with scope("embedding"):
            letter, where = self.row(self.letters, token), self.places[place]
            x = self.normalized(added(letter, where))
        with scope("attention"):
            x = added(x, self.attention(self.normalized(x), memory))
        with scope("mlp"):
            hidden = [h.relu() for h in self.linear(self.widen, self.normalized(x))]
            x = added(x, self.linear(self.narrow, hidden))
        with scope("logits"):
            return self.linear(self.scores, x)

    def attention(self, x: Vector, memory: Memory) -> Vector:
        """Each head compares its query with the keys of all letters so far, and mixes their values accordingly."""
        keys, values = memory
        query = self.linear(self.query, x)
        keys.append(self.linear(self.key, x))
        values.append(self.linear(self.value, x))
        found: Vector = []
        for number in range(HEADS):
            head = slice(number * HEAD, (number + 1) * HEAD)
            with scope(f"head{number}"):
                fits = [self.engine.dot(query[head], key[head]) / HEAD**0.5 for key in keys]
                weights = self.engine.softmax(fits)
                found += [self.engine.dot(weights, column) for column in zip(*(v[head] for v in values), strict=True)]
        return self.linear(self.mix, found)

    def linear(self, matrix: Matrix, x: Vector) -> Vector:
        return [self.engine.dot(row, x) for row in matrix]

    @scope("norm")
    def normalized(self, x: Vector) -> Vector:
        """The vector with a mean square of 1, as in RMSNorm."""
        scale = (self.engine.dot(x, x) / len(x) + 1e-5) ** -0.5
        return [xi * scale for xi in x]

    def loss(self, tokens: Sequence[Any]) -> Any:
        """The mean surprise about each token after the first, in nats."""
        memory: Memory = ([], [])
        logits = [self(token, place, memory) for place, token in enumerate(tokens[:-1])]
        with scope("loss"):
            return self.engine.mean(
                [self.surprise(row, after) for row, after in zip(logits, tokens[1:], strict=True)]
            )

    # A token is an int. A recording must serve every name of its length, so tokens are numbers there: one-hot rows,
    # whose products with a matrix select the row that an int would.

    def row(self, matrix: Matrix, token: Any) -> Vector:
        if isinstance(token, int):
            return matrix[token]
        return [self.engine.dot(column, token) for column in zip(*matrix, strict=True)]

    def surprise(self, logits: Vector, token: Any) -> Any:
        if isinstance(token, int):
            return self.engine.cross_entropy(logits, token)
        return self.engine.logsumexp(logits) - self.engine.dot(logits, token)


def added(x: Vector, y: Vector) -> Vector:
    return [a + b for a, b in zip(x, y, strict=True)]


# ---- names and tokens ------------------------------------------------------------------------------------------


def read_names(data: Path | None) -> list[str]:
    """The lines of the file, or the names of the standard library's modules without their underscores.

    Raises:
        OSError: the file cannot be read.
        BadInput: it is not text in UTF-8, or has no lines with text.
    """
    try:
        lines = sys.stdlib_module_names if data is None else data.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise common.BadInput(f"{data} is not text in UTF-8: {error}") from None
    names = sorted({line.strip().strip("_") for line in lines} - {""})
    if not names:
        raise common.BadInput(f"{data} has no lines with text")
    return names


class Tokens:
    """The letters as numbers from 1; `END` is 0."""

    def __init__(self, names: Sequence[str]) -> None:
        self.letters = sorted(set("".join(names)))
        self.count = len(self.letters) + 1
        self._of = {letter: i for i, letter in enumerate(self.letters, 1)}

    def of(self, name: str) -> list[int]:
        """The name between two end tokens, truncated to what the model can read."""
        return [END, *(self._of[letter] for letter in name), END][: CONTEXT + 1]


def one_hot(tokens: Sequence[int], count: int) -> Any:
    """The tokens as rows of ``count`` numbers: 1 at the token's position, 0 elsewhere."""
    return np.eye(count)[tokens]


# ---- training --------------------------------------------------------------------------------------------------


def loss_function(model: GPT, tokens: Tokens, engine: str) -> Callable[[Sequence[int]], Any]:
    """The loss of a name's tokens, as a function that builds its graph, or one that replays a recording."""
    if engine == "eager":
        return model.loss
    recorded = fastgrad.jit(model.loss)
    return lambda name: recorded(one_hot(name, tokens.count))


def invent(model: GPT, tokens: Tokens, rng: random.Random, temperature: float) -> str:
    """A new name: draw a letter, read it, and draw the next, until the end token is drawn or the context is full."""
    memory: Memory = ([], [])
    token, name = END, ""
    with fastgrad.no_grad():
        for place in range(CONTEXT):
            logits = model(token, place, memory)
            chances = [float(p) for p in model.engine.softmax([logit / temperature for logit in logits])]
            token = rng.choices(range(tokens.count), chances)[0]
            if token == END:
                break
            name += tokens.letters[token - 1]
    return name


def run(
    steps: int = 3000,
    seed: int = 42,
    out: Path | str = ".",
    *,
    engine: str = "jit",
    data: Path | None = None,
    samples: int = 20,
    temperature: float = 0.6,
    progress: bool = False,
) -> Outcome:
    """Learn from the names, print new ones, save the model, and draw the fall of the surprise into ``out``.

    Ctrl-C ends the training early; names are then invented with what was learned.

    Raises:
        MissingExtra: matplotlib or tqdm is not installed.
        OSError: the data cannot be read, or the files cannot be written.
        BadInput: the data has no names, the temperature is not above 0, or the engine is unknown.
    """
    if engine not in ENGINES:
        raise common.BadInput(f"engine must be {' or '.join(ENGINES)}, got {engine!r}")
    if not temperature > 0.0:
        raise common.BadInput(f"the temperature must be above 0, got {temperature}")
    common.require(*NEEDS)
    out = common.folder(out)
    names = read_names(data)
    tokens = Tokens(names)
    rng = random.Random(seed)
    model = GPT(fastgrad, tokens.count, seed)
    parameters = model.parameters()
    print(f"{len(names)} names of {len(tokens.letters)} letters, {len(parameters)} parameters")

    loss = loss_function(model, tokens, engine)
    optimizer = Adam(parameters, lr=0.01, betas=(0.85, 0.99))
    schedule = LinearLR(optimizer, start_factor=1.0, end_factor=0.0, total_iters=steps)
    losses: list[float] = []
    start = perf_counter()
    with common.Progress("training", steps, shown=progress) as bar:
        for step in bar:
            if step % len(names) == 0:
                rng.shuffle(names)
            surprise = loss(tokens.of(names[step % len(names)]))
            optimizer.zero_grad()
            surprise.backward()
            optimizer.step()
            schedule.step()
            losses.append(surprise.data)
            bar.note(surprise=f"{sum(losses[-100:]) / len(losses[-100:]):.3f}")
    print(f"{len(losses)} steps in {perf_counter() - start:.2f} s")

    invented = [invent(model, tokens, rng, temperature) for _ in range(samples)]
    for name in invented:
        print(f"  {name}{'  (exists)' if name in names else ''}")
    file = out / "gpt.npz"
    fastgrad.save(file, model=model, optimizer=optimizer, letters="".join(tokens.letters))
    print(f"wrote {file}")
    picture = common.save_picture(draw(losses, names, tokens, invented), out / "gpt.png")
    return Outcome(losses, invented, picture, file, bar.interrupted)


# ---- the picture -----------------------------------------------------------------------------------------------


def counted(names: Sequence[str], tokens: Tokens, after: int) -> float:
    """The mean surprise about a letter, in nats, for a model that counts what follows each ``after`` letters."""
    pairs = Counter(
        (tuple(whole[max(0, i - after) : i]), whole[i])
        for whole in map(tokens.of, names)
        for i in range(1, len(whole))
    )
    seen: Counter[tuple[int, ...]] = Counter()
    for (before, _), times in pairs.items():
        seen[before] += times
    return -sum(times * log(times / seen[before]) for (before, _), times in pairs.items()) / sum(pairs.values())


def draw(losses: Sequence[float], names: Sequence[str], tokens: Tokens, invented: Sequence[str]) -> Any:
    figure, panels = common.drawing([["loss", "names"]], width=9.6, height=4.4, width_ratios=[3, 1])
    axes = panels["loss"]
    axes.plot(range(1, len(losses) + 1), losses, ".", color=common.BLUE, markersize=2, alpha=0.4, label="one name")
    size = max(1, len(losses) // 20)
    smooth: Any = np.convolve(losses, np.ones(size) / size, mode="valid") if losses else []
    axes.plot(range(size, len(losses) + 1), smooth, color=common.BLUE, linewidth=2, label=f"mean of {size} names")
    for after, about in ((0, "knowing how frequent letters are"), (1, "knowing the pairs of letters")):
        level = counted(names, tokens, after)
        axes.axhline(level, color=common.GRAY, linewidth=1, linestyle="dashed")
        axes.text(
            0.99, level, about, transform=axes.get_yaxis_transform(), ha="right", va="center", color=common.GRAY,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )  # fmt: skip
    axes.set(title="a GPT of scalars reads names", xlabel="steps", ylabel="surprise about a letter (nats)")
    axes.legend(loc="upper right")

    new = [name for name in dict.fromkeys(invented) if name not in names]
    panels["names"].axis("off")
    panels["names"].set_title("and invents")
    panels["names"].text(0.5, 0.97, "\n".join(new[:14]), ha="center", va="top", family="monospace", linespacing=1.5)
    return figure


# ---- the command line ------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    parser = common.options(__doc__, steps=3000, seed=42)
    parser.add_argument("--engine", choices=ENGINES, default="jit", help="replay graphs, or build them")
    parser.add_argument("--data", type=Path, metavar="FILE", help="a name on each line")
    parser.add_argument("--samples", type=common.whole_number(0), default=20, metavar="N", help="names to invent")
    parser.add_argument("--temperature", type=float, default=0.6, metavar="T", help="below 1 careful, above 1 wild")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run with the options in ``argv`` and return the exit status."""
    return common.command(run, parser(), argv)


if __name__ == "__main__":
    raise SystemExit(main())
