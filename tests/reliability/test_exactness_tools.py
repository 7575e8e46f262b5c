"""The commands that demonstrate exactness in long runs, each run briefly."""

from __future__ import annotations

import subprocess
import sys

from support.paths import ROOT

TOOLS = ROOT / "tools"


def printed(tool: str, *arguments: str) -> str:
    command = [sys.executable, "-X", "dev", "-W", "error", TOOLS / tool, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_random_graphs_have_the_bits_of_the_reference():
    summary = printed("random_graphs.py", "1500", "--seed", "1")
    assert summary.startswith("1,500 graphs")
    assert summary.count(": 0 differ") == 2


def test_every_process_gives_the_same_bits():
    assert printed("processes.py", "3").startswith("3 processes, 1 different digest(s)")


def test_generated_regions_are_committed():
    printed("generate.py", "--check")
