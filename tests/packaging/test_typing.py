"""The typed example runs, and the package is marked as typed. A type checker is run elsewhere."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path


def test_typed_example_runs():
    example = Path(__file__).with_name("typed_example.py")
    done = subprocess.run([sys.executable, str(example)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_package_says_that_it_is_typed():
    assert files("fastgrad").joinpath("py.typed").is_file()
