"""The player's page in a real browser: keys, buttons, mouse, and the numbers that it shows at every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fastgrad import Value, player
from fastgrad.playback import reverse_sweep
from fastgrad.playback.page import graph_of
from support import chromium
from support.chromium import Browser, Page
from support.player_graphs import HOSTILE, custom_operations, neuron, recorded

pytestmark = pytest.mark.skipif(chromium.PROGRAM is None, reason="no Chromium is installed")

Opened = Callable[..., Page]
TIMES = "\N{MULTIPLICATION SIGN}"
CONTROLS = {"button", "slider", "searchbox", "combobox", "checkbox"}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium.launched(str(tmp_path_factory.mktemp("profile"))) as browser:
        yield browser


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    """Opens the page of a graph, or a given page; at the end, no page may have reported a problem."""
    pages = []

    def open_page(what: Value | str, **options: Any) -> Page:
        path = tmp_path / "page.html"
        path.write_text(what if isinstance(what, str) else player(what, path=None).html, encoding="utf-8")
        pages.append(Page(browser, path.as_uri(), **options))
        return pages[-1]

    yield open_page
    assert [problem for page in pages for problem in page.problems()] == []
    for page in pages:
        page.close()


def shown_gradients(page: Page) -> list[float]:
    """The gradients of all nodes, from their tooltips, which have every digit."""
    titles = page.evaluate("[...document.querySelectorAll('.node')].map(node => node.title)")
    return [float(title.rpartition("grad ")[2]) for title in titles]


def expected_gradients(root: Value) -> list[list[float]]:
    """The gradients of all nodes, at every position of the timeline, in the order of the page."""
    order = values_on_page(root)
    gradients = dict.fromkeys(order, 0.0) | {root: 1.0}
    found = [[gradients[value] for value in order]]
    for step in reverse_sweep(root):
        gradients.update((contribution.operand, contribution.after) for contribution in step.contributions)
        found.append([gradients[value] for value in order])
    return [*found, found[-1]]


def values_on_page(root: Value) -> list[Value]:
    return list(graph_of(root, reverse_sweep(root)))


# ---- steps


@pytest.mark.parametrize("graph", [neuron, custom_operations, recorded])
def test_keys_step_forward_and_back_with_the_engines_numbers(opened: Opened, graph: Callable[[], Value]):
    root = graph()
    page, positions = opened(root), expected_gradients(root)
    assert shown_gradients(page) == positions[0]
    for expected in positions[1:]:
        page.press("ArrowRight")
        assert shown_gradients(page) == expected
    assert page.text(".kicker") == "Done"
    for expected in reversed(positions[:-1]):
        page.press("ArrowLeft")
        assert shown_gradients(page) == expected
    assert page.text(".kicker") == "Start"
    root.zero_grad()
    root.backward()
    page.press("End")
    assert shown_gradients(page) == [value.grad for value in values_on_page(root)]


def test_buttons_step_like_keys(opened: Opened):
    root = neuron()
    page, positions = opened(root), expected_gradients(root)
    for button, position in [
        ("forward", 1), ("forward", 2), ("back", 1), ("last", len(positions) - 1), ("back", len(positions) - 2),
        ("first", 0),
    ]:  # fmt: skip
        page.click(f"#{button}")
        assert shown_gradients(page) == positions[position], (button, position)
        assert page.evaluate("Number(document.querySelector('#timeline').value)") == position
    assert page.evaluate("document.querySelector('#back').disabled && !document.querySelector('#forward').disabled")


def test_the_timeline_steps(opened: Opened):
    root = neuron()
    page, positions = opened(root), expected_gradients(root)
    page.evaluate("document.querySelector('#timeline').focus()")
    for position in (1, 2, 3):
        page.press("ArrowRight")
        assert shown_gradients(page) == positions[position]
    page.press("End")
    assert page.text(".kicker") == "Done"


def test_play_runs_to_the_end_and_pauses(opened: Opened):
    page = opened(Value(2.0, label="a") * 3.0)
    page.evaluate("document.querySelector('#speed').value = 4")
    page.press(" ")
    assert page.evaluate("document.querySelector('#play').ariaLabel") == "Pause"
    page.press(" ")
    assert page.evaluate("document.querySelector('#play').ariaLabel") == "Play"
    page.click("#play")
    page.evaluate(
        "new Promise(done => { const look = () => document.querySelector('.kicker').textContent === 'Done' "
        "? done() : setTimeout(look, 20); look(); })"
    )
    assert page.evaluate("document.querySelector('#play').ariaLabel") == "Play"


def test_a_step_is_explained_at_its_edges_and_in_words(opened: Opened):
    a, b, c, f = (Value(x, label=name) for name, x in (("a", 2.0), ("b", -3.0), ("c", 10.0), ("f", -2.0)))
    loss = (a * b + c) * f
    loss.label = "L"
    page = opened(loss)
    page.press("ArrowRight")
    assert page.texts(".node.current .name") == ["L"]
    assert page.texts(".node.receives .name") == ["v2", "f"]
    assert sorted(page.texts(".pill")) == [f"local-2g {TIMES} local-2", f"local4g {TIMES} local4"]
    assert page.text("#panel h2") == "L = v2 * f"
    assert page.texts(".contribution dd") == [
        "∂L/∂v2 = f = -2", f"1 {TIMES} (-2) = -2", "v2.grad = 0 + (-2) = -2",
        "∂L/∂f = v2 = 4", f"1 {TIMES} 4 = 4", "f.grad = 0 + 4 = 4",
    ]  # fmt: skip
    assert page.text("#spoken") == "Step 1 of 3: L = v2 * f. v2.grad becomes -2. f.grad becomes 4."
    assert page.evaluate("document.querySelectorAll('.wire.current').length") == 2


def test_a_function_that_overwrites_is_named(opened: Opened):
    a = Value(3.0, label="a")
    out = Value(9.0, (a,), "square")

    def _backward() -> None:
        a.grad = 6.0 * out.grad

    out._backward = _backward
    page = opened(out + a)
    page.press("ArrowRight")
    assert page.texts(".warning") == []
    page.press("ArrowRight")
    assert page.texts(".warning") == ["The function left 6, not 7: does it add to the gradient, with +=?"]


# ---- search, pan and zoom


def camera(page: Page) -> list[float]:
    """The scale, and the position of the graph's corner."""
    return page.evaluate("(m => [m.a, m.e, m.f])(new DOMMatrix(document.querySelector('#graph').style.transform))")


