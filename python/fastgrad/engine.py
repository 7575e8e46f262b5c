"""The engine: `Value`, a number that remembers how it was computed."""

from __future__ import annotations

from contextlib import ContextDecorator

from fastgrad import _core, pytorch_names

TYPE_CHECKING = False  # as in fastgrad/__init__.py
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar, overload

    import graphviz

    X = TypeVar("X")
    Y = TypeVar("Y")

__all__ = ["Value", "no_grad", "scope", "where"]


class Value(_core.Value):
    """A scalar of a computational graph.

    ``Value(data, _children=(), _op='', label='')`` is a leaf that holds the float ``data``; arithmetic with Values
    and numbers creates all others. With ``_children`` it is a custom operation: give its symbol as ``_op`` and set
    ``_backward`` to a function that adds to the children's ``grad``; or give a tuple with the local gradient for each
    child as ``_op``.

    Raises:
        TypeError: ``data`` is not a real number, or a child is not a Value.
        ValueError: the number of local gradients is not the number of children.
    """

    __slots__ = ()

    #: The data as a float, as in PyTorch. Not a function in Python, so that errors name the caller's line.
    item = _core.Value.__float__

    def draw_dot(self, format: str = "svg", rankdir: str = "LR", **options: Any) -> graphviz.Digraph:
        """Draw the graph of this Value: see `fastgrad.draw.draw_dot`."""
        return _drawing().draw_dot(self, format=format, rankdir=rankdir, **options)

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None, **_: Any
    ) -> dict[str, str]:
        """What a notebook shows: the graph of this Value, if it is small, and its ``repr``."""
        bundle: dict[str, str] = _drawing().mimebundle(self, include, exclude)
        return bundle

    def to_json(self, indent: int | None = 2, max_nodes: int = 10_000) -> str:
        """The expression as a JSON tree of objects with the keys ``value``, ``children`` and ``operation``.

        A Value that is used twice appears twice in the tree. ``operation`` is the operation's name, such as
        ``"addition"``, and ``"none"`` for a leaf. Infinite data and nan are written as Python's ``json`` writes them.

        Raises:
            ValueError: the tree would have more than ``max_nodes`` objects.
        """
        import json

        break_at = (lambda depth: "") if indent is None else (lambda depth: "\n" + " " * (indent * depth))
        separator = ", " if indent is None else ","
        written: list[str] = []
        # What remains to be written: text, or a Value with its depth.
        todo: list[str | tuple[_core.Value, int]] = [(self, 0)]
        count = 0
        while todo:
            item = todo.pop()
            if isinstance(item, str):
                written.append(item)
                continue
            value, depth = item
            count += 1
            if count > max_nodes:
                raise ValueError(f"the tree has more than max_nodes={max_nodes} objects: give a larger max_nodes")
            children = value._operands()
            inner, innermost = break_at(depth + 1), break_at(depth + 2)
            written.append("{" + inner + f'"value": {json.dumps(value.data)}{separator}{inner}"children": [')
            operation = json.dumps(_operation_name(value))
            todo.append(f"]{separator}{inner}" + f'"operation": {operation}{break_at(depth)}}}')
            if children:
                todo.append(inner)
            for position, child in reversed(list(enumerate(children))):
                todo.append((child, depth + 2))
                todo.append((separator if position else "") + innermost)
        return "".join(written)

    def __dir__(self) -> list[str]:
        """The attributes that exist, without PyTorch's names that only raise an error."""
        return pytorch_names.existing(self, "Value")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and deepcopy: a leaf by its fields, any other Value as a position in its graph.

        Values that are pickled together stay connected, and graphs of any depth are traversed without recursion.

        Raises:
            TypeError: the graph has a Value whose ``_backward`` was set to a function, which refers to the original.
        """
        place = _core.pickle_position(self)
        if place is not None:
            return _value_at, place
        state = getattr(self, "__dict__", None) or None
        return _restore_leaf, (type(self), self.data, self.grad, self.label), state


def _value_at(graph: _core.Snapshot, position: int) -> _core.Value:
    return graph.value(position)


def _restore_leaf(cls: type[Value], data: float, grad: float, label: str) -> Value:
    leaf = cls.__new__(cls)
    leaf.data, leaf.grad, leaf.label = data, grad, label
    return leaf


_drawing: Callable[[], Any]


def register_drawing(load: Callable[[], Any]) -> None:
    """Make Values draw themselves with the ``draw_dot`` and the ``mimebundle`` of the object that ``load()`` returns.

    The engine imports no other part of the package, so drawing is registered here; ``load`` is called at the first
    picture.
    """
    global _drawing
    _drawing = load


_TITLES = {row.symbol: row.title for row in _core.operations()}
_TITLES.update((row.symbol, row.title) for row in _core.sequence_operations())


def _operation_name(value: _core.Value) -> str:
    symbol = value._op
    return _TITLES.get(symbol, symbol) or "none"


class no_grad(ContextDecorator):
    """Operations in this thread record nothing: their results are leaves.

    A context manager (``with no_grad():``) and a decorator (``@no_grad()``); may be nested.
    """

    def __enter__(self) -> no_grad:
        _core.enter_no_grad()
        return self

    def __exit__(self, *exc_info: object) -> None:
        _core.leave_no_grad()


class scope(ContextDecorator):
    """A name for a part of the computation: everything that this thread computes inside belongs to it.

    A context manager (``with scope("attention"):``) and a decorator (``@scope("attention")``). Nested scopes form a
    path, ``"block/attention"``, by which drawings are collapsed. The modules of `fastgrad.nn` open scopes
    automatically. Copies keep their scopes, pickles do not.

    Raises:
        TypeError: the name is not a str.
        ValueError: the name is empty.
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a scope's name is a str, not {name!r} of type '{type(name).__name__}'")
        if not name:
            raise ValueError("a scope needs a name of one character at least")
        self._name = name
        self._before: list[int] = []  # one object may be entered several times

    def __enter__(self) -> scope:
        self._before.append(_core.enter_scope(self._name))
        return self

    def __exit__(self, *exc_info: object) -> None:
        _core.leave_scope(self._before.pop())


