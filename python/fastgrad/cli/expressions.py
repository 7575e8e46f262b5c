"""Expressions typed on a command line: parsed with `ast`, restricted to a short list of syntax, computed with Values.

Nothing is ever passed to Python's ``eval``. Numbers are floats, so a power overflows instead of growing without
limit.
"""

from __future__ import annotations

import ast
import difflib
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastgrad import _core
from fastgrad.engine import Value

__all__ = ["ExpressionError", "evaluate", "normal"]

LONGEST = 10_000  # characters

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow", ast.USub: "neg",
}  # fmt: skip
_OPERATIONS = [row.name for row in _core.operations()] + [row.name for row in _core.sequence_operations()]
_GRAMMAR = "numbers, names, + - * / **, parentheses, operations such as tanh(x), and lists for those on sequences"

Number = Value | float
Result = Number | list[Number]


class ExpressionError(ValueError):
    """The text is not an expression, or cannot be computed."""


@dataclass(frozen=True)
class _Statement:
    """``target = ...``, or an expression without a target."""

    target: str | None
    parts: list[ast.expr]  # operands before the operations that use them

    def names(self) -> Iterator[str]:
        return (part.id for part in self.parts if isinstance(part, ast.Name))


def evaluate(text: str, values: Mapping[str, float]) -> dict[str, Value]:
    """Compute the text, with a labeled leaf for each of the values.

    Args:
        text: an expression, or several statements separated by ``;``, which name values for later ones.
        values: the number for each name that no statement defines.

    Returns:
        Every name with its Value, the given ones first. The last is the result, whose name is empty if it has none.

    Raises:
        ExpressionError: the text is invalid, uses a name without a value or leaves one unused, or there is no result.
    """
    statements = _statements(text)
    _check_names(statements, values)
    known = {name: Value(number, label=name) for name, number in values.items()}
    for statement in statements:
        result = _compute(statement, known, text)
        value = result if isinstance(result, Value) else Value(result)
        value.label = value.label or statement.target or ""
        known[statement.target or ""] = value
    return known


def normal(name: str) -> str:
    """The name as Python normalizes it: some letters, such as the micro sign, become others."""
    return unicodedata.normalize("NFKC", name)


def _statements(text: str) -> list[_Statement]:
    if len(text) > LONGEST:
        raise ExpressionError(f"an expression of {len(text):,} characters is too long: {LONGEST:,} are read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # the parser only warns about 1if, which is invalid here
            body = ast.parse(text.strip()).body
    except (RecursionError, MemoryError):
        raise ExpressionError("the expression is nested too deeply") from None
    except (SyntaxError, ValueError) as error:  # ValueError: a null character
        raise ExpressionError(f"this is no expression: {getattr(error, 'msg', error)}") from None
    if not body:
        raise ExpressionError("the expression is empty")
    statements = [_statement(node, text.strip()) for node in body]
    for statement in statements[:-1]:
        if statement.target is None:
            raise ExpressionError("only the last expression may go without a name: write name = ... before each ;")
    return statements


def _statement(node: ast.stmt, text: str) -> _Statement:
    match node:
        case ast.Expr(value=expression):
            return _Statement(None, _parts(expression, text))
        case ast.Assign(targets=[ast.Name(id=target)], value=expression):
            return _Statement(target, _parts(expression, text))
    raise ExpressionError(f"{_quote(node, text)} is neither an expression nor name = expression")


def _parts(expression: ast.expr, text: str) -> list[ast.expr]:
    """Operands before their operations, without recursion: a sum of thousands of terms is as deep as it is long."""
    parts, todo = [], [expression]
    while todo:
        part = todo.pop()
        parts.append(part)
        todo.extend(_operands(part, text))
    return parts[::-1]


def _operands(part: ast.expr, text: str) -> list[ast.expr]:
    match part:
        case ast.Name():
            return []
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return []
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return [left, right]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return [operand]
        case ast.List(elts=elements):
            return elements
        case ast.Subscript(value=sequence, slice=ast.Constant(value=int() as index)) if not isinstance(index, bool):
            return [sequence]
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            _check_call(name, keywords)
            return [*args, *(keyword.value for keyword in keywords)]
    raise ExpressionError(f"{_quote(part, text)} is not allowed: there are {_GRAMMAR}")


def _check_call(name: str, keywords: list[ast.keyword]) -> None:
    if name not in _OPERATIONS:
        similar = difflib.get_close_matches(name, _OPERATIONS, n=3)
        hint = f": did you mean {' or '.join(similar)}?" if similar else ""
        raise ExpressionError(f"there is no operation {name!r}{hint}")
    if any(keyword.arg is None for keyword in keywords):
        raise ExpressionError(f"{name}(**...) is not allowed: there are {_GRAMMAR}")


def _check_names(statements: list[_Statement], values: Mapping[str, float]) -> None:
    made = dict.fromkeys(values)
    used: dict[str, None] = {}
    missing: dict[str, None] = {}
    for statement in statements:
        names = dict.fromkeys(statement.names())
        used |= names
        missing |= {name: None for name in names if name not in made}
        if statement.target in made:
            raise ExpressionError(f"{statement.target} has a value already: choose another name")
        made |= {statement.target: None} if statement.target else {}
    if missing:
        hint = " ".join(f"{name}=NUMBER" for name in missing)
        raise ExpressionError(f"no value for {', '.join(missing)}: add {hint}")
    unused = [name for name in made if name not in used and name != statements[-1].target]
    if unused:
        raise ExpressionError(f"nothing uses {', '.join(unused)}")


def _compute(statement: _Statement, known: Mapping[str, Value], text: str) -> Number:
    results: list[Result] = []
    for part in statement.parts:
        operands = [results.pop() for _ in _operands(part, text)][::-1]
        try:
            results.append(_apply(part, operands, known))
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise ExpressionError(f"{_quote(part, text)}: {error}") from error
    result = results.pop()
    if isinstance(result, list):
        raise ExpressionError(
            f"{_quote(statement.parts[-1], text)} is a list: choose an element, as in softmax([a, b])[0]"
        )
    return result


def _apply(part: ast.expr, operands: list[Any], known: Mapping[str, Value]) -> Result:
    """Apply one operation to its operands, or return a name's Value, a number, a list, or an element of a list."""
    match part:
        case ast.Name(id=name):
            return known[name]
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.UnaryOp(op=ast.UAdd()):
            result: Result = operands[0]
            return result
        case ast.List():
            return operands
        case ast.Subscript(slice=ast.Constant(value=int() as index)):
            element: Number = operands[0][index]
            return element
        case ast.BinOp(op=op) | ast.UnaryOp(op=op):
            return _operation(_OPERATORS[type(op)])(*operands)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            named = {str(keyword.arg): value for keyword, value in zip(keywords, operands[len(args) :], strict=True)}
            return _operation(name)(*operands[: len(args)], **named)
    raise AssertionError(f"{type(part).__name__} passed _operands()")


def _operation(name: str) -> Callable[..., Result]:
    if name == "cross_entropy":
        return _cross_entropy
    operation: Callable[..., Result] = getattr(_core, name)
    return operation


def _cross_entropy(logits: list[Number], target: Any) -> Number:
    """The operation; its class may be a float, because all numbers are floats here."""
    is_class = isinstance(target, float) and target.is_integer()
    loss: Number = _core.cross_entropy(logits, int(target) if is_class else target)
    return loss


def _quote(node: ast.AST, text: str) -> str:
    source = ast.get_source_segment(text, node) or ""
    return repr(source if len(source) <= 60 else f"{source[:57]}...")
