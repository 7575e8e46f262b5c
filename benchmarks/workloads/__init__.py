"""The workloads of the comparison, in the order of its tables."""

from __future__ import annotations

from . import chain, expression, gpt, greeks, hessian, moons, ode, operators, products, random_graph

WORKLOADS = {
    workload.name: workload
    for workload in (
        operators.WORKLOAD,
        chain.WORKLOAD,
        products.WORKLOAD,
        random_graph.WORKLOAD,
        expression.WORKLOAD,
        expression.BATCHED,
        moons.WORKLOAD,
        gpt.WORKLOAD,
        ode.WORKLOAD,
        greeks.WORKLOAD,
        hessian.WORKLOAD,
    )
}
