"""The documentation is run: its programs work, and print what they say; its pictures and links exist."""

import re
from pathlib import Path

import pytest

import fastgrad
from programs import run

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def programs() -> list[tuple[str, str]]:
    blocks = re.compile(r"```python\n(.*?)```", re.DOTALL)
    return [(f"{page.name}-{i}", code) for page in PAGES for i, code in enumerate(blocks.findall(page.read_text()))]


@pytest.mark.parametrize("code", [pytest.param(code, id=name) for name, code in programs()])
def test_program_prints_what_its_comments_say(code: str):
    printed = run(code).splitlines()
    said = re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    assert len(printed) == len(said)
    for line, comment in zip(printed, said, strict=True):
        assert re.fullmatch(re.escape(comment).replace(r"\.\.\.", r"\d*"), line), f"{line!r} is not {comment!r}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_project_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_readme_counts_the_operations():
    assert f"**{len(fastgrad.operations())} operations**" in (ROOT / "README.md").read_text()
