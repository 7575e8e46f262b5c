"""Graphs as Python source: the smallest backend, and the specification that other backends are tested against."""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from keyword import iskeyword
from textwrap import indent

from fastgrad import _core
from fastgrad._core import Operation
from fastgrad.backends.lowering import Emitter, lower
from fastgrad.engine import Value
from fastgrad.formulas import CONSTANTS, HELPERS, parse

__all__ = ["to_python"]


def to_python(graph: _core.Graph, name: str = "f") -> str:
    """The source of a Python function that computes what the graph does, for one sample.

    The function takes a sequence of the inputs, and gives the list of outputs. If the graph has bound leaves, a
    second argument ``parameters`` holds their numbers; its default is their present data. The variable ``v7`` is the
    slot ``%7`` of `Graph.text`.

    >>> x, w = Value(2.0), Value(3.0)
    >>> print(to_python(Graph((w * x).relu(), [x], passes=())), end="")
    def f(x, parameters=(3.0,)):
        [x0] = map(float, x)
        [w0] = map(float, parameters)
        v2 = w0 * x0
        v3 = 0.0 if v2 < 0.0 else v2
        return [v3]

    It needs Python's ``math``, and fastgrad only for functions that ``math`` lacks: `erfinv`, `digamma` and
    `polygamma`; before Python 3.11, where the source is written, `cbrt` and `exp2` too.

    Where a graph follows IEEE 754 and gives an infinity or nan, the function may raise what Python's arithmetic and
    ``math`` raise: ``ZeroDivisionError``, ``OverflowError`` or ``ValueError``. Where it returns, its numbers equal
    those of a graph made without passes to the last bit (on nan: not its sign). A guard that does not hold raises
    ``ValueError``.

    Args:
        graph: The graph. For derivatives, give ``graph.gradient()``.
        name: The function's name.

    Raises:
        ValueError: the name is not one that Python gives to functions.
    """
    if not name.isidentifier() or iskeyword(name):
        raise ValueError(f"name must be an identifier of Python, not {name!r}")
    return lower(graph, _Function(name, graph.inputs_count))


class _Function(Emitter[str, str]):
    """Numbers are variables or literals, and the whole is the source of a function."""

    def __init__(self, name: str, inputs: int):
        self._name, self._inputs = name, inputs
        self._parameters: list[str] = []
        self._statements: list[str] = []
        self._vocabulary = _Vocabulary()
        self._slots = itertools.count()

    def bound(self, leaf: Value) -> str:
        next(self._slots)
        self._parameters.append(_literal(leaf.data))
        return f"w{len(self._parameters) - 1}"

    def constant(self, number: float) -> str:
        next(self._slots)
        return _literal(number)

    def input(self, position: int) -> str:
        next(self._slots)
        return f"x{position}"

    def row(self, operation: Operation, *operands: str) -> str:
        return self._assign(self._vocabulary.template(operation).format(**dict(zip("xy", operands, strict=False))))

    def dot(self, left: Sequence[str], right: Sequence[str], addend: str | None) -> str:
        # A loop: one expression of very many terms is too deep for Python's compiler.
        self._vocabulary.need_dot()
        return self._assign(f"dot({_tuple(left)}, {_tuple(right)}, {addend or '0.0'})")

    def guard(self, condition: str, expected: bool) -> None:
        negation = "not " if expected else ""
        message = f"an input takes another branch than this recording: {condition} is {str(not expected).lower()}"
        self._statements.append(f"if {negation}{condition}:\n    raise ValueError({message!r})")

    def finish(self, outputs: Sequence[str]) -> str:
        arguments = ["x"]
        unpacked = [_unpack("x", self._inputs, "x")]
        if self._parameters:
            arguments.append(f"parameters={_tuple(self._parameters)}")
            unpacked.append(_unpack("w", len(self._parameters), "parameters"))
        body = [*self._vocabulary.statements(), *unpacked, *self._statements, f"return [{', '.join(outputs)}]"]
        return f"def {self._name}({', '.join(arguments)}):\n" + indent("\n".join(body), "    ") + "\n"

    def _assign(self, expression: str) -> str:
        variable = f"v{next(self._slots)}"
        self._statements.append(f"{variable} = {expression}")
        return variable


