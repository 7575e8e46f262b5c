"""``fastgrad draw``: compute an expression, print its gradients, and draw its graph."""

from __future__ import annotations

import argparse
import keyword
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from fastgrad.cli.status import CommandError

if TYPE_CHECKING:
    from fastgrad.draw.digraph import Digraph
    from fastgrad.engine import Value

__all__ = ["add_parser", "run"]

_EXAMPLES = """\
examples:
  fastgrad draw "a*b + c" a=2 b=-3 c=10 -o L.svg
  fastgrad draw "e = a*b; d = e + c; L = d*f" a=2 b=-3 c=10 f=-2 --color grad -o L.png
  fastgrad draw "tanh(x*w + b)" x=2 w=-3 b=6.9 | dot -Tpdf -o neuron.pdf

An expression that starts with a minus sign goes into parentheses.
"""


def add_parser(commands: Any) -> None:
    """Add the command's options."""
    draw = commands.add_parser(
        "draw",
        help="draw an expression's graph, with its gradients",
        description="Compute an expression, print the gradient of its result by every name, and draw its graph.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    draw.add_argument(
        "expression",
        help="+ - * / **, operations such as tanh(x), dot([a, b], [c, d]); or several, named: 'd = a*b; L = d + c'",
    )
    draw.add_argument("values", nargs="*", metavar="NAME=NUMBER", help="the value of each name")
    draw.add_argument(
        "-o", "--out", default="-", metavar="FILE", help="the picture, in the format that its suffix names: L.svg, "
        "L.png, L.pdf, ...; L.dot is DOT text; - (the default) is DOT text on stdout"
    )  # fmt: skip
    draw.add_argument(
        "--backward", action=argparse.BooleanOptionalAction, default=True, help="fill in the gradients (default: yes)"
    )
    draw.add_argument("--show", metavar="FIELDS", help="any of label,data,grad,op (default: all)")
    draw.add_argument("--color", choices=("data", "grad"), help="fill the boxes by these numbers")
    draw.add_argument(
        "--constants", action=argparse.BooleanOptionalAction, default=True, help="boxes for constants (default: yes)"
    )
    draw.add_argument("--precision", type=int, default=4, metavar="N", help="digits after the point (default: 4)")
    draw.add_argument(
        "--max-nodes", type=int, default=400, metavar="N", help="beyond N Values, draw groups of them (default: 400)"
    )
    draw.add_argument("--depth", type=int, metavar="N", help="draw groups, with N levels of scopes open")
    draw.add_argument("--rankdir", choices=("LR", "TB"), default="LR", help="left to right, or top to bottom")
    draw.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compute, draw and report. The report goes to stderr if the drawing goes to stdout."""
    from fastgrad.cli.expressions import ExpressionError, evaluate

    format = _format(arguments.out)
    try:
        known = evaluate(arguments.expression, _values(arguments.values))
        _, result = list(known.items())[-1]
        if arguments.backward:
            result.backward()
        drawing = _draw(result, format, arguments)
    except (ExpressionError, ValueError) as error:
        raise CommandError(str(error)) from error
    if arguments.out == "-":
        print(drawing.source, end="")
        _report(known, arguments, sys.stderr)
    else:
        _write(drawing, arguments.out, format)
        _report(known, arguments, sys.stdout)
        print(f"wrote {arguments.out}")
    return 0


def _format(out: str) -> str:
    """The format given by the file's suffix; dot for stdout."""
    import graphviz

    if out == "-":
        return "dot"
    format = Path(out).suffix[1:].lower()
    if format not in graphviz.FORMATS:
        raise CommandError(f"{out!r} names no format: end it with .svg, .png, .pdf, .dot, ...")
    return format


def _values(words: list[str]) -> dict[str, float]:
    from fastgrad.cli.expressions import normal

    values: dict[str, float] = {}
    for word in words:
        name, equals, text = word.partition("=")
        name = normal(name.strip())
        if not equals or not name.isidentifier() or keyword.iskeyword(name):
            raise CommandError(f"{word!r} is not NAME=NUMBER")
        try:
            number = float(text)
        except ValueError:
            raise CommandError(f"{word!r}: {text!r} is not a number") from None
        if name in values:
            raise CommandError(f"{name} is given twice")
        values[name] = number
    return values


def _draw(result: Value, format: str, arguments: argparse.Namespace) -> Digraph:
    options: dict[str, Any] = {} if arguments.show is None else {"show": arguments.show.split(",")}
    for name in ("rankdir", "color", "constants", "precision", "max_nodes", "depth"):
        options[name] = getattr(arguments, name)
    drawing: Digraph = result.draw_dot(format, **options)
    return drawing


def _write(drawing: Digraph, out: str, format: str) -> None:
    import graphviz

    from fastgrad.draw.renderers import RendererNotFound

    if format in ("dot", "gv"):
        Path(out).write_text(drawing.source, encoding="utf-8")
        return
    try:
        picture = drawing.pipe(quiet=True)
    except (RendererNotFound, graphviz.CalledProcessError) as error:
        raise CommandError(str(error)) from error
    Path(out).write_bytes(picture)


def _report(known: dict[str, Value], arguments: argparse.Namespace, to: TextIO) -> None:
    """Print the result, and a row for each name."""
    *_, (name, result) = known.items()
    print(f"{name or arguments.expression.strip()} = {result.data!r}", file=to)
    rows = [("name", "data", "grad")[: 2 + arguments.backward]]
    for name, value in known.items():
        if name:
            rows.append((name, f"{value.data:.6g}", f"{value.grad:.6g}")[: 2 + arguments.backward])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *numbers in rows:
        cells = [
            name.ljust(widths[0]),
            *(number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True)),
        ]
        print("  ".join(cells), file=to)
