"""How fast fastgrad is: `python -m benchmarks`, or `fastgrad bench`.

`workloads` is the comparison: the same work for every peer, checked for the same answer. `targets` are the figures
that the project holds itself to.
"""
