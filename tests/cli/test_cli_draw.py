"""`fastgrad draw`: what it computes, draws and prints, and which input it refuses."""

import math
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgrad import cli
from fastgrad.cli.expressions import ExpressionError, evaluate
from fastgrad.draw import draw_dot
from support.interpreters import DEBUG
from support.pictures import graph_in, has_renderer, texts

needs_renderer = pytest.mark.skipif(not has_renderer(), reason="no renderer is installed: see fastgrad info")


def result(text, **values):
    *_, last = evaluate(text, values).values()
    return last


# ---- expressions


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("a*b + c", 4.0),
        ("-a**2", -4.0),
        ("(-a)**2", 4.0),
        ("2**-1*a*b/c", -0.3),
        ("+a - -b - c", -11.0),
        ("tanh(a + b*0) * c", math.tanh(2.0) * 10),
        ("leaky_relu(b)", -0.03),
        ("leaky_relu(b, 0.1)", -3.0 * 0.1),
        ("leaky_relu(b, slope=0.1)", -3.0 * 0.1),
        ("maximum(a, b) + hypot(a, c)", 2.0 + math.hypot(2, 10)),
        ("sub(a, b)", 5.0),
        ("d = a*b; e = d + c; e*d", -24.0),
        ("0x10 + 1_000 + a", 1018.0),
        ("2*3 + a*0", 6.0),
        ("dot([a, b], [c, 2], 1) + dot([a], [a], bias=1)", 15.0 + 5.0),
        ("sum([a, b, c]) + max([a, b]) * mean([a, 4])", 15.0),
        ("softmax([a, b])[0] + softmax([a, b])[1]", 1.0),
        ("cross_entropy([a, b], 1)", 5.0 + math.log1p(math.exp(-5.0))),
        ("[a, b][1]", -3.0),
        ("  a  # twice\n", 2.0),
    ],
)
def test_results_of_expressions(text, number):
    values = {"a": 2.0, "b": -3.0, "c": 10.0}
    assert result(text, **{name: values[name] for name in re.findall(r"\b[abc]\b", text)}).data == pytest.approx(
        number, rel=1e-15
    )


def test_names_become_labels():
    known = evaluate("e = a*b; d = e + c; L = d*f; m = L", {"a": 2.0, "b": -3.0, "c": 10.0, "f": -2.0})
    assert {name: value.label for name, value in known.items()} == {
        "a": "a", "b": "b", "c": "c", "f": "f", "e": "e", "d": "d", "L": "L", "m": "L",
    }  # fmt: skip
    known["L"].backward()
    assert {name: known[name].grad for name in "abcfedL"} == {
        "a": 6.0, "b": -4.0, "c": -2.0, "f": 4.0, "e": -2.0, "d": -2.0, "L": 1.0,
    }  # fmt: skip


def test_a_number_alone_is_a_value():
    assert repr(result("2**0.5")) == f"Value(data={2**0.5})"
    assert result("half = 1/2; half").label == "half"


@pytest.mark.skipif(DEBUG, reason="a debug build of CPython does not parse as deep")
def test_a_long_sum_needs_no_stack():
    assert result("x" + "-x" * 900, x=1.0).data == -899.0


numbers = st.floats(-5, 5).map(lambda x: repr(abs(x)))
expressions = st.recursive(
    st.sampled_from(["a", "b", "c"]) | numbers,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "**"]), inner).map("({0[0]} {0[1]} {0[2]})".format)
        | inner.map("-{}".format)
        | inner.map("({})".format)
    ),
    max_leaves=12,
)


@given(expressions, st.fixed_dictionaries({name: st.floats(-4, 4) for name in "abc"}))
def test_random_expressions_equal_pythons_own(text, values):
    used = {name: x for name, x in values.items() if name in text}
    try:
        expected = eval(text, {}, used)
    except ArithmeticError as error:
        expected = error
    if isinstance(expected, float):
        assert repr(result(text, **used).data) == repr(expected)
    else:  # an error, or a complex number
        with pytest.raises(ExpressionError):
            evaluate(text, used)


