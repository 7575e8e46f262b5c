"""Values and slopes over wide ranges of arguments, and gradients of programs, against dual numbers at 60 digits."""

from __future__ import annotations

from fastgrad.reference import OPERATIONS, Operation
from support.accuracy import worst_errors
from support.exact import SLOPES, TOLERANCE, exact_partial, exact_slope
from support.operations import every_operation, every_true_derivative


def test_closed_forms_are_of_operations_and_of_each_of_their_operands():
    for name, slopes in SLOPES.items():
        assert len(slopes) == len(OPERATIONS[name].partials), name


@every_true_derivative
def test_exact_slopes_are_those_of_exact_values(operation: Operation):
    for point in operation.points[:2]:
        for i in range(len(point)):
            expected = exact_partial(operation.name, i, *point)
            assert abs(exact_slope(operation.name, i, *point) - expected) <= 1e-25 * abs(expected) + 1e-60, point


@every_operation
def test_results_are_as_accurate_as_their_arguments(operation: Operation):
    for result, worst in worst_errors(operation, 12).items():
        assert worst.conditioned <= TOLERANCE, (result, worst)
