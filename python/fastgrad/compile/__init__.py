"""Run Python once, and the result natively from then on: `Graph`, `jit` and `vmap`."""

from fastgrad.compile.graph import Graph
from fastgrad.compile.jit import jit
from fastgrad.compile.passes import PASSES
from fastgrad.compile.vmap import vmap

__all__ = ["PASSES", "Graph", "jit", "vmap"]
