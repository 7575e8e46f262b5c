"""Tests that documentation programs run and print what they say, and that pictures, links and quotations exist."""

import importlib
import json
import re
from pathlib import Path

import pytest

from support.paths import ROOT
from support.programs import run

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT / "docs" if page.is_relative_to(DOCS) else ROOT))


def programs() -> list[tuple[str, str]]:
    """Each block is a program, except that a lesson is one program from its first block to its last."""
    found = []
    for page in PAGES:
        blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
        if page.parent == DOCS / "learn":
            blocks = ["\n".join(blocks)] if blocks else []
        found += [(f"{name_of(page)}-{i}", code) for i, code in enumerate(blocks)]
    return found


def names_after(lines: list[str]) -> dict[str, object]:
    names: dict[str, object] = {}
    for line in lines:
        exec(line, names)
    return names


def columns(page: Path) -> list[list[str]]:
    """The code in tables with the heads "there" and "here", from top to bottom: there and here."""
    tables = re.findall(r"^\| there[^\n]*\| here \|\n\|[-|]+\n((?:\|.*\n)+)", page.read_text(), re.MULTILINE)
    rows = [re.split(r"(?<!\\)\|", row)[1:3] for table in tables for row in table.splitlines()]
    return [
        [line.replace(r"\|", "|") for cell in side for line in re.findall(r"`([^`]+)`", cell)]
        for side in zip(*rows, strict=True)
    ]


def numbers(names: dict[str, object]) -> dict[str, float]:
    return {name: x for name, x in names.items() if isinstance(x, float)}


@pytest.mark.parametrize("code", [pytest.param(code, id=name) for name, code in programs()])
def test_program_prints_what_its_comments_say(code: str):
    printed = run(code).splitlines()
    said = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    assert len(printed) == len(said)
    for line, comment in zip(printed, said, strict=True):
        assert re.fullmatch(re.escape(comment).replace(r"\.\.\.", r"\d*"), line), f"{line!r} is not {comment!r}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_within_the_project_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_quotations_exist_in_the_files_that_they_quote(page: Path):
    quotations = re.findall(r"```\{literalinclude\} (\S+)\n(.*?)```", page.read_text(), re.DOTALL)
    for file, options in quotations:
        text = (page.parent / file).read_text()
        anchors = re.findall(r'^:(?:start-at|end-at|end-before): (".*")$', options, re.MULTILINE)
        assert anchors
        for anchor in map(json.loads, anchors):
            assert anchor in text, f"{file} no longer has {anchor!r}"


@pytest.mark.parametrize("there", ["micrograd", "torch", "microgpt"])
def test_lines_of_a_migration_run_here_and_give_the_same_numbers_as_there(there: str):
    page = DOCS / "coming_from" / f"{'pytorch' if there == 'torch' else there}.md"
    theirs, ours = columns(page)
    here = numbers(names_after(ours))
    assert here
    if there == "microgpt":  # a script, not a package: the left side of the import works here too
        theirs[0] = ours[0]
    else:
        pytest.importorskip(there, reason=f"the left column needs {there}")
    found = numbers(names_after(theirs))
    assert {name: found[name] for name in here} == pytest.approx(here, rel=1e-6)


@pytest.mark.parametrize("page", sorted((DOCS / "api").glob("*.rst")), ids=name_of)
def test_api_page_names_what_exists(page: Path):
    module = "fastgrad"
    for directive, name in re.findall(
        r"^\.\. (currentmodule|automodule|autofunction|autoclass|autoexception):: (\S+)$", page.read_text(), re.M
    ):
        if directive.endswith("module"):
            module = importlib.import_module(name).__name__
        else:
            assert hasattr(importlib.import_module(module), name), f"{module}.{name}"
