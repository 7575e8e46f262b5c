"""The speed of fastgrad: `python -m benchmarks`, or `fastgrad bench`.

`workloads` is the comparison: the same work for every peer, with the answers checked. `targets` are the figures that
the project commits itself to.
"""
