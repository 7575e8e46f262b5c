"""What a notebook shows: a Value as its graph, a drawing as its picture, and text if there is no picture."""

import html
import re

import pytest

from fastgrad import _core, jit
from fastgrad.draw import draw_dot
from fastgrad.draw.notebook import MAX_GROUPED, MAX_SHOWN
from fastgrad.engine import Value
from support.pictures import custom_operations, graph_in, has_renderer, neuron, texts

needs_renderer = pytest.mark.skipif(not has_renderer(), reason="no renderer is installed: see fastgrad info")

SVG = "image/svg+xml"


def chain(count):
    """The last of `count` Values."""
    value = Value(0.0)
    for _ in range(count - 1):
        value = -value
    return value


# ---- a Value


@needs_renderer
@pytest.mark.parametrize("expression", [neuron, custom_operations, lambda: Value(2.0, label="a")])
def test_a_value_shows_its_graph(expression):
    root = expression()
    held = root.topological_order()  # a node's name is an id
    bundle = root._repr_mimebundle_()
    assert list(bundle) == ["text/plain", SVG]
    assert bundle["text/plain"] == repr(root)
    assert graph_in(bundle[SVG]) == graph_in(draw_dot(root).pipe())
    assert {str(id(value)) for value in held} <= graph_in(bundle[SVG])[0]


@needs_renderer
def test_shown_fields_can_be_chosen():
    value = neuron()
    plain = {"text/plain": repr(value)}
    assert value._repr_mimebundle_(include=["text/plain"]) == plain
    assert value._repr_mimebundle_(exclude=[SVG]) == plain
    assert SVG in value._repr_mimebundle_(include=[SVG], exclude=["image/png"])


@needs_renderer
def test_a_large_graph_is_shown_by_groups():
    assert "Values" not in "".join(texts(chain(MAX_SHOWN)._repr_mimebundle_()[SVG]))
    bundle = chain(MAX_SHOWN + 1)._repr_mimebundle_()
    assert {"neg", "101 Values"} <= set(texts(bundle[SVG]))
    assert bundle["text/plain"] == "Value(data=0.0)"


def test_a_graph_that_would_take_long_is_text_that_says_how_to_draw_it():
    text = "Value(data=0.0)  # the result of 100,001 Values: .draw_dot() draws them by groups"
    assert chain(MAX_GROUPED + 1)._repr_mimebundle_() == {"text/plain": text}


def test_without_a_renderer_a_value_is_text(no_renderer):
    assert neuron()._repr_mimebundle_() == {"text/plain": "Value(data=0.707106777676776)"}


def test_a_notebook_shows_text_if_a_renderer_fails(monkeypatch):
    def pipe(*args, **options):
        raise OSError("out of paper")

    monkeypatch.setattr("fastgrad.draw.Digraph.pipe", pipe)
    assert Value(1.0)._repr_mimebundle_() == {"text/plain": "Value(data=1.0)"}


def test_repr_draws_nothing(monkeypatch):
    monkeypatch.setattr("fastgrad.draw.Digraph.pipe", pytest.fail)
    assert repr(neuron()) == "Value(data=0.707106777676776)"


@needs_renderer
def test_showing_changes_nothing():
    value = neuron()
    value.backward()
    before = [(node.data, node.grad, node.label) for node in value.topological_order()]
    value._repr_mimebundle_()
    assert [(node.data, node.grad, node.label) for node in value.topological_order()] == before


def test_a_value_of_a_recording_is_text():
    shown = []

    @jit
    def f(x):
        y = 3 * x
        shown.append(y._repr_mimebundle_())
        return y

    x = Value(2.0)
    assert [f(x).data, f(Value(5.0)).data] == [6.0, 15.0]
    assert shown == [{"text/plain": "Value(data=6.0)"}]
    assert not _core.is_tracing()


# ---- a drawing


@needs_renderer
def test_a_drawing_shows_its_picture():
    drawing = draw_dot(Value(2.0))
    assert drawing._repr_mimebundle_() == {SVG: drawing.pipe(encoding="utf-8")}


def size(svg):
    return [float(number) for number in re.search('<svg width="(.*)pt" height="(.*)pt"', svg).groups()]


@needs_renderer
@pytest.mark.parametrize(("count", "least"), [(2, 1.0), (4, 0.6), (30, 0.55)])
def test_a_wide_picture_is_shown_as_narrow_as_text_stays_readable(count, least):
    drawing = draw_dot(chain(count))
    width, height = size(drawing.pipe(encoding="utf-8"))
    shown = size(drawing._repr_mimebundle_()[SVG])
    scale = max(min(1.0, 700 / width), 0.55)
    assert scale >= least
    assert shown == pytest.approx([width * scale, height * scale], abs=0.51)


def test_without_a_renderer_a_drawing_shows_its_text_and_what_to_install(no_renderer):
    drawing = draw_dot(Value(1.0, label="<a>"))
    bundle = drawing._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    for text in (bundle["text/plain"], html.unescape(bundle["text/html"])):
        assert "install Graphviz" in text
        assert 'pip install "fastgrad[viz]"' in text
        assert drawing.source in text
    assert "<a>" not in bundle["text/html"]


@pytest.mark.parametrize("shown", [[SVG], ["image/png"]])
def test_any_format_for_a_notebook_without_a_renderer(no_renderer, shown):
    assert "install" in draw_dot(Value(1.0))._repr_mimebundle_(include=shown)["text/plain"]
