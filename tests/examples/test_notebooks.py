"""The lessons in examples/notebooks: they run, and show the numbers of the lecture and its retellings."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from support.paths import ROOT
from support.programs import run

LESSONS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))
SVG = "{http://www.w3.org/2000/svg}"
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.stem)


def read(lesson: Path) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(lesson.read_text(encoding="utf-8"))
    return notebook


def outputs(lesson: str, cell_id: str) -> list[dict[str, Any]]:
    """The outputs of a cell in the file, each with its contents by kind."""
    path = next(path for path in LESSONS if path.stem.startswith(lesson))
    cell = next(cell for cell in read(path)["cells"] if cell["id"] == cell_id)
    return [output.get("data", {"text/plain": output.get("text")}) for output in cell["outputs"]]


def notebooks(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run tools/notebooks.py with warnings as errors."""
    pytest.importorskip("IPython", reason="the notebooks run in IPython's shell")
    command = [sys.executable, "-X", "dev", "-W", "error", ROOT / "tools" / "notebooks.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)


# ---- running


def test_every_cell_shows_what_is_in_the_file():
    done = notebooks("--check")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


SPOILS = {  # cell: the text to replace, its replacement, the tool's message
    "nudge-f": ("3.9999999999995595", "3.9999999999895595", "shows '3.9999999999995595', not '3.99999999998"),
    "first-part": ("is made", "was made", 'shows "d is made by'),
    "first-picture": ("data 10.0000", "data 11.0000", "draws "),
    "forward-picture": ('class="edge"', 'class="none"', "draws "),
    "picture-d-f": ("image/svg+xml", "image/jpeg", "shows ['image/svg+xml'], not ['image/jpeg']"),
    "ascend": ("-7.28\n", "-7.28\nand more", "shows 'before"),
}


def replaced(outputs: Any, right: str, wrong: str) -> Any:
    text, right, wrong = json.dumps(outputs), json.dumps(right)[1:-1], json.dumps(wrong)[1:-1]
    assert right in text
    return json.loads(text.replace(right, wrong, 1))


def test_every_kind_of_difference_is_noticed_and_repaired(tmp_path: Path):
    notebook = read(LESSONS[1])
    for cell in notebook["cells"]:
        if cell["id"] in SPOILS:
            cell["outputs"] = replaced(cell["outputs"], *SPOILS[cell["id"]][:2])
    spoiled = tmp_path / "spoiled.ipynb"
    spoiled.write_text(json.dumps(notebook), encoding="utf-8")

    done = notebooks("--check", spoiled)
    assert done.returncode == 1
    found = dict(re.findall(r"^spoiled\.ipynb: cell (\S+) (.*)$", done.stdout, re.MULTILINE))
    assert set(found) == set(SPOILS)
    for name, (_, _, said) in SPOILS.items():
        assert found[name].startswith(said)

    assert notebooks(spoiled).returncode == 0
    done = notebooks("--check", spoiled)
    assert (done.returncode, done.stdout) == (0, "")


def test_lesson_with_pytorch_says_what_it_skips_without_it():
    cells = [cell for cell in read(LESSONS[-1])["cells"] if cell["cell_type"] == "code"]
    program = "\n".join("".join(cell["source"]) for cell in cells)
    message, printed = run("import sys\nsys.modules['torch'] = None\n" + program).split("\n", 1)
    assert message == "PyTorch is not installed, so the cells below that need it are skipped: pip install torch"
    always = [cell for cell in cells if "needs-torch" not in cell["metadata"].get("tags", ())]
    lines = [line for cell in always for output in cell["outputs"] for line in output["text"]]
    assert [line.split()[0] for line in lines if line[0].isalpha()] == re.findall(r"^[a-z]\w*", printed, re.MULTILINE)
    assert len(lines) == printed.count("\n")


# ---- the known numbers


@pytest.mark.parametrize(
    ("lesson", "cell", "shown"),
    [
        ("1", "curve", "20.0"),
        ("1", "measured", "14.000003002223593"),
        ("1", "partial-slopes", "a -3.000000000419334\nb 2.000000000279556\nc 0.9999999992515995"),
        ("1", "arithmetic", "Value(data=9.5) Value(data=-4.5) Value(data=17.5) Value(data=0.35714285714285715)"),
        ("1", "one-plus-two", "Value(data=3.0) + [1.0, 2.0]"),
        ("1", "grad-product", "4.0 -2.0"),
        ("1", "grad-sum", "-2.0 -2.0"),
        ("1", "grad-chain", "6.0 -4.0"),
        ("1", "exact", "14.0"),
        ("2", "forward", "Value(data=-8.0)"),
        ("2", "grad-d-f", "-2.0 4.0"),
        ("2", "nudge-f", "3.999999"),
        ("2", "grad-c-e", "-2.0 -2.0"),
        ("2", "grad-a-b", "6.0 -4.0"),
        ("2", "compare", "{'L': 1.0, 'd': -2.0, 'f': 4.0, 'c': -2.0, 'e': -2.0, 'a': 6.0, 'b': -4.0}"),
        ("3", "nudged", "Value(data=-8.0)"),
        ("3", "grad-L", "1.000000000000334"),
        ("3", "grad-d", "-2.000000000000668"),
        ("3", "grad-f", "4.000000000026205"),
        ("3", "grad-c-e", "-1.9999999999242843"),
        ("3", "smaller-steps", "-1.999999987845058"),  # printed beside a step of 1e-5, but computed with one of 1e-7
        ("3", "grad-a-b", "6.000000000128124\n-4.000000000026205"),
        ("4", "path", "-4.0 -4.0"),
        ("4", "own-sweep", "d has -2.0 and passes on: [('c', -2.0), ('e', -2.0)]"),
        ("4", "neuron-gradients", "x1 3.0\nw1 1.0\nx2 -1.0\nw2 2.0\nb 1.0"),
        ("5", "neuron", "x1*w1           Value(data=-6.0)"),
        ("5", "neuron", "x2*w2           Value(data=0.0)"),
        ("5", "neuron", "x1*w1 + x2*w2   Value(data=-6.0)"),
        ("5", "neuron", "n               Value(data=0.88137358)"),
        ("5", "neuron", "o               Value(data=0.707106777676776)"),
        ("5", "exponentials", "Value(data=5.828427042920401)"),
        ("5", "shared", "a -3.0 = 3.0 + -6.0\nb -8.0 = -2.0 + -6.0"),
        ("6", "rounded-bias", "0.7071066904050358"),
        ("6", "rounded-bias", "x1 -1.5000003851533106\nx2 0.5000001283844369\nw1 1.0000002567688737\nw2 0.0"),
        ("6", "rounded-bias-torch", "0.7071066904050358"),
        ("6", "rounded-bias-torch", "x1 -1.5000003851533106\nx2 0.5000001283844369\nw1 1.0000002567688737\nw2 0.0"),
    ],
)
def test_cell_shows_the_known_numbers(lesson: str, cell: str, shown: str):
    assert shown in "".join("".join(contents["text/plain"]) for contents in outputs(lesson, cell))


def test_tree_of_a_product_plus_a_number():
    (contents,) = outputs("1", "json")
    tree = json.loads("".join(contents["text/plain"]))
    (product, ten) = tree["children"]
    assert (tree["value"], tree["operation"]) == (4.0, "addition")
    assert (product["value"], product["operation"]) == (-6.0, "multiplication")
    assert [leaf["value"] for leaf in (*product["children"], ten)] == [2.0, -3.0, 10.0]


EMPTY = "a data 2.0000 grad 0.0000, b data -3.0000 grad 0.0000, L data -8.0000 grad 0.0000"
HALF = "L data -8.0000 grad 1.0000, d data 4.0000 grad -2.0000, f data -2.0000 grad 4.0000"
FULL = (
    f"{HALF}, a data 2.0000 grad 6.0000, b data -3.0000 grad -4.0000, c data 10.0000 grad -2.0000, "
    "e data -6.0000 grad -2.0000"
)


@pytest.mark.parametrize(
    ("lesson", "cell", "nodes", "edges", "boxes"),
    [
        ("1", "first-graph", 7, 6, "a data 2.0000 grad 0.0000, b data -3.0000 grad 0.0000"),
        ("1", "forward", 10, 9, "a(b+cd) data -8.0000 grad 0.0000, b+cd data 4.0000 grad 0.0000"),
        ("1", "filled", 10, 9, "a data -2.0000 grad 4.0000, c data 2.0000 grad 6.0000, d data -3.0000 grad -4.0000"),
        ("2", "first-picture", 7, 6, "d data 4.0000 grad 0.0000"),
        ("2", "forward-picture", 10, 9, EMPTY),
        ("2", "picture-d-f", 10, 9, HALF),
        ("2", "picture-c-e", 10, 9, "c data 10.0000 grad -2.0000, e data -6.0000 grad -2.0000"),
        ("2", "picture-finished", 10, 9, FULL),
        ("3", "empty-picture", 10, 9, EMPTY),
        ("3", "picture-d-f", 10, 9, HALF),
        ("3", "full-picture", 10, 9, FULL),
        ("4", "forward", 10, 9, EMPTY),
        ("4", "backward", 10, 9, FULL),
        ("4", "neuron-forward", 13, 12, "n data 2.0000 grad 1.0000, x1 data 1.0000 grad 3.0000"),
        ("5", "grad-products", 15, 14, "o data 0.7071 grad 1.0000, x1 data 2.0000 grad -1.5000"),
        ("5", "exponentials-picture", 26, 26, "e^2n data 5.8284 grad 0.0429, w1 data -3.0000 grad 1.0000"),
        ("5", "twice", 3, 2, "a data 3.0000 grad 2.0000"),
        ("5", "shared-picture", 8, 9, "a data -2.0000 grad -3.0000, b data 3.0000 grad -8.0000"),
    ],
)
def test_picture_has_the_known_boxes(lesson: str, cell: str, nodes: int, edges: int, boxes: str):
    (contents,) = outputs(lesson, cell)
    groups = list(ET.fromstring("".join(contents["image/svg+xml"])).iter(f"{SVG}g"))
    drawn = {" ".join(text.text or "" for text in group.iter(f"{SVG}text")) for group in groups}
    assert [sum(group.get("class") == kind for group in groups) for kind in ("node", "edge")] == [nodes, edges]
    assert set(boxes.split(", ")) <= drawn


# ---- the files


@each_lesson
def test_file_is_small_and_its_cells_have_unique_names(lesson: Path):
    assert lesson.stat().st_size < 150_000
    names = [cell["id"] for cell in read(lesson)["cells"]]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[A-Za-z-]+\d*", name) for name in names)


@each_lesson
def test_links_lead_to_other_lessons(lesson: Path):
    text = "".join("".join(cell["source"]) for cell in read(lesson)["cells"] if cell["cell_type"] == "markdown")
    assert all((lesson.parent / target).exists() for target in re.findall(r"\]\(([^)#]+)", text))


@each_lesson
def test_index_lists_the_lesson_under_its_title(lesson: Path):
    title = read(lesson)["cells"][0]["source"][0].removeprefix("# ").strip()
    number, name = title.split(". ", 1)
    assert lesson.name.startswith(f"{number}_")
    index = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8")
    assert f"[{name}](../examples/notebooks/{lesson.name})" in index