def test_search_marks_labels_and_jumps_to_their_steps(opened: Opened):
    page = opened(neuron())
    page.press("/")
    page.press("W")
    assert sorted(page.texts(".node.match .name")) == ["w1", "w2"]
    assert page.text("#matches") == "2 found"
    page.press("Enter")
    first = page.texts(".node.receives .name")
    page.press("Enter")
    second = page.texts(".node.receives .name")
    assert ("w1" in first, "w2" in second) == (True, True) or ("w2" in first, "w1" in second) == (True, True)
    assert page.text("#matches") == "2 of 2"
    page.press("z")
    assert (page.text("#matches"), page.texts(".node.match")) == ("0 found", [])


def test_a_click_on_a_node_goes_to_its_step(opened: Opened):
    page = opened(neuron())
    page.click(".node:last-of-type")
    assert page.texts(".node.current .name") == ["o"]
    assert page.text(".kicker").startswith("Step 1 of 5")


def test_drag_pans_and_the_wheel_zooms_at_the_pointer(opened: Opened):
    page = opened(neuron(), prefers_reduced_motion="reduce")
    scale, x, y = camera(page)
    page.drag((400, 600), (450, 570))
    assert camera(page) == pytest.approx([scale, x + 50, y - 30])
    assert page.text(".kicker") == "Start"  # no click on a node
    page.scroll(300, 400, -200)
    page.evaluate("new Promise(requestAnimationFrame)")
    bigger, new_x, new_y = camera(page)
    assert bigger > scale
    top = page.evaluate("document.querySelector('#view').getBoundingClientRect().top")
    assert (300 - new_x) / bigger == pytest.approx((300 - x - 50) / scale, rel=1e-3)
    assert (400 - top - new_y) / bigger == pytest.approx((400 - top - y + 30) / scale, rel=1e-3)
    page.press("+")
    assert camera(page)[0] == pytest.approx(bigger * 1.25, rel=1e-4)
    page.press("-")
    page.click("#fit")
    assert camera(page) == pytest.approx([scale, x, y])


