"""Programs that run in a separate process, because they may end in a crash or test the interpreter's exit.

They may import from `support`, as tests do.
"""

from __future__ import annotations

import os
import subprocess
import sys
from textwrap import dedent

from support.paths import TESTS


def run(program: str, *options: str, **environment: str) -> str:
    """The program's output; fails with its errors unless it exits with 0 and writes nothing to stderr."""
    path = os.pathsep.join(filter(None, (str(TESTS), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, *options, "-c", dedent(program)],
        env=os.environ | {"PYTHONPATH": path} | environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), f"exit code {done.returncode}\n{done.stderr}"
    return done.stdout
