"""The formulas of the operations as syntax trees, so that printing, checking and translating need no text search.

A formula is an expression in both C++ and Python (`csrc/ops.def` has the rules), so Python's parser can read it.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache

from fastgrad import _core

__all__ = ["CONSTANTS", "HELPERS", "called", "inlined", "parse", "readable"]

CONSTANTS = {row.name: row for row in _core.constants()}
HELPERS = {row.name: row for row in _core.helpers()}

#: The mathematical notation for functions that C spells with a name: parameters and meaning, as for a helper.
_NOTATION = {
    "fabs": (("x",), "abs(x)"),
    "log_gamma": (("x",), "log(abs(gamma(x)))"),
    "pow": (("x", "y"), "x**y"),
}
_FORMULAS = {row.name: (row.parameters, row.formula) for row in HELPERS.values()}
_MEANINGS = {row.name: (row.parameters, row.meaning) for row in HELPERS.values() if row.meaning} | _NOTATION


@cache
def parse(formula: str) -> ast.expr:
    """The tree of a formula. It is cached, so do not change it."""
    return ast.parse(formula, mode="eval").body


def inlined(tree: ast.expr) -> ast.expr:
    """The tree with helpers replaced by their formulas.

    What remains are numbers, names, operators, `choose`, and functions of the C library and of
    `csrc/core/formulas.hpp`.
    """
    return _Inliner(_FORMULAS, {}).expression(tree)


def called(formula: str) -> set[str]:
    """The functions that remain once helpers are inlined."""
    calls = (node.func for node in ast.walk(inlined(parse(formula))) if isinstance(node, ast.Call))
    return {function.id for function in calls if isinstance(function, ast.Name)} - {"choose"}


def readable(formula: str, names: Mapping[str, str] | None = None) -> str:
    """A formula in mathematical notation, with other names for its variables.

    >>> readable("choose(x > 0.0, pow_dx(x, y), -fabs(x))")
    '(y * x**(y - 1) if x > 0 else -|x|)'
    """
    constants = {row.name: parse(row.meaning) for row in CONSTANTS.values() if row.meaning}
    return _Printer(names or {}).text(_Inliner(_MEANINGS, constants).expression(parse(formula)))


class _Inliner:
    """Replaces functions and names by expressions. Does not change its arguments."""

    def __init__(self, functions: Mapping[str, tuple[tuple[str, ...], str]], names: Mapping[str, ast.expr]):
        self._functions, self._names = functions, names

    def expression(self, tree: ast.expr) -> ast.expr:
        inline = self.expression
        match tree:
            case ast.Name(id=name):
                return self._names.get(name, tree)
            case ast.UnaryOp(op=op, operand=x):
                return ast.UnaryOp(op, inline(x))
            case ast.BinOp(left=x, op=op, right=y):
                return ast.BinOp(inline(x), op, inline(y))
            case ast.Compare(left=x, ops=ops, comparators=others):
                return ast.Compare(inline(x), ops, [inline(y) for y in others])
            case ast.IfExp(test=condition, body=x, orelse=y):
                return ast.IfExp(inline(condition), inline(x), inline(y))
            case ast.Call(func=ast.Name(id=name) as function, args=arguments):
                given = [inline(argument) for argument in arguments]
                if name not in self._functions:
                    return ast.Call(function, given, [])
                parameters, body = self._functions[name]
                names = {**self._names, **dict(zip(parameters, given, strict=True))}
                return _Inliner(self._functions, names).expression(parse(body))
        return tree


# How tightly an expression binds: an expression that binds less tightly than its context needs gets parentheses.
_SUM, _PRODUCT, _POWER, _ATOM = range(4)
_OPERATORS = {
    ast.Add: (" + ", _SUM),
    ast.Sub: (" - ", _SUM),
    ast.Mult: (" * ", _PRODUCT),
    ast.Div: (" / ", _PRODUCT),
    ast.Pow: ("**", _POWER),
}
_COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}


class _Printer:
    """Writes a tree in mathematical notation, with the given names for variables."""

    def __init__(self, names: Mapping[str, str]):
        self._names = names

    def text(self, tree: ast.expr, place: int = _SUM) -> str:
        text, binding = self._written(tree)
        return text if binding >= place else f"({text})"

    def _written(self, tree: ast.expr) -> tuple[str, int]:
        """The text of a tree, and how tightly it binds."""
        match tree:
            case ast.Constant(value=float() | int() as number):
                return repr(number).removesuffix(".0"), _ATOM
            case ast.Name(id=name):
                return self._names.get(name, name), _ATOM
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"-{self.text(operand, _PRODUCT)}", _PRODUCT
            case ast.BinOp(left=x, op=op, right=y):
                sign, binding = _OPERATORS[type(op)]
                if isinstance(x, ast.Constant) and isinstance(y, ast.Constant):
                    sign = sign.strip()
                left = binding if binding < _POWER else _ATOM
                return self.text(x, left) + sign + self.text(y, binding + 1), binding
            case ast.Compare():
                return f"(1 if {self._condition(tree)} else 0)", _ATOM
            case ast.IfExp() | ast.Call(func=ast.Name(id="choose")):
                return f"({self._choice(tree)})", _ATOM
            case ast.Call(func=ast.Name(id="abs"), args=[x]):
                return f"|{self.text(x)}|", _ATOM
            case ast.Call(func=ast.Name(id=function), args=arguments):
                return f"{function}({', '.join(map(self.text, arguments))})", _ATOM
        raise ValueError(f"no formula: {ast.unparse(tree)}")

    def _choice(self, tree: ast.expr) -> str:
        """A choice without parentheses; a choice in its last branch is appended without parentheses too."""
        match tree:
            case ast.IfExp(test=condition, body=x, orelse=y):
                pass
            case ast.Call(func=ast.Name(id="choose"), args=[condition, x, y]):
                pass
            case _:
                return self.text(tree)
        return f"{self.text(x)} if {self._condition(condition)} else {self._choice(y)}"

    def _condition(self, tree: ast.expr) -> str:
        match tree:
            case ast.Compare(left=x, ops=[op], comparators=[y]):
                return f"{self.text(x)} {_COMPARISONS[type(op)]} {self.text(y)}"
        return f"{self.text(tree)} != 0"
