"""Drawings: the user's graph, the right text in every box, and the options."""

import math
import operator
import re

import pytest

import fastgrad
from fastgrad import Graph, dot, jit
from fastgrad.draw import draw_dot, trace
from fastgrad.draw.colors import Scale
from fastgrad.draw.graph import has_at_most
from fastgrad.engine import Value
from support.pictures import (
    EXPRESSIONS,
    LESSONS,
    breadth_first_drawing,
    chain_of_products,
    custom_operations,
    graph_in,
    has_renderer,
    neuron,
    neuron_from_exponentials,
    parts,
    recursive_drawing,
    recursive_trace,
    squares,
    texts,
)

each_expression = pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda f: f.__name__)
needs_renderer = pytest.mark.skipif(not has_renderer(), reason="no renderer is installed: see fastgrad info")

NOTE = "every gradient is 0 until backward() runs"


@each_expression
def test_trace_is_the_users_own(expression):
    root = expression()
    # Constant operands are leaves as long as something holds them.
    held = root.topological_order()
    assert trace(root) == recursive_trace(root)
    assert trace(root)[0] == set(held)


@each_expression
@pytest.mark.parametrize("swept", [False, True])
def test_the_drawing_is_the_users_own(expression, swept):
    root = expression()
    held = root.topological_order()
    if swept and expression is not custom_operations:
        root.backward()
    assert sorted(draw_dot(root).body) == sorted(recursive_drawing(root).body)
    assert len(held) == len(trace(root)[0])


@needs_renderer
@pytest.mark.parametrize("users_own", [recursive_drawing, breadth_first_drawing])
@pytest.mark.parametrize("lesson", LESSONS)
def test_the_picture_of_each_lesson_has_the_nodes_and_edges_of_the_users_own(lesson, users_own):
    root = lesson()
    held = root.topological_order()
    users_picture = draw_dot(Value(0.0))
    users_picture.body = users_own(root).body
    assert graph_in(draw_dot(root).pipe()) == graph_in(users_picture.pipe())
    assert len(parts(draw_dot(root).pipe(), "node")) == len(held) + sum(bool(node._op) for node in held)


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
    assert root.draw_dot(show="data", precision=1).source == draw_dot(root, show="data", precision=1).source
    assert len(held) == 7


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
def test_rankdir(rankdir):
    assert f"rankdir={rankdir}" in draw_dot(Value(1.0), rankdir=rankdir).source


