"""`import fastgrad` stays light: dependencies of drawing, training and typing are imported on demand."""

import pkgutil
from types import ModuleType

import pytest

import fastgrad
from support.interpreters import FREE_THREADED
from support.programs import run


def test_import_brings_in_nothing_heavy():
    output = run(
        """
        import sys
        before = set(sys.modules)
        import fastgrad
        heavy = {"graphviz", "json", "matplotlib", "numpy", "pickle", "random", "tqdm", "typing"}
        print(sorted(heavy & (set(sys.modules) - before)))
        """
    )
    assert output == "[]\n"


@pytest.mark.skipif(not FREE_THREADED, reason="needs a free-threaded CPython")
def test_a_free_threaded_interpreter_enables_its_gil_and_says_so():
    run(
        """
        import sys, warnings
        assert not sys._is_gil_enabled()
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            import fastgrad
        assert sys._is_gil_enabled()
        assert any("fastgrad._core" in str(warning.message) for warning in warned), warned
        """,
        PYTHON_GIL="",
    )


def test_submodules_are_there_when_asked_for():
    assert fastgrad.draw.draw_dot is fastgrad.draw_dot
    assert fastgrad.draw.trace is fastgrad.trace
    assert fastgrad.nn.MLP is fastgrad.nn.perceptron.MLP
    assert fastgrad.save.__module__ == fastgrad.load.__module__ == "fastgrad.io.save"
    assert fastgrad.engine.Value is fastgrad.Value
    assert fastgrad.reference.Value is not fastgrad.Value
    assert all(hasattr(fastgrad, name) for name in fastgrad.__all__)
    assert not hasattr(fastgrad, "autograd")


def test_no_module_has_the_name_of_an_export():
    modules = {module.name for module in pkgutil.iter_modules(fastgrad.__path__)}
    given = {name for name in fastgrad.__all__ if not isinstance(getattr(fastgrad, name), ModuleType)}
    assert modules & given == set()  # importing such a module would replace the other