def _tuple(items: Sequence[str]) -> str:
    return f"({', '.join(items)}{',' * (len(items) == 1)})"


def _unpack(letter: str, count: int, source: str) -> str:
    return f"[{', '.join(f'{letter}{i}' for i in range(count))}] = map(float, {source})"


def _literal(number: float) -> str:
    if math.isfinite(number):
        return repr(number)
    sign = "-" if math.copysign(1.0, number) < 0.0 else ""
    return f"float('{sign}{abs(number)}')"


_DOT = """\
def dot(left, right, total):
    for x, y in zip(left, right):
        total += x * y
    return total
"""

#: Functions of formulas that are written in others.
_DEFINITIONS = {row.name: (row.parameters, row.formula) for row in HELPERS.values()} | {
    # Those of math give an int, which has no -0.0.
    "floor": (("x",), "copysign(integer_below(x), x)"),
    "ceil": (("x",), "copysign(integer_above(x), x)"),
}
#: Functions that math has under another name.
_NAMES_IN_MATH = {"log_gamma": "lgamma", "integer_below": "floor", "integer_above": "ceil"}


class _Vocabulary:
    """Formulas as Python, and what they need: imports, constants and functions."""

    def __init__(self) -> None:
        self._templates: dict[str, str] = {}
        self._imports: dict[str, set[str]] = {"math": set(), "fastgrad": set()}
        self._constants: dict[str, str] = {}
        self._functions: dict[str, str] = {}  # each after those that it calls

    def template(self, operation: Operation) -> str:
        """The value of an operation, with {x} and {y} for its operands."""
        if operation.name not in self._templates:
            text = self._text(operation.value, {"x": "{x}", "y": "{y}"})
            is_bool = isinstance(parse(operation.value), ast.Compare)
            self._templates[operation.name] = f"float({text})" if is_bool else text
        return self._templates[operation.name]

    def need(self, name: str) -> None:
        if name in CONSTANTS:
            self._constants[name] = f"{name} = {CONSTANTS[name].value!r}"
        elif name in _DEFINITIONS:
            if name not in self._functions:
                parameters, formula = _DEFINITIONS[name]
                text = self._text(formula, {parameter: parameter for parameter in parameters})
                self._functions[name] = f"def {name}({', '.join(parameters)}):\n    return {text}\n"
        else:
            original = _NAMES_IN_MATH.get(name, name)
            module = "math" if hasattr(math, original) else "fastgrad"
            self._imports[module].add(name if name == original else f"{original} as {name}")

    def need_dot(self) -> None:
        self._functions["dot"] = _DOT

    def statements(self) -> list[str]:
        """The blocks of the function's beginning, with a blank line after each."""
        imports = [
            f"from {module} import {', '.join(sorted(names))}" for module, names in self._imports.items() if names
        ]
        blocks = ["\n".join(lines) + "\n" for lines in (imports, self._constants.values()) if lines]
        return [*blocks, *self._functions.values()]

    def _text(self, formula: str, variables: dict[str, str]) -> str:
        return ast.unparse(_Translation(variables, self.need).visit(deepcopy(parse(formula))))


class _Translation(ast.NodeTransformer):
    """A formula with other names for its variables, and with Python's conditional expressions."""

    def __init__(self, variables: dict[str, str], need: Callable[[str], None]):
        self._variables, self._need = variables, need

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self._variables:
            self._need(node.id)
        return ast.Name(self._variables.get(node.id, node.id))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        match node:
            case ast.Call(func=ast.Name(id="choose"), args=[condition, x, y]):
                return ast.IfExp(self.visit(condition), self.visit(x), self.visit(y))
        self.generic_visit(node)
        return node