@pytest.mark.parametrize(
    ("option", "message"),
    [
        *[({"rankdir": wrong}, repr(wrong)) for wrong in ("RL", "lr", "", None)],
        ({"format": "scroll"}, "scroll"),
        ({"show": ("label", "value")}, "'value'"),
        ({"show": "gradient"}, "'gradient'"),
        ({"color": "red"}, "'red'"),
        ({"precision": -1}, "-1"),
        ({"precision": 18}, "18"),
    ],
)
def test_wrong_options(option, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        draw_dot(Value(1.0), **option)


@pytest.mark.parametrize("root", [1.0, None, "a", [Value(1.0)]], ids=str)
@pytest.mark.parametrize("function", [trace, draw_dot])
def test_only_values_are_drawn(function, root):
    with pytest.raises(TypeError, match=type(root).__name__):
        function(root)


def test_a_function_that_is_recorded_is_not_drawn():
    @jit
    def f(x):
        draw_dot(x * 2)
        return x

    with pytest.raises(TypeError, match="being recorded"):
        f(Value(1.0))


# ---- large graphs (for drawings by groups see test_draw_groups.py)


def test_graphs_beyond_max_nodes_are_drawn_by_groups():
    a = Value(1.0)
    root = a + a + a + a
    assert "group" not in draw_dot(root, max_nodes=4).source
    assert "4 Values" in draw_dot(root, max_nodes=3).source


def test_constants_count():
    root = Value(1.0) * 2
    assert has_at_most(root, 3)
    assert not has_at_most(root, 2)
    assert "2 Values\\n1 leaf\\n1 constant" in draw_dot(root, max_nodes=1).source


def test_bound_leaves_of_a_recording_do_not_count():
    weights = [Value(float(i)) for i in range(500)]
    y = jit(lambda x: sum(w * x for w in weights))(Value(2.0))
    assert len(draw_dot(y, max_nodes=2).body) == 2 + 1 + 2


def test_no_limit():
    root = Value(1.0)
    for _ in range(500):
        root = -root
    assert sum("record" in line for line in draw_dot(root, max_nodes=None).body) == 501


# ---- what to show


def boxes(drawing):
    """The labels of the records, and of the ellipses."""
    records = [re.search(r'label="(.*)" shape=record', line) for line in drawing.body]
    ellipses = [re.search(r'label="?([^"]*)"?\]', line) for line in drawing.body if "shape" not in line]
    return [match[1] for match in records if match], [match[1] for match in ellipses if match]


@pytest.mark.parametrize(
    ("show", "box"),
    [
        (("label", "data", "grad", "op"), "{ e | data -6.0000 | grad -2.0000 }"),
        (("grad", "label"), "{ grad -2.0000 | e }"),
        (["data", "data"], "{ data -6.0000 }"),
        ("label", "{ e }"),
    ],
)
def test_the_fields_of_a_box(show, box):
    root = chain_of_products()
    root.backward()
    assert box in boxes(draw_dot(root, show=show))[0]


def test_without_operations_operands_point_to_their_results():
    a, b = Value(2.0), Value(3.0)
    root = a * b
    drawing = draw_dot(root, show=("label", "data"))
    assert {tuple(line.split()[::2]) for line in drawing.body if "->" in line} == {
        (str(id(a)), str(id(root))),
        (str(id(b)), str(id(root))),
    }
    assert boxes(drawing)[1] == []


def test_without_fields_values_are_dots():
    drawing = draw_dot(squares(), show="op")
    assert sum("shape=circle" in line for line in drawing.body) == 4
    assert boxes(drawing) == (["{ 2 }"], ["*", "**", "+"])


@pytest.mark.parametrize(("precision", "text"), [(0, "data 2 "), (1, "data 1.7 "), (10, "data 1.6666666667 ")])
def test_precision(precision, text):
    assert text in draw_dot(Value(5 / 3), precision=precision).source


@pytest.mark.parametrize(
    ("data", "text"),
    [(math.inf, "inf"), (math.nan, "nan"), (-0.0, "-0.0000"), (1e20, "100000000000000000000.0000")],
)
def test_numbers(data, text):
    assert f"data {text} |" in draw_dot(Value(data)).source


# ---- constants


def test_a_constant_is_a_box_with_its_number():
    x = Value(4.0, label="x")
    assert boxes(draw_dot(0.5 * x**2 - 1)) == (
        ["{ x | data 4.0000 | grad 0.0000 }", "{  | data 16.0000 | grad 0.0000 }", "{ 2 }",
         "{  | data 8.0000 | grad 0.0000 }", "{ 0.5 }", "{  | data 7.0000 | grad 0.0000 }", "{ 1 }"],
        ["**", "*", "-"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (lambda x: 2 * x, "2 *"),
        (lambda x: x * 2, "* 2"),
        (lambda x: 1 - x, "1 -"),
        (lambda x: x**-0.5, "** -0.5"),
        (lambda x: x.leaky_relu(0.1), "leaky_relu 0.1"),
        (lambda x: x * x, "*"),
        (lambda x: dot([x, 2.0], [3.0, 4.0]), "dot"),
        (lambda x: x.tanh(), "tanh"),
    ],
)
def test_without_boxes_constants_stand_beside_the_symbol(expression, text):
    drawing = draw_dot(expression(Value(4.0)), constants=False)
    assert boxes(drawing)[1] == [text]
    assert len(boxes(drawing)[0]) == 2


def test_drawing_makes_no_leaf_of_a_constant(live_nodes):
    x = Value(4.0)
    y = 2 * x + 1
    count = live_nodes()
    draw_dot(y)
    draw_dot(y, color="data", constants=False)
    y._repr_mimebundle_()
    assert live_nodes() == count
    assert Graph(y, inputs=[x]).parameters == ()
    assert len(trace(y)[0]) == 5
    assert live_nodes() == count + 2


# ---- the note


def note(drawing):
    return drawing.graph_attr.get("label")


def test_a_note_says_that_backward_has_not_run():
    root = neuron()
    assert note(draw_dot(root)) == NOTE
    root.backward()
    assert note(draw_dot(root)) is None
    root.zero_grad()
    assert note(draw_dot(root)) == NOTE


def test_gradients_by_hand_need_no_note():
    root = chain_of_products()
    root.topological_order()[0].grad = 6.0
    assert note(draw_dot(root)) is None


def test_no_note_without_gradients():
    assert note(draw_dot(neuron(), show=("label", "data", "op"))) is None
    assert note(draw_dot(Value(1.0))) is None


@needs_renderer
def test_the_note_is_in_the_picture():
    assert NOTE in texts(draw_dot(neuron()).pipe())


# ---- colors


def test_boxes_are_filled_by_their_numbers():
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    root = a * b * 0.0
    drawing = draw_dot(root, color="data", show=("label", "data"))
    fills = dict(re.findall(r'data (\S+) }" fillcolor="(.*?)"', drawing.source))
    scale = Scale(6.0)
    assert fills == {
        "2.0000": scale.color(2.0),
        "-3.0000": scale.color(-3.0),
        "-6.0000": scale.color(-6.0),
        "-0.0000": "#ffffff",
    }


@needs_renderer
def test_a_legend_names_the_ends_of_the_scale():
    root = neuron()
    root.backward()
    svg = draw_dot(root, color="grad", precision=2).pipe()
    assert "-1.50        grad 0        1.50" in texts(svg)
    assert "legend" in parts(svg, "node")


def test_numbers_that_are_all_zero_need_no_legend():
    drawing = draw_dot(neuron(), color="grad")
    assert "legend" not in drawing.source
    assert set(re.findall('fillcolor="(.*?)"', "".join(drawing.body))) == {"#ffffff"}


def test_infinite_numbers_have_the_colors_of_the_ends():
    scale = Scale.over([1.0, -2.0, math.inf, math.nan])
    assert scale.limit == 2.0
    assert scale.color(math.inf) == scale.color(2.0)
    assert scale.color(-math.inf) == scale.color(-2.0)
    assert scale.color(math.nan) not in {scale.color(0.0), scale.color(2.0), scale.color(-2.0)}


def linear(color):
    """The intensities of red, green and blue, 0 to 1."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def contrast(one, other):
    """WCAG 2's contrast ratio."""
    dark, light = sorted(math.fsum(map(operator.mul, (0.2126, 0.7152, 0.0722), linear(c))) for c in (one, other))
    return (light + 0.05) / (dark + 0.05)


def test_text_is_readable_on_every_color():
    ink = re.search('fontcolor="(.*?)" fontname.*rounded', draw_dot(Value(1.0)).source)[1]
    fills = [Scale(1.0).color(i / 50) for i in range(-50, 51)] + [Scale(1.0).color(math.nan)]
    assert min(contrast(ink, fill) for fill in fills) > 4.5


@pytest.mark.parametrize("background", ["#ffffff", "#111111"])
def test_lines_and_the_note_are_readable_on_light_and_dark(background):
    drawing = draw_dot(neuron())
    assert drawing.graph_attr["bgcolor"] == "transparent"
    for color in (drawing.node_attr["color"], drawing.edge_attr["color"], drawing.graph_attr["fontcolor"]):
        assert contrast(color, background) > 3


# Simulates colors without red-sensitive or green-sensitive cones, as Vienot, Brettel and Mollon (1999) do.
DICHROMATS = {
    "protanope": [(0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)],
    "deuteranope": [(0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)],
}


@pytest.mark.parametrize("sight", DICHROMATS)
def test_the_signs_differ_for_the_color_blind(sight):
    def seen(color):
        return [math.fsum(map(operator.mul, row, linear(color))) for row in DICHROMATS[sight]]

    below, above = seen(Scale(1.0).color(-1.0)), seen(Scale(1.0).color(1.0))
    assert below[2] > below[0] + 0.25  # blue
    assert above[0] > above[2] + 0.25  # yellow


# ---- the text in the boxes

AWKWARD = [
    "a|b", "{x}", "<b>bold</b>", "<i>", '"quoted"', '"', "it's", "\\", "a\\", "\\\\", '\\"', "\\n", "\\N \\G \\l",
    "\\{", "&", "&lt;", "&quot;", "&#65;", "two\nlines", "a  b   c", " lead", "trail ", "∂L/∂w é 日本",
    "->", "a;b", "a:b", "a=b", "%d %s", "#", "/* x */", "//", "digraph",
]  # fmt: skip


@needs_renderer
@pytest.mark.parametrize("text", AWKWARD)
def test_labels_are_shown_as_they_are(text):
    *label, data, grad = texts(draw_dot(Value(1.5, label=text)).pipe())
    assert "\n".join(label) == text
    assert (data, grad) == ("data 1.5000", "grad 0.0000")


@needs_renderer
@pytest.mark.parametrize("text", AWKWARD)
def test_operations_are_shown_as_they_are(text):
    svg = draw_dot(Value(1.5, (Value(2.0),), text), show=("data", "op")).pipe()
    assert (len(parts(svg, "node")), len(parts(svg, "edge"))) == (3, 2)
    assert "\n".join(line for line in texts(svg) if not line.startswith("data ")) == text


@needs_renderer
@pytest.mark.parametrize("text", ["\x00", "\x1b[1m", "a\tb", "\x7f", "\x85", "\ufffe", "\r\n"])
def test_control_characters_do_not_break_the_picture(text):
    assert texts(draw_dot(Value(1.5, label=text)).pipe())[-2:] == ["data 1.5000", "grad 0.0000"]


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


# --- sequence operations


def drawn_operations(root: Value, **options: bool) -> list[str]:
    """The labels of the ellipses, whose names extend the number of a Value."""
    ellipse = r"^\t\"?\d+[^\"\s\d][^\"\s]*\"? \[label=\"?([^\"]*?)\"?\]$"
    return sorted(re.findall(ellipse, draw_dot(root, **options).source, re.MULTILINE))


def test_a_dot_is_one_ellipse_and_expanded_its_products_and_sums():
    ws, xs = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    result = fastgrad.dot(ws, xs, Value(1.0))
    assert drawn_operations(result) == ["dot"]
    assert drawn_operations(result, expand=True) == ["*", "*", "+", "+"]
    assert result._op == "dot"


def test_an_expanded_drawing_shows_gradients_and_changes_none():
    ws, xs = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)]
    result = fastgrad.dot(ws, xs).tanh()
    result.backward(0.5)
    before = [v.grad for v in (*ws, *xs, result)]
    source = draw_dot(result, expand=True).source
    assert [v.grad for v in (*ws, *xs, result)] == before
    slope = 0.5 * (1.0 - result.data**2)
    assert source.count(f"grad {slope:.4f}") >= 3  # of both products and their sum


def test_softmax_is_one_ellipse_with_an_element_for_each_result():
    p = fastgrad.softmax([Value(0.1), Value(0.2)])
    assert drawn_operations(p[0] * p[1]) == ["*", "[0]", "[1]", "softmax"]
