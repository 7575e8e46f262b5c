"""Runs the command line as ``python -m fastgrad``."""

from fastgrad.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
