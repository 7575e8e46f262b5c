"""`memory()`: how much memory the nodes of all graphs take, to find graphs that are never released.

The module is not called `memory`, because importing it would then hide the function `fastgrad.memory`.
"""

from __future__ import annotations

from typing import NamedTuple

from fastgrad import _core


class Memory(NamedTuple):
    """The state of the node store, for the whole process.

    A node has 48 bytes and is part of a chunk of 64 KiB. Leaves have separate chunks. A chunk is free again when its
    last node is freed; some free chunks are kept for later nodes, and the memory of the others is returned to the
    system.
    """

    live_nodes: int
    """Live nodes, including leaves."""
    live_leaves: int
    """Live leaves."""
    chunks: int
    """Chunks that contain a live node, or take the next one."""
    free_chunks: int
    """Free chunks, kept for later nodes."""
    bytes: int
    """Bytes of all these chunks, allocated from the system."""
    peak_bytes: int
    """The maximum of `bytes` so far."""
    operand_blocks: int
    """Nodes with a separate block of operands: results of `sum`, `dot`, `softmax`, ..."""
    operand_bytes: int
    """Bytes of these blocks, which `bytes` does not include."""


def memory() -> Memory:
    """How much memory the nodes of all graphs take, in nodes, chunks and bytes.

    Captured graphs use other memory: see the `bytes` of `Graph.stats()`. So do labels, and the Python objects of
    Values, which are 32 bytes each.

    >>> from fastgrad import Value, memory
    >>> before = memory().live_nodes
    >>> a = Value(2.0)
    >>> b = a * 3.0 + 1.0
    >>> memory().live_nodes - before  # a, a * 3.0 and b: a constant needs no node
    3
    """
    return Memory(**_core.memory())
