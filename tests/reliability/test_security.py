"""The promises of SECURITY.md: no text becomes code, and the process's arithmetic is unchanged."""

from __future__ import annotations

import ast
import platform
import sys
from pathlib import Path

import pytest

import fastgrad
from support.paths import DATA
from support.programs import run
from support.states import FIRST

PACKAGE = Path(fastgrad.__file__).parent
#: All but the benchmarks, which generate the source of the loops that they time.
SOURCES = [path for path in sorted(PACKAGE.rglob("*.py")) if PACKAGE / "benchmarks" not in path.parents]

RUN_TEXT = {"eval", "exec", "compile", "__import__"}
RUN_DATA = {"pickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "code", "codeop", "runpy"}


def what_runs_text_or_data(source: str) -> list[str]:
    """Calls and imports in a program that could turn text or bytes into code."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and node.id in RUN_TEXT:
            found.append(node.id)
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in RUN_DATA]
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in RUN_DATA:
            found.append(node.module)
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            found += [] if isinstance(node.value, ast.Constant) and node.value.value is False else ["allow_pickle"]
    return found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("eval(text)", ["eval"]),
        ("run = exec", ["exec"]),
        ("model.eval()", []),  # a module's mode
        ("import pickle", ["pickle"]),
        ("from marshal import loads", ["marshal"]),
        ("np.load(path, allow_pickle=True)", ["allow_pickle"]),
        ("np.load(path, allow_pickle=trusted)", ["allow_pickle"]),
        ("np.load(path, allow_pickle=False)", []),
        ("re.compile(pattern)", []),
    ],
)
def test_the_search_finds_what_it_should(source: str, expected: list[str]):
    assert what_runs_text_or_data(source) == expected


def test_nothing_in_the_package_runs_text_or_data():
    assert len(SOURCES) > 40
    assert {path.name: found for path in SOURCES if (found := what_runs_text_or_data(path.read_text()))} == {}


def test_loading_a_file_does_nothing_but_read_it():
    """By the interpreter's own audit: nothing is executed, unpickled, started, or requested over the network."""
    graph = DATA / "graphs" / "plain.graph"
    events = run(
        f"""
        import sys
        import fastgrad
        def load():
            fastgrad.load({str(FIRST)!r})
            fastgrad.Graph.load({str(graph)!r})
        load()  # imports what it needs
        events = set()
        sys.addaudithook(lambda event, arguments: events.add(event))
        load()
        print(*sorted(events))
        """
    )
    # NumPy parses the header of an array as a literal, which is the "compile" here.
    assert set(events.split()) <= {"open", "compile", "object.__getattr__", "sys._getframe"}


# ---- arithmetic


def test_smallest_numbers_are_kept_in_every_thread():
    """-ffast-math in any library of a process would flush them to zero from its import on."""
    output = run(
        """
        import sys, threading
        import numpy as np
        def tiny():
            return sys.float_info.min / 2, np.float64(sys.float_info.min) / 2, sum([5e-324] * 3)
        before = tiny()
        import fastgrad
        from fastgrad import Graph, Value
        x = Value(1.0)
        graph = Graph(x * 0.5, inputs=[x])
        samples = np.full((20_000, 1), sys.float_info.min)
        assert (graph(samples, threads=4) == sys.float_info.min / 2).all()
        after = [tiny()]
        thread = threading.Thread(target=lambda: after.append(tiny()))
        thread.start()
        thread.join()
        print(before[0] > 0.0, after == [before, before], (Value(sys.float_info.min) / 2).data == before[0])
        """
    )
    assert output == "True True True\n"


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in {"x86_64", "aarch64"},
    reason="where the words are is known for these",
)
def test_control_words_are_left_as_they_were():
    """The rounding mode, the traps, and whether subnormals are flushed."""
    output = run(
        """
        import ctypes, ctypes.util, platform, threading
        fegetenv = ctypes.CDLL(ctypes.util.find_library("m") or None).fegetenv
        def control():
            words = (ctypes.c_uint32 * 16)()
            assert fegetenv(words) == 0
            if platform.machine() == "aarch64":
                return [words[0]]  # FPCR
            return [words[0] & 0xffff, words[7] & ~0x3f]  # the x87's, and MXCSR without its sticky flags
        import numpy as np
        before = control()
        from fastgrad import Graph, Value
        found = [control()]
        x = Value(1.0)
        graph = Graph((x.exp() + x * x).tanh(), inputs=[x])
        graph.vjp(np.linspace(-800.0, 800.0, 20_000).reshape(-1, 1), np.ones((20_000, 1)), threads=4)
        found.append(control())
        thread = threading.Thread(target=lambda: (graph([0.5]), found.append(control())))
        thread.start()
        thread.join()
        print(len(found), all(words == before for words in found))
        """
    )
    assert output == "3 True\n"
