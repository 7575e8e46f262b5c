"""The moons example, which `fastgrad demo` runs, with small settings, and the command."""

import math
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

import fastgrad
from fastgrad import cli
from fastgrad.examples import moons

for library in ("matplotlib", "tqdm"):
    pytest.importorskip(library, reason="of the demo extra")


def small_run(out, **options):
    return moons.run(**{"steps": 20, "samples": 20, "out": out, "reference_steps": 2, **options})


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("pictures"))


def test_the_network_learns(result):
    assert len(result.losses) == 20
    assert result.loss < 0.5 * result.losses[0]
    assert result.accuracy >= 0.8
    assert not result.interrupted


def test_it_is_timed_against_the_reference(result):
    assert result.ms_per_step > 0
    assert result.reference_ms_per_step > 0


def test_the_boundary_is_a_png(result):
    assert result.boundary.name == "boundary.png"
    assert result.boundary.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_the_neuron_is_drawn(result):
    if result.neuron.suffix == ".svg":
        text = " ".join(ET.parse(result.neuron).getroot().itertext())
    else:
        text = result.neuron.read_text(encoding="utf-8")
    for label in ("x1", "x2", "w1", "w2", "b + w1 * x1 + w2 * x2", "relu", "output"):
        assert label in text


def test_the_network_is_saved(result):
    net = moons.network(seed=0)
    fastgrad.load(result.model, model=net)
    points, labels = moons.make_moons(20, 1337)
    assert moons.eager(net, points, labels)().data == pytest.approx(result.loss)


def test_recorded_it_learns_the_same(result, tmp_path):
    recorded = small_run(tmp_path, engine="jit")
    assert recorded.losses == pytest.approx(result.losses, rel=1e-9)


def test_the_seed_decides_everything(result, tmp_path):
    again = small_run(tmp_path / "again")
    assert again.losses == result.losses
    assert again.boundary.read_bytes() == result.boundary.read_bytes()
    assert small_run(tmp_path / "other", seed=1).losses != result.losses


def test_two_moons():
    points, classes = moons.make_moons(samples=101, seed=0, noise=0.0)
    assert (classes.count(-1), classes.count(1)) == (50, 51)
    for (x, y), label in zip(points, classes, strict=True):
        center = (0.0, 0.0) if label < 0 else (1.0, 0.5)
        assert math.dist((x, y), center) == pytest.approx(1.0)
        assert (y >= 0.0) if label < 0 else (y <= 0.5)


def test_noise_of_the_moons():
    clean, _ = moons.make_moons(2000, seed=0, noise=0.0)
    noisy, _ = moons.make_moons(2000, seed=0, noise=0.3)
    shifts = [b - a for p, q in zip(clean, noisy, strict=True) for a, b in zip(p, q, strict=True)]
    assert math.sqrt(sum(shift * shift for shift in shifts) / len(shifts)) == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize("samples", [2, 3])
def test_the_smallest_settings(tmp_path, samples):
    assert len(small_run(tmp_path, steps=1, samples=samples).losses) == 1


@pytest.mark.parametrize(("name", "number"), [("steps", 0), ("samples", 1), ("reference_steps", 0)])
def test_impossible_settings(tmp_path, name, number):
    with pytest.raises(ValueError, match=f"{name} must be at least {number + 1}, got {number}"):
        small_run(tmp_path, **{name: number})


def test_without_a_renderer_the_neuron_is_dot_text(no_renderer, tmp_path, capsys):
    result = small_run(tmp_path, steps=1)
    assert result.neuron == tmp_path / "neuron.dot"
    assert result.neuron.read_text(encoding="utf-8").startswith("digraph {")
    assert "the neuron is DOT text: " in capsys.readouterr().out


def test_another_answer_of_the_reference_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(moons, "reference_twin", lambda net: moons.network(5))
    with pytest.raises(ArithmeticError, match=r"step 0: the loss is .*fastgrad\.reference finds"):
        small_run(tmp_path)


def interrupt_at(monkeypatch, call):
    """Press Ctrl-C in that call of `moons.descend`."""
    calls, step = [], moons.descend

    def interrupted_step(*args, **kwargs):
        calls.append(args)
        if len(calls) == call:
            raise KeyboardInterrupt
        return step(*args, **kwargs)

    monkeypatch.setattr(moons, "descend", interrupted_step)


@pytest.mark.parametrize(("call", "finished"), [(4, 3), (21, 20), (22, 20)])
def test_progress_before_ctrl_c_is_drawn(monkeypatch, tmp_path, call, finished):
    interrupt_at(monkeypatch, call)
    result = small_run(tmp_path)
    assert result.interrupted
    assert len(result.losses) == finished
    assert math.isfinite(result.loss)
    assert math.isnan(result.reference_ms_per_step) == (call < 22)
    assert result.boundary.exists()
    assert result.neuron.exists()


# ---- the command ---------------------------------------------------------------------------------------------


def run_command(out, *options):
    return cli.main(["demo", "--steps", "3", "--samples", "10", "--out", str(out), *options])


def test_command(tmp_path, capsys):
    assert run_command(tmp_path / "new" / "folder") == 0
    printed = capsys.readouterr()
    assert "337 parameters, steps: 3, loss " in printed.out
    assert "times faster than fastgrad.reference" in printed.out
    assert "boundary.png" in printed.out
    assert "training: 100%" in printed.err


def test_command_after_ctrl_c(monkeypatch, tmp_path, capsys):
    interrupt_at(monkeypatch, 2)
    assert run_command(tmp_path) == 130
    assert capsys.readouterr().out.startswith("interrupted")
    assert (tmp_path / "boundary.png").exists()


def test_ctrl_c_while_drawing(monkeypatch, tmp_path, capsys):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(moons, "draw_boundary", interrupted)
    assert run_command(tmp_path) == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("library", ["matplotlib", "tqdm"])
def test_a_missing_library_is_named_in_one_line(monkeypatch, tmp_path, capsys, library):
    monkeypatch.setitem(sys.modules, library, None)
    assert run_command(tmp_path) == 2
    printed = capsys.readouterr()
    assert printed.err == f'fastgrad demo: {library} is not installed: pip install "fastgrad[examples]"\n'
    assert printed.out == ""


def test_a_file_in_place_of_the_folder(tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("")
    assert run_command(file) == 2
    assert str(file) in capsys.readouterr().err


def test_alone_it_prints_help(capsys):
    assert cli.main([]) == 2
    assert "usage: fastgrad" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--steps", "0"], "at least 1, got 0"),
        (["--samples", "1"], "at least 2, got 1"),
        (["--steps", "many"], "'many' is not a whole number"),
        (["--colour"], "--colour"),
    ],
)
def test_wrong_options(options, message, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(["demo", *options])
    assert exit.value.code == 2
    assert message in capsys.readouterr().err


def test_version_of_the_module_as_a_program():
    done = subprocess.run([sys.executable, "-m", "fastgrad", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"fastgrad {fastgrad.__version__}\n"
