"""`python -m benchmarks`."""

from .door import main

if __name__ == "__main__":
    raise SystemExit(main(prog="python -m benchmarks"))