if TYPE_CHECKING:

    @overload
    def where(condition: _core.Value, x: _core.Value | _core.Number, y: _core.Value | _core.Number) -> Value: ...
    @overload
    def where(condition: _core.Number, x: X, y: Y) -> X | Y: ...


def where(condition: Any, x: Any, y: Any) -> Any:
    """``x`` where the condition holds, else ``y``, to the last bit; the gradient flows only to the chosen one.

    A bool or a number, such as the comparison ``a < b``, which compares data, chooses immediately: the result is
    ``x`` or ``y`` itself. A Value, such as ``fastgrad.less(a, b)``, makes the choice part of the graph: the result is
    a new Value, computed from the condition and both operands, which are Values or numbers. A condition holds unless
    it is 0, so nan holds; the derivative in the condition is 0.

    The operand that is not chosen may be inf or nan. But it gets a gradient of 0, and 0 times an infinite slope is
    nan: in ``where(less(0.0, x), x.sqrt(), 0.0)`` at ``x = 0``, take the root of ``maximum(x, tiny)``.

    Raises:
        TypeError: the condition is neither a bool, nor a number, nor a Value.
    """
    if isinstance(condition, _core.Value):
        return _core.keep_if(x, condition) + _core.drop_if(y, condition)
    try:
        holds = _core.stop_gradient(condition) != 0.0  # of a number: the float that it would be as an operand
    except TypeError:
        raise TypeError(
            f"where() needs a bool, a number or a Value as its condition, not {condition!r} of type "
            f"'{type(condition).__name__}': choose for one element at a time, by a comparison or by fastgrad.less()"
        ) from None
    return x if holds else y


pytorch_names.mark(Value, "Value")
_core.set_value_type(Value)
