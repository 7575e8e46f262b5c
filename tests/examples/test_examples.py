"""The examples with small settings: their results are right, are shown, and survive Ctrl-C."""

from __future__ import annotations

import math
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastgrad
from fastgrad import cli, examples, reference
from fastgrad.examples import black_scholes, common, curve_fit, digits, gpt, lotka_volterra
from support.paths import ROOT

for library in ("matplotlib", "tqdm"):
    pytest.importorskip(library, reason="of the examples extra")

SOURCES = ROOT / "examples"
#: Options for a short run.
SMALL = {
    "moons": ["--steps", "3", "--samples", "10"],
    "curve_fit": [],
    "lotka_volterra": ["--steps", "5"],
    "black_scholes": ["--steps", "3"],
    "digits": ["--steps", "5"],
    "gpt": ["--steps", "5", "--samples", "3"],
}
PICTURES = {name: "boundary.png" if name == "moons" else f"{name}.png" for name in SMALL}
LIBRARIES = {"curve_fit": "scipy", "digits": "sklearn"}


@pytest.fixture(params=SMALL)
def name(request: pytest.FixtureRequest) -> str:
    """The name of each example in turn."""
    require(request.param)
    return str(request.param)


def require(example: str) -> None:
    if example in LIBRARIES:
        pytest.importorskip(LIBRARIES[example], reason="of the examples extra")


def run_command(name: str, out: Path, *options: str) -> int:
    return cli.main(["examples", name, *SMALL[name], "--out", str(out), *options])


