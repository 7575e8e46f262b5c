"""Gradients, Jacobians, Hessians, and their products with vectors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from fastgrad import _core
from fastgrad.compile.trees import unflatten
from fastgrad.functional.evaluation import Argnums, Evaluation, blocks, leaves_like

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

_SEVERAL = "use jacobian() for several"


def grad(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The gradient of a function that returns one number.

    >>> grad(lambda x: x * x)(3.0)
    6.0

    The function takes numbers, lists, tuples, dicts and arrays of them; the gradient has the structure of the
    argument. Arguments other than those in ``argnums`` are passed on unchanged.

    For plain numbers the result is floats. If an argument holds Values, the result is Values connected to them; the
    same applies inside a function that is itself differentiated, or recorded by `jit` or `vmap`. These compose in any
    order. No Value's ``grad`` changes.

    Args:
        function: Any Python function of fastgrad's operations. Custom operations and recorded functions in it work
            too, if the gradient consists of floats.
        argnums: The position of the argument to differentiate by; several positions give a tuple.

    Raises:
        TypeError: the function returns anything but one number, or ``argnums`` is not a position of an argument that
            holds a number; or the gradient consists of Values and depends on a custom operation with a ``_backward``
            function.
    """
    both = value_and_grad(function, argnums)

    @functools.wraps(function)
    def gradient(*arguments: Any, **named: Any) -> Any:
        return both(*arguments, **named)[1]

    return gradient


def value_and_grad(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., tuple[Any, Any]]:
    """The value of a function that returns one number, and its gradient: see `grad`."""

    @functools.wraps(function)
    def value_and_gradient(*arguments: Any, **named: Any) -> tuple[Any, Any]:
        run = Evaluation(function, argnums, arguments, named, trace_through_jit=False)
        run.require_one_number("grad", _SEVERAL)
        return run.results(), unflatten(run.in_tree, iter(run.gradient()))

    return value_and_gradient


def jacobian(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The derivative of each number that a function returns with respect to each number of its argument.

    >>> jacobian(lambda x: [x[0] * x[1], x[0]])([3.0, 2.0])
    [[2.0, 3.0], [1.0, 0.0]]

    The result has the structure of the function's result, with the structure of the argument inside it; arrays of
    shapes (m,) and (n,) give one of shape (m, n). Uses reverse mode for m <= n, else forward mode, eight directions
    at a time.

    Args:
        function: As for `grad`, but it may return several numbers.
        argnums: As for `grad`.

    Raises:
        TypeError: as for `grad`.
    """

    @functools.wraps(function)
    def derivatives(*arguments: Any, **named: Any) -> Any:
        run = Evaluation(function, argnums, arguments, named, trace_through_jit=False)
        return blocks(run.out_tree, run.in_tree, run.jacobian())

    return derivatives


def hessian(function: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The second derivatives of a function that returns one number: exact, and symmetric to the last bit.

    >>> hessian(lambda x: x[0] ** 2 * x[1])([3.0, 2.0])
    [[4.0, 6.0], [6.0, 0.0]]

    The reverse sweep is recorded as Values and differentiated again. An argument of shape (n,) gives (n, n); other
    structures are nested in themselves. Recorded functions, those of `jit` and `vmap`, run as plain Python; for
    speed, record the whole: ``jit(hessian(f))``.

    Args:
        function: As for `grad`. Local gradients of custom operations are treated as constants.
        argnums: As for `grad`.

    Raises:
        TypeError: as for `grad`; or the result depends on a custom operation with a ``_backward`` function.
    """

    @functools.wraps(function)
    def second_derivatives(*arguments: Any, **named: Any) -> Any:
        run = Evaluation(function, argnums, arguments, named, trace_through_jit=True)
        run.require_one_number("hessian", "differentiate one of them at a time")
        return blocks(run.in_tree, run.in_tree, run.hessian())

    return second_derivatives


def jvp(function: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The result of a function, and its derivative as the arguments move along tangents.

    The product of the Jacobian with a vector, by a forward sweep. It costs as much as a gradient, however many
    numbers the function returns.

    >>> jvp(lambda x, y: x * y, (3.0, 2.0), (1.0, 10.0))
    (6.0, 32.0)

    Args:
        function: As for `jacobian`. Recorded functions in it run as plain Python.
        primals: The arguments.
        tangents: One for each argument, with its structure.

    Returns:
        Two trees with the structure of the function's result.

    Raises:
        TypeError: as for `grad`; or the result depends on a custom operation with a ``_backward`` function.
        ValueError: the tangents differ in structure from the arguments.
    """
    primals, tangents = tuple(primals), tuple(tangents)
    positions = range(len(primals))
    run = Evaluation(function, positions, primals, {}, trace_through_jit=True, directions=tangents)
    directions = leaves_like(tangents, run.in_tree, "tangents", "primals")
    moved = run.linearized(as_values=run.as_values).push(directions)
    return run.results(), unflatten(run.out_tree, iter(moved))


def vjp(function: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The result of a function, and a function that pulls its cotangents back to the arguments.

    The product of a vector with the Jacobian, by a reverse sweep. It costs as much as a gradient, however many
    numbers the arguments hold. The second function may be called any number of times.

    >>> value, pull = vjp(lambda x, y: [x * y, x], 3.0, 2.0)
    >>> pull([1.0, 10.0])
    (12.0, 3.0)

    Args:
        function: As for `jacobian`.
        primals: The arguments.

    Returns:
        The function's result, and a function that takes cotangents with the structure of the result and returns a
        tuple with one gradient for each argument.

    Raises:
        TypeError: as for `grad`.
        ValueError: from the second function, if the cotangents differ in structure from the outputs.
    """
    run = Evaluation(function, range(len(primals)), primals, {}, trace_through_jit=False)
    gradients: Callable[[list[Any]], list[Any]]
    try:
        gradients = run.linearized(as_values=run.as_values).pull  # keeps no graph alive if it consists of floats
    except _core.Underivable:
        if run.as_values:
            raise
        gradients = run.swept
    in_tree, out_tree = run.in_tree, run.out_tree

    def pull(cotangents: Any) -> tuple[Any, ...]:
        given = leaves_like(cotangents, out_tree, "cotangents", "what the function returned")
        pulled: tuple[Any, ...] = unflatten(in_tree, iter(gradients(given)))
        return pulled

    return run.results(), pull


def hvp(function: Callable[..., Any], x: Any, v: Any) -> Any:
    """The exact product of the Hessian with a vector, at the cost of a few gradients.

    The slope along the vector is computed by a recorded forward sweep as one Value; the gradient of this Value is the
    product.

    >>> hvp(lambda x: x[0] ** 2 * x[1], [3.0, 2.0], [1.0, 10.0])
    [64.0, 6.0]

    Args:
        function: A function of one argument, as for `hessian`.
        x: The argument.
        v: The vector, with the structure of ``x``, which is also that of the result.

    Raises:
        TypeError: as for `hessian`.
        ValueError: ``v`` differs in structure from ``x``.
    """
    run = Evaluation(function, 0, (x,), {}, trace_through_jit=True, directions=v)
    run.require_one_number("hvp", "differentiate one of them at a time")
    direction = leaves_like(v, run.in_tree, "v", "x")
    slope = run.recorded_slope(direction)
    product = run.linearized(as_values=run.as_values, outputs=[slope]).pull([1.0])
    return unflatten(run.in_tree, iter(product))