HOSTILE = [
    # not a list of names and numbers
    ("__import__('os').system('true')", "is not allowed"),
    ("__import__(x)", "no operation '__import__'"),
    ("x.real", "'x.real' is not allowed"),
    ("x.__class__.__mro__", "is not allowed"),
    ("(lambda: x)()", "is not allowed"),
    ("[x for x in x]", "is not allowed"),
    ("x[0]", "'Value' object is not subscriptable"),
    ("[x][1]", "list index out of range"),
    ("[x][True]", "is not allowed"),
    ("[x][:1]", "is not allowed"),
    ("[x][x]", "is not allowed"),
    ("[*x]", "is not allowed"),
    ("[x]", "is a list: choose an element, as in"),
    ("y = softmax([x]); y + x", "is a list: choose an element, as in"),
    ("[x] * 1000000000", "mul needs a real number"),
    ("sum([[x]])", "needs a real number"),
    ("cross_entropy([x, x], 0.5)", "is the number of a class"),
    ("cross_entropy([x, x], 2)", "2"),
    ("(y := x)", "is not allowed"),
    ("f'{x}'", "is not allowed"),
    ("x if x else x", "is not allowed"),
    ("x < 1", "is not allowed"),
    ("x and x", "is not allowed"),
    ("not x", "is not allowed"),
    ("~x", "is not allowed"),
    ("x // 2", "is not allowed"),
    ("x % 2", "is not allowed"),
    ("x @ x", "is not allowed"),
    ("(x, x)", "is not allowed"),
    ("'x' * 9", "is not allowed"),
    ("2j * x", "is not allowed"),
    ("True + x", "is not allowed"),
    ("None", "is not allowed"),
    ("...", "is not allowed"),
    ("await x", "is not allowed|no expression"),
    ("(yield x)", "is not allowed"),
    ("tanh(*x)", "is not allowed"),
    ("tanh(**x)", "is not allowed"),
    ("tanh(x)(x)", "is not allowed"),
    # not statements of this language
    ("import os", "neither an expression nor name = expression"),
    ("x += 1", "neither an expression nor"),
    ("y = z = x", "neither an expression nor"),
    ("y, z = x", "neither an expression nor"),
    ("y: float = x", "neither an expression nor"),
    ("x.y = x", "neither an expression nor"),
    ("del x", "neither an expression nor"),
    ("def f(): pass", "neither an expression nor"),
    ("x; x", "only the last expression may go without a name"),
    # not an expression
    ("", "the expression is empty"),
    ("  # only a comment", "the expression is empty"),
    ("x +", "no expression"),
    ("(x", "no expression"),
    ("x y", "no expression"),
    ("1if x else 2", "no expression"),
    ("x\0", "no expression"),
    ("9" * 5000 + "*x", "no expression"),
    # too large
    ("(" * 4999 + "x" + ")" * 4999, "no expression|nested too deeply"),
    ("-" * 9000 + "x", "nested too deeply"),
    ("x**" * 3000 + "x", "nested too deeply"),
    ("x" + "+x" * 10_000, "20,001 characters is too long"),
    ("9**9**9 + x", "'9\\*\\*9\\*\\*9'"),
    ("x + 10**400", "'10\\*\\*400'"),
    ("x * " + "9" * 400, "too large"),
    # not computable
    ("x/(x - x)", "'x/\\(x - x\\)': .*division by zero"),
    ("1/0 + x", "'1/0': .*zero"),
    ("exp(1000*x)", "'exp\\(1000\\*x\\)'"),
    ("log(-x)", "'log\\(-x\\)'"),
    ("(-8)**(1/3) + x", "'\\(-8\\)\\*\\*\\(1/3\\)'"),
    ("tanh(x, x)", "'tanh\\(x, x\\)'"),
    ("tanh()*x", "'tanh\\(\\)'"),
    ("leaky_relu(slope=x)", "leaky_relu"),
    ("leaky_relu(x, slop=2)", "leaky_relu"),
    # names
    ("x*y*z", "no value for y, z: add y=NUMBER z=NUMBER"),
    ("y = z; z = x; y*z", "no value for z"),
    ("y = 2*y; y*x", "no value for y"),
    ("1 + 2", "nothing uses x"),
    ("y = 2*x; 3*x", "nothing uses y"),
    ("x = 2*x; x", "x has a value already"),
    ("y = x; y = y*x; y", "y has a value already"),
    ("tahn(x)", "no operation 'tahn': did you mean .*tanh"),
    ("qqqq(x)", "no operation 'qqqq'$"),
    ("dot(x, x)", "needs a sequence of numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), HOSTILE, ids=lambda text: text[:24])
def test_what_is_refused(text, message):
    with pytest.raises(ExpressionError, match=message):
        evaluate(text, {"x": 1.0})


# ---- the command

LESSON = ["e = a*b; d = e + c; L = d*f", "a=2", "b=-3", "c=10", "f=-2"]


def run(*words):
    return cli.main(["draw", *words])


def test_the_drawing_and_a_table(tmp_path, capsys):
    out = tmp_path / "L.dot"
    assert run(*LESSON, "-o", str(out)) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.splitlines() == [
        "L = -8.0",
        "name  data  grad",
        "a        2     6",
        "b       -3    -4",
        "c       10    -2",
        "f       -2     4",
        "e       -6    -2",
        "d        4    -2",
        "L       -8     1",
        f"wrote {out}",
    ]
    assert '"{ L | data -8.0000 | grad 1.0000 }"' in out.read_text()


def test_dot_text_on_stdout_and_the_table_beside_it(capsys):
    assert run("2*x", "x=3") == run("2*x", "x=3", "-o", "-") == 0
    printed = capsys.readouterr()
    assert printed.out.count("digraph {") == 2
    assert printed.err.count("2*x = 6.0\nname  data  grad\nx        3     2\n") == 2


def test_without_backward(tmp_path, capsys):
    assert run("2*x", "x=3", "--no-backward", "-o", str(tmp_path / "x.gv")) == 0
    assert "name  data\nx        3\n" in capsys.readouterr().out
    assert "every gradient is 0 until backward() runs" in (tmp_path / "x.gv").read_text()


@needs_renderer
def test_a_picture_has_the_graph(tmp_path):
    assert run(*LESSON, "-o", str(tmp_path / "L.SVG")) == 0
    svg = (tmp_path / "L.SVG").read_text()
    assert {"a", "f", "data -8.0000", "grad 6.0000"} <= set(texts(svg))
    nodes, edges = graph_in(svg)
    assert (len(nodes), len(edges)) == (7 + 3, 6 + 3)
    assert [path.name for path in tmp_path.iterdir()] == ["L.SVG"]


def test_options_are_those_of_draw_dot(tmp_path):
    options = ["--show", "label,grad", "--color", "grad", "--no-constants", "--precision", "1", "--rankdir", "TB"]
    assert run("2*x", "x=3", "-o", str(tmp_path / "x.dot"), *options) == 0
    source = (tmp_path / "x.dot").read_text()
    value = result("2*x", x=3.0)
    value.backward()
    expected = draw_dot(
        value, show=("label", "grad"), color="grad", constants=False, precision=1, rankdir="TB"
    )  # fmt: skip
    without_names = [line.split("[")[-1] for line in source.splitlines() if "->" not in line]
    assert without_names == [line.split("[")[-1] for line in expected.source.splitlines() if "->" not in line]


def test_values_may_stand_anywhere(tmp_path):
    out = str(tmp_path / "x.dot")
    assert run("-o", out, "a*b", "a=2", "b=3") == 0
    assert run("a*b", "a=2", "-o", out, "b=3") == 0
    assert run("a*b", "-o", out, "a=2", "b=3") == 0


def test_names_are_those_that_python_reads(tmp_path):
    out = str(tmp_path / "x.dot")
    assert run("\N{MICRO SIGN} * 2", "\N{MICRO SIGN}=3", "-o", out) == 0
    assert run("(-x)", "x=1e-3", "-o", out) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a*b", "a=2"], "no value for b: add b=NUMBER"),
        (["a", "a=2", "b=3"], "nothing uses b"),
        (["a", "a"], "'a' is not NAME=NUMBER"),
        (["a", "2=a"], "'2=a' is not NAME=NUMBER"),
        (["a", "lambda=2"], "'lambda=2' is not NAME=NUMBER"),
        (["a", "a=two"], "'a=two': 'two' is not a number"),
        (["a", "a="], "'a=': '' is not a number"),
        (["a", "a=1", "a=2"], "a is given twice"),
        (["__import__('os')"], "there is no operation '__import__'"),
        (["a", "a=1", "-o", "picture"], "'picture' names no format"),
        (["a", "a=1", "-o", "a.scroll"], "'a.scroll' names no format"),
        (["a", "a=1", "-o", "no/such/folder/a.dot"], "no/such/folder/a.dot"),
        (["a", "a=1", "--show", "label,size"], "'size'"),
        (["a", "a=1", "--precision", "99"], "99"),
        (["a*a*a", "a=1", "--max-nodes", "0"], "max_nodes must be 1 or more, got 0"),
        (["a*a*a", "a=1", "--depth", "-1"], "depth must be 0 or more, got -1"),
    ],
)
def test_errors_go_to_stderr(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(*words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("fastgrad draw: ")
    assert printed.err.count("\n") == 1
    assert message in printed.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [[], ["a", "a=1", "--size", "3"], ["a", "--color", "red"]])
def test_wrong_options(words, capsys):
    with pytest.raises(SystemExit) as exit:
        run(*words)
    assert exit.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_without_a_renderer(no_renderer, tmp_path, capsys):
    assert run("2*x", "x=3", "-o", str(tmp_path / "x.svg")) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert 'pip install "fastgrad[viz]"' in printed.err
    assert not (tmp_path / "x.svg").exists()


def test_ctrl_c(monkeypatch, capsys):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("fastgrad.Value.draw_dot", interrupted)
    assert run("2*x", "x=3") == 130
    assert capsys.readouterr().err == "fastgrad draw: interrupted\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a closed pipe is another error there")
def test_a_reader_that_stops_reading():
    program = [sys.executable, "-m", "fastgrad", "draw", "x" + "+x" * 150, "x=1"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        command.stdout.close()
        assert b"Broken pipe" not in command.stderr.read()
    assert command.returncode == 2
