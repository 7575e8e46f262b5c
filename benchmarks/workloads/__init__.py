"""The workloads of the comparison, in the order of its tables."""

from __future__ import annotations

from . import chain

WORKLOADS = {module.WORKLOAD.name: module.WORKLOAD for module in (chain,)}
