"""Processes that begin or end with a graph: import, fork, and the interpreter's exit."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from support.programs import run

EXITS: dict[str, str] = {
    "live graph": "a = Value(1.0, label='a'); b = (a * 2.0 + 1.0).tanh(); b.backward(); kept = b._prev",
    "custom operation in a cycle": """
a = Value(1.0)
out = Value(2.0, (a,), 'own')
def step(): a.grad += out.grad
out._backward = step
root = out * 2.0
root.backward()
""",
    "subclass with a finalizer": """
class Noisy(Value):
    def __del__(self): self * 2.0
kept = Noisy(1.0) * Noisy(2.0)
""",
    "values in a module": "import builtins; builtins.kept = [Value(1.0) * i for i in range(100)]",
    "graph in an exit handler": "import atexit; a = Value(2.0); atexit.register(lambda: (a * a).backward())",
    "daemon thread at work": """
import threading, time
def work():
    while True: (Value(1.0) * 2.0 + 1.0).backward()
threading.Thread(target=work, daemon=True).start()
time.sleep(0.05)
""",
    "daemon thread in a custom operation": """
import sys, threading, time
sys.setswitchinterval(1e-4)
a = Value(1.0)
own = Value(2.0, (a,), 'own')
own._backward = lambda: [time.sleep(0) for _ in range(100)]
root = own * 2.0
def work():
    while True: root.backward()
threading.Thread(target=work, daemon=True).start()
time.sleep(0.05)
""",
    "daemon threads that run a graph": """
import threading, time
from fastgrad import Graph
x, w = Value(1.0), Value(2.0)
graph = Graph((x * w).tanh(), [x])
batch = [[1.0]] * 2000
graph(batch)
def work():
    while True: graph.value_and_grad(batch, threads=2)
for _ in range(2): threading.Thread(target=work, daemon=True).start()
time.sleep(0.05)
""",
}


@pytest.mark.parametrize("options", [(), ("-X", "dev")], ids=["", "dev"])
@pytest.mark.parametrize("case", EXITS)
def test_interpreter_exits_cleanly_with(case: str, options: tuple[str, ...]):
    assert run(f"from fastgrad import Value\n{EXITS[case]}", *options) == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_child_of_a_fork_goes_on_with_its_own_graph():
    output = run(
        """
        import os, sys
        from fastgrad import Value, _core
        a = Value(2.0)
        b = a * 3.0
        child = os.fork()
        (b * b).backward()
        v = a
        for _ in range(10_000): v = v * 1.0
        del v
        if child == 0:
            os._exit(0 if a.grad == 36.0 and _core.memory()["live_nodes"] == 2 else 1)
        assert os.waitpid(child, 0)[1] == 0
        print(a.grad)
        """
    )
    assert output == "36.0\n"


def test_import_is_quiet_and_brings_no_numpy_and_no_graphviz():
    done = subprocess.run(
        [sys.executable, "-c", "import fastgrad, sys; print({'numpy', 'graphviz', 'json'} & set(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("set()\n", "")
