"""The table of faults in docs/reliability.md agrees with the last run of tools/faults.py."""

from __future__ import annotations

import subprocess
import sys

from support.paths import ROOT

TOOL = ROOT / "tools" / "faults.py"


def test_page_has_the_numbers_of_the_last_run_and_its_tests_exist():
    command = [sys.executable, "-X", "dev", "-W", "error", TOOL, "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
