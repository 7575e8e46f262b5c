"""What fastgrad must show, measured: run `python -m benchmarks`."""