def interrupted(*args: Any, **named: Any) -> None:
    raise KeyboardInterrupt


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs without pictures, for tests of the results alone."""
    for name in SMALL:
        if name != "moons":
            monkeypatch.setattr(import_module(f"fastgrad.examples.{name}"), "draw", lambda *args: None)
    monkeypatch.setattr(common, "save_picture", lambda figure, path: path)


def require_picture(path: Path) -> None:
    from matplotlib.image import imread

    pixels = imread(path)
    assert min(pixels.shape[:2]) >= 400
    assert len(np.unique((255 * pixels).astype(np.uint8).view(np.uint32))) >= 50  # colors


# ---- all of them -----------------------------------------------------------------------------------------------


def test_each_source_is_an_example():
    sources = {path.stem for path in SOURCES.glob("*.py")}
    assert sorted(examples.NAMES) == sorted(sources - {"__init__", "common"}) == sorted(SMALL)


def test_each_ends_with_a_picture(name, tmp_path, capsys):
    random.seed(7)
    np.random.seed(7)  # noqa: NPY002
    states = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    out = tmp_path / "new" / "folder"
    assert run_command(name, out) == 0
    printed = capsys.readouterr()
    assert f"wrote {out / PICTURES[name]}\n" in printed.out
    assert re.search("it/s|s/it", printed.err)
    require_picture(out / PICTURES[name])
    # Running an example must not change the caller's random numbers.
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states  # noqa: NPY002


def test_ctrl_c_in_the_first_step(name, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(common.Progress, "note", interrupted)
    assert run_command(name, tmp_path) == 130
    assert "interrupted after 0 steps: " in capsys.readouterr().out
    require_picture(tmp_path / PICTURES[name])


def test_ctrl_c_elsewhere_ends_in_one_line(name, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(common, "folder", interrupted)
    assert run_command(name, tmp_path) == 130
    assert capsys.readouterr().err == f"fastgrad examples {name}: interrupted\n"


def test_missing_libraries_are_named_in_one_line(name, monkeypatch, tmp_path, capsys):
    needs = import_module(f"fastgrad.examples.{name}").NEEDS
    for library in needs:
        monkeypatch.setitem(sys.modules, library, None)
    assert run_command(name, tmp_path) == 2
    printed = capsys.readouterr()
    message = f'{", ".join(needs)} are not installed: pip install "fastgrad[examples]"'
    assert printed.err == f"fastgrad examples {name}: {message}\n"
    assert printed.out == ""


def test_a_file_in_place_of_the_folder(name, tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("")
    assert run_command(name, file) == 2
    assert str(file) in capsys.readouterr().err


def test_wrong_options(name, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(["examples", name, "--steps", "0"])
    assert exit.value.code == 2
    assert f"fastgrad examples {name}: error: argument --steps: must be at least 1, got 0" in capsys.readouterr().err


@pytest.mark.parametrize("engine_of", ["gpt", "moons"])
def test_an_unknown_engine(engine_of, tmp_path):
    with pytest.raises(ValueError, match=r"engine must be \w+ or \w+, got 'torch'"):
        import_module(f"fastgrad.examples.{engine_of}").run(out=tmp_path, engine="torch")


def test_an_error_of_a_changed_example_is_seen_where_it_happens(monkeypatch, tmp_path):
    monkeypatch.setattr(lotka_volterra, "runge_kutta", lambda x, y, rates, h: (x / 0, y))
    with pytest.raises(ZeroDivisionError):
        common.command(lotka_volterra.run, lotka_volterra.parser(), ["--out", str(tmp_path)])


# ---- the command -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_listing(arguments, capsys):
    assert cli.main(["examples", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in SMALL:
        example = import_module(f"fastgrad.examples.{name}")
        line = next(line for line in lines if line.startswith(f"  {name} "))
        assert example.__doc__.splitlines()[0] in line
        assert line.endswith(f"needs {', '.join(example.NEEDS)}")


def test_listing_says_what_is_not_installed(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert cli.main(["examples"]) == 0
    assert 'not installed: tqdm: pip install "fastgrad[examples]"' in capsys.readouterr().out


def test_an_unknown_name(capsys):
    assert cli.main(["examples", "mnist"]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("fastgrad examples: no example named 'mnist': choose from moons, ")
    assert printed.out == ""


def test_help_says_what_an_example_teaches(name, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(["examples", name, "--help"])
    assert exit.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: fastgrad examples {name} ")
    assert import_module(f"fastgrad.examples.{name}").__doc__.strip() in text


# ---- real Ctrl-C -----------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("interrupted", ["gpt", "lotka_volterra"])
def test_a_script_ends_at_a_signal_with_what_it_has_learned(interrupted, tmp_path):
    require(interrupted)
    # A background job of a shell, as a test may be, ignores the signal, and so would its children.
    program = "import runpy, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    program += "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    script = SOURCES / f"{interrupted}.py"
    command = [sys.executable, "-c", program, str(script), "--steps", "100000000", "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        try:
            shown = "".join(takewhile(lambda letter: letter != "=", iter(lambda: process.stderr.read(1), "")))
            assert re.search("(it/s|s/it), ", shown), shown  # it trains: a step's loss was noted
            process.send_signal(signal.SIGINT)
            printed, _ = process.communicate(timeout=900)
        finally:
            process.kill()  # or a failure would wait for the end of the training
    assert process.returncode == 130
    assert "interrupted after " in printed
    assert f"wrote {tmp_path / PICTURES[interrupted]}\n" in printed
    require_picture(tmp_path / PICTURES[interrupted])


# ---- results ---------------------------------------------------------------------------------------------------


def test_lotka_volterra_finds_the_rates(undrawn, tmp_path):
    fit = lotka_volterra.run(out=tmp_path)
    assert fit.losses[-1] < 0.01 * fit.losses[0]
    for name, truth in zip(lotka_volterra.NAMES, lotka_volterra.TRUTH, strict=True):
        assert fit.found[name] == pytest.approx(truth, rel=0.02)


def test_lotka_volterra_keeps_what_the_equation_conserves():
    a, b, c, d, _, _ = lotka_volterra.TRUTH
    energies = [
        d * x - c * math.log(x) + b * y - a * math.log(y) for x, y in lotka_volterra.simulate(lotka_volterra.TRUTH)
    ]
    assert energies == pytest.approx([energies[0]] * len(energies), rel=1e-3)


def test_curve_fit_agrees_with_scipys(undrawn, tmp_path):
    scipy_optimize = pytest.importorskip("scipy.optimize", reason="of the examples extra")
    fit = curve_fit.run(out=tmp_path)
    assert fit.losses[-1] < 0.1 * fit.losses[0]
    for name, truth in zip(curve_fit.NAMES, curve_fit.TRUTH, strict=True):
        assert abs(fit.found[name] - truth) < 4 * fit.errors[name]

    def swing(times, a, tau, f, phi, c):
        return a * np.exp(-times / tau) * np.cos(2 * np.pi * f * times + phi) + c

    found, covariance = scipy_optimize.curve_fit(swing, curve_fit.TIMES, curve_fit.measure(42), p0=curve_fit.GUESS)
    assert list(fit.found.values()) == pytest.approx(found, rel=1e-4)
    # Scipy's covariance omits the curvature of the residuals.
    assert list(fit.errors.values()) == pytest.approx(np.sqrt(np.diag(covariance)), rel=0.1)


@pytest.mark.parametrize(
    "option", [black_scholes.OPTION, (80.0, 100.0, -0.01, 0.5, 2.0), (120.0, 90.0, 0.1, 0.05, 0.1)]
)
def test_greeks_are_the_textbooks(option):
    found, known = black_scholes.greeks(*option), black_scholes.formulas(*option)
    assert list(found) == list(known)
    for name, number in found.items():
        assert number == pytest.approx(known[name], rel=1e-10, abs=1e-10), name


def test_greeks_are_the_prices_slopes():
    """The textbook formulas in turn agree with differences of prices."""
    step = 1e-4
    spot, strike, rate, volatility, years = black_scholes.OPTION

    def slope(of: Callable[[float], Any], at: float) -> float:
        return float((of(at + step) - of(at - step)) / (2 * step))

    def price(spot=spot, rate=rate, volatility=volatility, years=years):
        return black_scholes.price(spot, strike, rate, volatility, years)

    known = black_scholes.formulas(*black_scholes.OPTION)
    assert slope(lambda x: price(spot=x), spot) == pytest.approx(known["delta"], rel=1e-6)
    assert slope(lambda x: price(rate=x), rate) == pytest.approx(known["rho"], rel=1e-6)
    assert slope(lambda x: price(volatility=x), volatility) == pytest.approx(known["vega"], rel=1e-6)
    assert -slope(lambda x: price(years=x), years) == pytest.approx(known["theta"], rel=1e-6)


def test_the_simulation_finds_the_greeks_too(undrawn, tmp_path):
    outcome = black_scholes.run(out=tmp_path, steps=20)
    assert list(outcome.simulated) == list(black_scholes.FIRST)
    for name, (mean, error) in outcome.simulated.items():
        assert 0.0 < error < 0.01 * abs(outcome.formulas[name])
        assert abs(mean - outcome.formulas[name]) < 4 * error


def test_digits_are_read(undrawn, tmp_path):
    require("digits")
    outcome = digits.run(out=tmp_path)
    assert outcome.accuracy >= 0.95
    assert np.mean(outcome.losses[-50:]) < 0.05 < 1.0 < outcome.losses[0]


def test_digits_that_were_learned_are_saved(undrawn, tmp_path):
    require("digits")
    outcome = digits.run(steps=20, out=tmp_path)
    net = digits.network(seed=0)
    fastgrad.load(outcome.model, model=net)
    _, test = digits.read_digits(seed=42)
    assert (digits.read(net, test.pictures) == test.answers).mean() == outcome.accuracy


def test_digits_for_the_test_are_not_learned_from():
    require("digits")
    train, test = digits.read_digits(seed=0)
    assert len(train.answers) + len(test.answers) == 1797
    assert not {p.tobytes() for p in train.pictures} & {p.tobytes() for p in test.pictures}
    assert (train.pictures.min(), train.pictures.max()) == (0.0, 1.0)


@pytest.mark.parametrize("name", ["digits", "gpt", "lotka_volterra"])
def test_the_seed_decides_everything(name, undrawn, tmp_path):
    require(name)
    example = import_module(f"fastgrad.examples.{name}")
    first, again, other = (example.run(steps=3, seed=seed, out=tmp_path) for seed in (1, 1, 2))
    assert first.losses == again.losses != other.losses


# ---- the GPT ---------------------------------------------------------------------------------------------------


def test_gpt_learns_and_invents(undrawn, tmp_path):
    outcome = gpt.run(steps=300, out=tmp_path, samples=10)
    assert np.mean(outcome.losses[-50:]) < np.mean(outcome.losses[:50]) - 0.3
    letters = set("".join(gpt.read_names(None)))
    assert len(outcome.names) == 10
    assert all(set(name) <= letters and len(name) <= gpt.CONTEXT for name in outcome.names)


def test_gpt_is_saved(undrawn, tmp_path):
    outcome = gpt.run(steps=5, out=tmp_path)
    letters = fastgrad.load(outcome.model)["letters"]
    assert letters == "".join(gpt.Tokens(gpt.read_names(None)).letters)
    model = gpt.GPT(fastgrad, len(letters) + 1, seed=0)
    before = model.loss([0, 1, 2, 0]).data
    fastgrad.load(outcome.model, model=model)
    assert model.loss([0, 1, 2, 0]).data != before


def test_gpt_learns_the_same_from_graphs_and_from_recordings(undrawn, tmp_path):
    eager, jit = (gpt.run(steps=4, out=tmp_path, engine=engine).losses for engine in ("eager", "jit"))
    assert jit == pytest.approx(eager, rel=1e-9)


def test_gpt_is_the_same_on_the_reference():
    ours, theirs = gpt.GPT(fastgrad, 5, seed=0), gpt.GPT(reference, 5, seed=0)
    losses = [model.loss([0, 3, 1, 0]) for model in (ours, theirs)]
    for loss in losses:
        loss.backward()
    assert losses[0].data == pytest.approx(losses[1].data, rel=1e-12)
    gradients = [[p.grad for p in model.parameters()] for model in (ours, theirs)]
    assert gradients[0] == pytest.approx(gradients[1], rel=1e-9, abs=1e-15)
    assert sum(gradient != 0.0 for gradient in gradients[0]) > 2000


def test_gpt_does_not_see_what_comes_later():
    model = gpt.GPT(fastgrad, 5, seed=0)
    first, second = ([], []), ([], [])
    logits = [model(token, place, first)[0].data for place, token in enumerate([0, 3, 1])]
    assert [model(token, place, second)[0].data for place, token in enumerate([0, 3, 2])][:2] == logits[:2]


def test_gpt_reads_a_file(undrawn, tmp_path):
    file = tmp_path / "names.txt"
    file.write_text("ab\n\n  ba \nab\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", encoding="utf-8")
    names = gpt.read_names(file)
    assert names == ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "ab", "ba"]
    tokens = gpt.Tokens(names)
    assert tokens.of("ab") == [0, 1, 2, 0]
    assert tokens.of(names[0]) == [0] + [1] * gpt.CONTEXT
    outcome = gpt.run(steps=5, out=tmp_path, data=file)
    assert set("".join(outcome.names)) <= {"a", "b"}


def test_names_of_the_standard_library_lose_their_underscores():
    names = gpt.read_names(None)
    assert {"abc", "thread", "tokenize"} <= set(names)
    assert not [name for name in names if name != name.strip("_")]
    assert len(names) == len(set(names)) > 150


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "nowhere.txt"], "nowhere.txt"),
        (["--data", os.devnull], f"{os.devnull} has no lines with text"),
        (["--data", sys.executable], f"{sys.executable} is not text in UTF-8"),
        (["--temperature", "0"], "the temperature must be above 0, got 0.0"),
    ],
)
def test_invalid_options_of_gpt(options, message, tmp_path, capsys):
    assert run_command("gpt", tmp_path, *options) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("fastgrad examples gpt: ")
    assert message in printed.err
