"""`Value`, micrograd's class on top of the table of operations, and a function for each row of the table.

It is a separate module so that sequence operations can use these functions.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from itertools import count
from typing import TYPE_CHECKING, Any, SupportsFloat

from fastgrad.reference.operations import OPERATIONS, Operation

__all__ = ["Value", *OPERATIONS]


def _operators(name: str) -> tuple[Callable[[Value, Any], Value], Callable[[Value, Any], Value]]:
    """The operator with the Value on its left, and the one with the Value on its right."""

    def left(self: Value, other: Any) -> Value:
        return _node(name, self, other) if isinstance(other, (Value, int, float)) else NotImplemented

    def right(self: Value, other: Any) -> Value:
        return _node(name, other, self) if isinstance(other, (Value, int, float)) else NotImplemented

    return left, right


def _comparison(compare: Callable[[float, float], bool]) -> Callable[[Value, Any], bool]:
    def by_data(self: Value, other: Any) -> bool:
        number = other.data if isinstance(other, Value) else other
        return compare(self.data, number) if isinstance(number, (int, float)) else NotImplemented

    return by_data


class Value:
    """A number that remembers how it was computed; `backward` then finds its derivatives.

    A custom operation is a Value with children, in one of two idioms: `out = Value(t, (x,), "tanh")` and
    `out._backward = f`, where `f()` adds to the children's gradients; or with the local derivatives instead of the
    name: `Value(t, (x,), (1 - t * t,))`. Raises `TypeError` for data that is not a number, and `ValueError` unless
    there is one local derivative for each child.
    """

    _serials = count()

    def __init__(
        self, data: SupportsFloat, _children: Iterable[Value] = (), _op: str | Iterable[float] = "",
        label: str = "",
    ) -> None:  # fmt: skip
        self.data = _number(data)
        self.grad = 0.0
        self.label = label
        self._op = _op if isinstance(_op, str) else ""
        self._operands = tuple(_children)
        self._operation: Operation | None = None
        self._locals: tuple[float, ...] | None = None
        self._serial = next(Value._serials)  # operands are older than their results
        if not isinstance(_op, str):
            self._locals = tuple(map(_number, _op))
            if len(self._locals) != len(self._operands):
                raise ValueError(f"{len(self._operands)} children, but {len(self._locals)} local gradients")

    @property
    def _prev(self) -> set[Value]:
        """The operands, including constants."""
        return set(self._operands)

    def _contributions(self) -> list[tuple[Value, float]]:
        """What this node adds to the gradient of each operand, in their order."""
        partials = self._locals or ()
        if self._operation is not None:
            arguments = (*(operand.data for operand in self._operands), self.data)
            partials = tuple(partial(*arguments) for partial in self._operation.partials)
        return [(operand, self.grad * p) for operand, p in zip(self._operands, partials, strict=False)]

    def _backward(self) -> None:
        """Adds this node's contributions to its operands' gradients; assign a function to replace it."""
        for operand, contribution in self._contributions():
            operand.grad += contribution

    def topological_order(self) -> list[Value]:
        """All values that this one depends on, in creation order: operands first, this one last."""
        found, pending = {self}, [self]
        while pending:
            for operand in pending.pop()._operands:
                if operand not in found:
                    found.add(operand)
                    pending.append(operand)
        return sorted(found, key=lambda value: value._serial)

    def zero_grad(self) -> None:
        """Sets the gradients of this value and of all that it depends on to 0.0."""
        for value in self.topological_order():
            value.grad = 0.0

    def backward(self, gradient: float = 1.0) -> None:
        """Computes the derivative of this value, times `gradient`, with respect to all that it depends on.

        Leaves accumulate over calls. An interior value starts from zero in each call: the first contribution is
        stored (0.0 + -0.0 would lose the sign), later ones are added, from the newest node to the oldest.
        """
        self.grad = float(gradient)
        reached = {self}
        for node in reversed(self.topological_order()):
            if "_backward" in vars(node) or (node._operation is None and node._locals is None):
                for child in node._operands:
                    if child._operands and child not in reached:
                        child.grad = 0.0
                reached.update(node._operands)
                if node._operands:
                    node._backward()
                continue
            for operand, contribution in node._contributions():
                if operand._operands and operand not in reached:
                    operand.grad = contribution
                else:
                    operand.grad += contribution
                reached.add(operand)

    __add__, __radd__ = _operators("add")
    __sub__, __rsub__ = _operators("sub")
    __mul__, __rmul__ = _operators("mul")
    __truediv__, __rtruediv__ = _operators("div")
    __pow__, __rpow__ = _operators("pow")
    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)

    def __neg__(self) -> Value:
        return _node("neg", self)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return _node("abs", self)

    def __bool__(self) -> bool:
        return bool(self.data)

    def __float__(self) -> float:
        return self.data

    def __int__(self) -> int:
        return int(self.data)

    def __round__(self, digits: int | None = None) -> float:
        return round(self.data, digits)

    def __format__(self, specification: str) -> str:
        return format(self.data, specification)

    def __repr__(self) -> str:
        return f"Value(data={self.data})"


def _number(data: SupportsFloat) -> float:
    """`data` as a float; raises `TypeError` for text, which float() would parse."""
    if isinstance(data, (str, bytes, bytearray)):
        raise TypeError(f"a Value holds a number, not {type(data).__name__}: {data!r}")
    return float(data)


def _node(name: str, *operands: float | Value) -> Value:
    """The result of an operation as a Value; numbers among the operands become leaves."""
    operation = OPERATIONS[name]
    values = [operand if isinstance(operand, Value) else Value(operand) for operand in operands]
    result = Value(operation.value(*(value.data for value in values)), values, operation.symbol)
    result._operation = operation
    return result


def _function(operation: Operation) -> Callable[..., Any]:
    """The function `sin(x)` of a number or a Value; as an attribute of the class, the method `x.sin()`."""

    def function(*operands: Any, **named: Any) -> float | Value:
        if operation.parameter is not None and len(operands) == 1:
            operands += (named.pop(operation.parameter, operation.default),)
        if named or len(operands) != len(operation.partials):
            given = f"{len(operands)} given" + "".join(f", and {name!r}" for name in named)
            raise TypeError(f"{operation.name}() takes {len(operation.partials)} operand(s): {given}")
        if any(isinstance(operand, Value) for operand in operands):
            return _node(operation.name, *operands)
        return operation.value(*map(_number, operands))

    function.__name__ = function.__qualname__ = operation.name
    function.__doc__ = f"{operation.title[0].upper()}{operation.title[1:]}."
    return function


# These names shadow the built-in abs and pow: the code above uses math.fabs and ** instead.
for _operation in OPERATIONS.values():
    globals()[_operation.name] = _function(_operation)
    setattr(Value, _operation.name, globals()[_operation.name])

if TYPE_CHECKING:

    def __getattr__(name: str) -> Callable[..., Any]: ...