def test_the_current_node_stays_in_view(opened: Opened):
    x = Value(0.5, label="x")
    for _ in range(30):
        x = x.tanh()
    page = opened(x, prefers_reduced_motion="reduce")
    for _ in range(30):
        page.press("ArrowRight")
        left, right, width = page.evaluate(
            "(b => [b.left, b.right, document.querySelector('#view').clientWidth])"
            "(document.querySelector('.node.current').getBoundingClientRect())"
        )
        assert 0 <= left < right <= width
        assert right - left > 80


# ---- the page itself


def test_hostile_labels_are_shown_and_not_run(opened: Opened):
    root = Value(0.0)
    for label in HOSTILE:
        root = root + Value(2.0, (Value(3.0, label=label),), label)
    root.label = HOSTILE[0]
    page = opened(root)
    page.evaluate("window.alert = () => { throw Error('ran'); }")
    for _ in range(3):
        page.press("ArrowRight")
    names, signs = page.texts(".node .name"), page.texts(".node .badge")
    assert all(label in names and label in signs for label in HOSTILE)
    assert page.evaluate("document.querySelectorAll('script').length") == 2


def test_themes_differ_and_motion_can_be_reduced(opened: Opened):
    style = "getComputedStyle(document.querySelector('{}')).{}"
    backgrounds = set()
    for scheme in ("light", "dark"):
        page = opened(neuron(), prefers_color_scheme=scheme)
        page.press("ArrowRight")
        backgrounds.add(page.evaluate(style.format("body", "backgroundColor")))
        assert page.evaluate(style.format(".wire.current", "animationName")) == "flow"
    assert len(backgrounds) == 2
    page = opened(neuron(), prefers_reduced_motion="reduce")
    page.press("ArrowRight")
    assert page.evaluate(style.format(".wire.current", "animationName")) == "none"
    assert page.evaluate(style.format("#graph", "transitionDuration")) == "0s"


def test_every_control_has_a_name(opened: Opened):
    nodes = opened(neuron()).send("Accessibility.getFullAXTree")["nodes"]
    controls = [node for node in nodes if node.get("role", {}).get("value") in CONTROLS]
    assert {node["role"]["value"] for node in controls} == CONTROLS
    assert all(node["name"]["value"] for node in controls)


def test_a_notebook_shows_the_page_in_a_frame(opened: Opened):
    root = neuron()
    page = opened(f"<!doctype html><meta charset=utf-8>{player(root, path=None)._repr_html_()}")
    inside = "document.querySelector('iframe').contentDocument"
    page.drag((30, 30), (30, 30))  # a click on the heading, which gives the frame keyboard focus
    page.press("ArrowRight")
    titles = page.evaluate(f"[...{inside}.querySelectorAll('.node')].map(node => node.title)")
    assert [float(title.rpartition("grad ")[2]) for title in titles] == expected_gradients(root)[1]


def test_an_address_can_name_a_step(browser: Browser, tmp_path: Path):
    written = player(neuron(), tmp_path / "o.html").path
    assert written is not None
    page = Page(browser, f"{written.as_uri()}#step=3")
    assert page.text(".kicker").startswith("Step 3 of 5")
    assert page.problems() == []
