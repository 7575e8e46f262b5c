"""Pictures: the seeds' graph, the right text in every box, and what happens without a renderer."""

import re
import sys
import xml.etree.ElementTree as ET

import graphviz
import pytest

from fastgrad.draw import RendererNotFound, draw_dot, render, trace
from fastgrad.engine import Value


def chain_of_products():
    a, b, c = Value(2.0, label="a"), Value(-3.0, label="b"), Value(10.0, label="c")
    e = a * b
    e.label = "e"
    d = e + c
    d.label = "d"
    loss = d * Value(-2.0, label="f")
    loss.label = "L"
    return loss


def weighted_sum():
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    x1w1, x2w2 = x1 * w1, x2 * w2
    x1w1.label, x2w2.label = "x1*w1", "x2*w2"
    total = x1w1 + x2w2
    total.label = "x1*w1 + x2*w2"
    n = total + Value(6.88137358, label="b")
    n.label = "n"
    return n


def neuron():
    o = weighted_sum().tanh()
    o.label = "o"
    return o


def neuron_from_exponentials():
    e = (2 * weighted_sum()).exp()
    return (e - 1) / (e + 1)


def squares():
    a = Value(3.0, label="a")
    return a * a + a**2


def own_operations():
    a, b = Value(3.0, label="a"), Value(4.0)
    return Value(5.0, (a, b), "hypotenuse") + Value(7.0, (a, b))


EXPRESSIONS = [
    chain_of_products, weighted_sum, neuron, neuron_from_exponentials, squares, own_operations, lambda: Value(1.0),
]  # fmt: skip
each_expression = pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda f: f.__name__)


def recursive_trace(root):
    """A user's own trace, over `_prev`."""
    nodes, edges = set(), set()

    def visit(value):
        if value in nodes:
            return
        nodes.add(value)
        for operand in value._prev:
            edges.add((operand, value))
            visit(operand)

    visit(root)
    return nodes, edges


def recursive_drawing(root):
    """A user's own drawing, in the order of sets."""
    dot = graphviz.Digraph(format="svg", graph_attr={"rankdir": "LR"})
    nodes, edges = recursive_trace(root)
    for n in nodes:
        me = str(id(n))
        dot.node(me, "{ %s | data %.4f | grad %.4f }" % (n.label, n.data, n.grad), shape="record")  # noqa: UP031
        if n._op:
            dot.node(me + n._op, n._op)
            dot.edge(me + n._op, me)
    for operand, result in edges:
        dot.edge(str(id(operand)), str(id(result)) + result._op)
    return dot


@each_expression
def test_trace_is_the_users_own(expression):
    root = expression()
    # Constant operands are leaves for as long as somebody holds them.
    held = root.topological_order()
    assert trace(root) == recursive_trace(root)
    assert trace(root)[0] == set(held)


@each_expression
@pytest.mark.parametrize("swept", [False, True])
def test_the_drawing_is_the_users_own(expression, swept):
    root = expression()
    held = root.topological_order()
    if swept and expression is not own_operations:
        root.backward()
    assert sorted(draw_dot(root).body) == sorted(recursive_drawing(root).body)
    assert len(held) == len(trace(root)[0])


def test_an_operand_used_twice_gives_one_edge():
    a = Value(3.0)
    square = a * a
    assert trace(square) == ({a, square}, {(a, square)})
    assert len(draw_dot(square).body) == 2 + 1 + 2


def test_operands_are_drawn_before_results():
    root = neuron_from_exponentials()
    nodes, edges = trace(root)
    drawn = [line.split()[0] for line in draw_dot(root).body if "record" in line]
    assert set(drawn) == {str(id(node)) for node in nodes}
    assert all(drawn.index(str(id(operand))) < drawn.index(str(id(result))) for operand, result in edges)


@each_expression
def test_the_same_program_gives_the_same_picture(expression):
    def without_ids(root):
        ids = {}
        return [
            re.sub(r"\d{9,}", lambda match: ids.setdefault(match[0], str(len(ids))), line)
            for line in draw_dot(root).body
        ]

    first = expression()
    drawn = without_ids(first)
    scattered = [Value(0.0) for _ in range(50)]
    del scattered[::3]
    assert without_ids(first) == drawn
    assert without_ids(expression()) == drawn


def test_a_deep_chain_is_traced():
    root = Value(1.0)
    for _ in range(100_000):
        root = -root
    nodes, edges = trace(root)
    assert (len(nodes), len(edges)) == (100_001, 100_000)


def test_values_have_a_method_that_draws():
    root = chain_of_products()
    held = root.topological_order()
    assert root.draw_dot().source == draw_dot(root).source
    assert root.draw_dot(format="png", rankdir="TB").format == "png"
    assert len(held) == 7


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
def test_rankdir(rankdir):
    assert f"rankdir={rankdir}" in draw_dot(Value(1.0), rankdir=rankdir).source


@pytest.mark.parametrize("rankdir", ["RL", "lr", "", None])
def test_unknown_rankdir(rankdir):
    with pytest.raises(ValueError, match=re.escape(repr(rankdir))):
        draw_dot(Value(1.0), rankdir=rankdir)


def test_unknown_format():
    with pytest.raises(ValueError, match="scroll"):
        draw_dot(Value(1.0), format="scroll")


@pytest.mark.parametrize("root", [1.0, None, "a", [Value(1.0)]], ids=str)
@pytest.mark.parametrize("function", [trace, draw_dot])
def test_only_values_are_drawn(function, root):
    with pytest.raises(TypeError, match=type(root).__name__):
        function(root)


def test_graphs_beyond_max_nodes_are_refused():
    a = Value(1.0)
    root = a + a + a + a
    draw_dot(root, max_nodes=4)
    with pytest.raises(ValueError, match="4 Values, more than max_nodes=3"):
        draw_dot(root, max_nodes=3)


def test_constants_count():
    with pytest.raises(ValueError, match="3 Values, more than max_nodes=2"):
        draw_dot(Value(1.0) * 2, max_nodes=2)


def test_a_hundred_thousand_nodes_are_refused_at_once():
    root = Value(1.0)
    for _ in range(99_999):
        root = -root
    with pytest.raises(ValueError, match="100000 Values, more than max_nodes=400"):
        draw_dot(root)


def test_no_limit():
    root = Value(1.0)
    for _ in range(500):
        root = -root
    assert sum("record" in line for line in draw_dot(root, max_nodes=None).body) == 501


# ---- the text in the boxes -----------------------------------------------------------------------------------

AWKWARD = [
    "a|b", "{x}", "<b>bold</b>", "<i>", '"quoted"', '"', "it's", "\\", "a\\", "\\\\", '\\"', "\\n", "\\N \\G \\l",
    "\\{", "&", "&lt;", "&quot;", "&#65;", "two\nlines", "a  b   c", " lead", "trail ", "∂L/∂w é 日本",
    "->", "a;b", "a:b", "a=b", "%d %s", "#", "/* x */", "//", "digraph",
]  # fmt: skip


def has_renderer():
    try:
        render(draw_dot(Value(1.0)))
    except RendererNotFound:
        return False
    return True


needs_renderer = pytest.mark.skipif(not has_renderer(), reason="neither Graphviz nor pygraphviz is installed")


def texts(svg):
    """The lines of text in a picture."""
    found = ["".join(text.itertext()) for text in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in found]


def count_parts(svg, kind):
    return sum(part.get("class") == kind for part in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}g"))


@needs_renderer
@pytest.mark.parametrize("text", AWKWARD)
def test_labels_are_shown_as_they_are(text):
    *label, data, grad = texts(render(draw_dot(Value(1.5, label=text))))
    assert "\n".join(label) == text
    assert (data, grad) == ("data 1.5000", "grad 0.0000")


@needs_renderer
@pytest.mark.parametrize("text", AWKWARD)
def test_operations_are_shown_as_they_are(text):
    svg = render(draw_dot(Value(1.5, (Value(2.0),), text)))
    assert (count_parts(svg, "node"), count_parts(svg, "edge")) == (3, 2)
    shown = [line for line in texts(svg) if line.strip() and not line.startswith(("data ", "grad "))]
    assert "\n".join(shown) == text


@needs_renderer
@pytest.mark.parametrize("text", ["\x00", "\x1b[1m", "a\tb", "\x7f", "\x85", "\ufffe", "\r\n"])
def test_control_characters_do_not_break_the_picture(text):
    assert texts(render(draw_dot(Value(1.5, label=text))))[-2:] == ["data 1.5000", "grad 0.0000"]


@needs_renderer
@each_expression
def test_rendered_parts(expression):
    root = expression()
    nodes, edges = trace(root)
    operations = sum(bool(node._op) for node in nodes)
    svg = render(draw_dot(root))
    assert count_parts(svg, "node") == len(nodes) + operations
    assert count_parts(svg, "edge") == len(edges) + operations


@pytest.mark.parametrize(
    ("label", "field"),
    [
        ("a|b", r"a\|b"),
        ("{x}", r"\{x\}"),
        ("<i>", r"\<i\>"),
        ("\\", r"\\"),
        ('"', "&quot;"),
        ("a\nb", r"a\nb"),
        ("&", "&amp;"),
    ],
)
def test_escaped_source(label, field):
    assert f'label="{{ {field} | data 1.5000 | grad 0.0000 }}"' in draw_dot(Value(1.5, label=label)).source


@pytest.mark.parametrize(
    ("data", "text"),
    [(float("inf"), "inf"), (float("nan"), "nan"), (-0.0, "-0.0000"), (1e20, "100000000000000000000.0000")],
)
def test_numbers(data, text):
    assert f"data {text} |" in draw_dot(Value(data)).source


# ---- renderers -----------------------------------------------------------------------------------------------


@pytest.fixture
def no_dot(monkeypatch):
    """A machine without the dot program."""

    def pipe(self, *args, **kwargs):
        raise graphviz.ExecutableNotFound(["dot"])

    monkeypatch.setattr(graphviz.Digraph, "pipe", pipe)


class FakeAGraph:
    def __init__(self, string):
        self.string = string

    def draw(self, format, prog):
        return f"{prog} {format} {self.string}".encode()


def fake_pygraphviz(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", type(sys)("pygraphviz"))
    sys.modules["pygraphviz"].AGraph = FakeAGraph


def test_the_dot_program_comes_first(monkeypatch):
    fake_pygraphviz(monkeypatch)
    monkeypatch.setattr(graphviz.Digraph, "pipe", lambda self, format, quiet: b"by dot")
    assert render(draw_dot(Value(1.0))) == b"by dot"


@pytest.mark.parametrize(("given", "used"), [(None, "png"), ("svg", "svg")])
def test_pygraphviz_comes_second(monkeypatch, no_dot, given, used):
    fake_pygraphviz(monkeypatch)
    dot = draw_dot(Value(1.0), format="png")
    assert render(dot, given) == f"dot {used} {dot.source}".encode()


def test_without_any_renderer_the_error_names_both_ways_out(monkeypatch, no_dot):
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(RendererNotFound, match=r'install Graphviz.*pip install "fastgrad\[viz\]"'):
        render(draw_dot(Value(1.0)))


@needs_renderer
def test_unknown_format_of_a_rendering():
    with pytest.raises(ValueError, match="scroll"):
        render(draw_dot(Value(1.0)), "scroll")
