"""Run the notebooks of examples/notebooks from the top, as a reader would, and keep the outputs of their cells.

`python tools/notebooks.py [NOTEBOOK ...]` runs them and writes them in a normal form: if a cell shows the same as
before, nothing changes. With `--check` it only compares, and exits with 1 if a cell shows other text, numbers with a
relative difference above 1e-12, or a graph with other boxes or edges. Other pictures only need to exist.

Cells may have tags: `needs-NAME` excludes a cell from the comparison if the module NAME is not installed, and
`timing` excludes its numbers. The notebooks run in IPython's shell in this process, without kernels. Needs
fastgrad[test].
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import re
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).resolve().parents[1] / "examples" / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
NUMBER = re.compile(r" *[-+]?\d+\.?\d*(?:e[-+]?\d+)?")  # with the spaces before it, which depend on its length
TOLERANCE = 1e-12

Json = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", type=Path, default=sorted(NOTEBOOKS.glob("*.ipynb")))
    parser.add_argument("--check", action="store_true", help="only compare")
    arguments = parser.parse_args()
    found = 0
    with tempfile.TemporaryDirectory() as home:
        os.environ["IPYTHONDIR"] = home
        os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as in Jupyter
        shell = make_shell()
        for path in arguments.notebooks:
            text = path.read_text(encoding="utf-8")
            written = read(text)
            now = run(shell, written)
            differences = list(merge(written, now))
            if text != in_normal_form(written):
                differences.append("not in normal form")
            for difference in differences:
                print(f"{path.name}: {difference}")
            found += len(differences)
            if not arguments.check:
                path.write_text(in_normal_form(now), encoding="utf-8")
    return 1 if arguments.check and found else 0


# ---- running -------------------------------------------------------------------------------------------------


def make_shell() -> Any:
    """IPython's shell, with a list `shown` of what a cell shows besides its printed text."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.history import HistoryManager
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets import Type

    class Results(DisplayHook):
        """The value of a cell's last line."""

        def write_output_prompt(self) -> None: ...

        def write_format_data(self, data: Json, metadata: Json | None = None) -> None:
            shell.shown.append({"output_type": "execute_result", "data": data, "metadata": {}})

    class Displays(DisplayPublisher):
        """The arguments of `display`, and matplotlib's figures."""

        def publish(self, data: Json, *args: Any, **kwargs: Any) -> None:
            shell.shown.append({"output_type": "display_data", "data": data, "metadata": {}})

    class Shell(InteractiveShell):
        displayhook_class = Type(Results)
        display_pub_class = Type(Displays)
        shown: list[Json]

    HistoryManager.enabled = False
    shell = Shell.instance()
    return shell


def run(shell: Any, notebook: Json) -> Json:
    """The notebook with the outputs of a run from the top.

    Raises:
        RuntimeError: a cell raised an exception, which is the cause.
    """
    from IPython.utils.capture import capture_output

    shell.reset()
    notebook = copy.deepcopy(notebook)
    for cell in code_cells(notebook):
        shell.shown = []
        with capture_output(stderr=False, display=False) as printed:
            result = shell.run_cell("".join(cell["source"]), store_history=True)
        if not result.success:
            raise RuntimeError(f"cell {cell['id']} fails") from (result.error_before_exec or result.error_in_exec)
        stream = {"output_type": "stream", "name": "stdout", "text": printed.stdout}
        cell["outputs"] = [stream] * bool(printed.stdout) + shell.shown
    return notebook


# ---- comparing -----------------------------------------------------------------------------------------------


def merge(written: Json, now: Json) -> Iterator[str]:
    """Report where the outputs differ, and give `now` the outputs of `written` everywhere else."""
    for old, new in zip(code_cells(written), code_cells(now), strict=True):
        tags = new["metadata"].get("tags", ())
        needed = [tag.removeprefix("needs-") for tag in tags if tag.startswith("needs-")]
        before, after = shown(old), shown(new)
        difference = None
        if all(find_spec(module) for module in needed):
            difference = compare(before, after, math.inf if "timing" in tags else TOLERANCE)
        if difference is None:
            new["outputs"] = old["outputs"]
        else:
            yield f"cell {new['id']} {difference}"


def shown(cell: Json) -> list[tuple[str, str]]:
    """The outputs of a cell: kinds of content, and contents. Placeholder text for pictures is omitted."""
    contents = []
    for output in cell["outputs"]:
        bundle = output.get("data", {"text/plain": output.get("text")})
        kinds = [kind for kind in sorted(bundle) if kind.startswith("image/")] or sorted(bundle)
        contents += [(kind, "".join(bundle[kind])) for kind in kinds]
    return contents


def compare(before: list[tuple[str, str]], after: list[tuple[str, str]], tolerance: float) -> str | None:
    """How the new outputs differ from the old ones, or None."""
    kinds, kinds_before = ([kind for kind, _ in contents] for contents in (after, before))
    if kinds != kinds_before:
        return f"shows {kinds}, not {kinds_before}"
    for (kind, old), (_, new) in zip(before, after, strict=True):
        if kind == "image/svg+xml" and drawing(old) != drawing(new):
            return f"draws {drawing(new)}, not {drawing(old)}"
        if not kind.startswith("image/") and not same_text(old, new, tolerance):
            return f"shows {new!r}, not {old!r}"
    return None


def same_text(old: str, new: str, tolerance: float) -> bool:
    """Whether two texts, apart from addresses, are equal except for the last digits of their numbers."""
    old, new = without_addresses(old), without_addresses(new)
    if NUMBER.sub("#", old) != NUMBER.sub("#", new):
        return False
    pairs = zip(map(float, NUMBER.findall(old)), map(float, NUMBER.findall(new)), strict=True)
    return all(math.isclose(*pair, rel_tol=tolerance) for pair in pairs)


def drawing(svg: str) -> tuple[list[str], list[tuple[str, ...]]]:
    """A picture of a graph as a graph: the texts of its boxes, and the pairs that are connected."""
    groups = list(ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}g"))

    def titled(kind: str) -> Iterator[list[str]]:
        for group in groups:
            if group.get("class") == kind:
                yield [text.strip() for text in group.itertext() if text.strip()]

    boxes = {title: " ".join(texts) for title, *texts in titled("node")}
    joined = [title.split("->") for title, *_ in titled("edge")]
    return sorted(boxes.values()), sorted(tuple(boxes[end] for end in ends) for ends in joined)


# ---- the file ------------------------------------------------------------------------------------------------


def read(text: str) -> Json:
    """A notebook. The printed text of a cell is one output: Jupyter writes several as they arrive, and stderr."""
    notebook: Json = json.loads(text)
    for cell in code_cells(notebook):
        outputs: list[Json] = []
        for output in cell["outputs"]:
            if outputs and output.get("name") == outputs[-1].get("name") == "stdout":
                outputs[-1]["text"] += output["text"]
            elif output.get("name") != "stderr":
                outputs.append(output)
        cell["outputs"] = outputs
    return notebook


def code_cells(notebook: Json) -> list[Json]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def in_normal_form(notebook: Json) -> str:
    """The notebook as a file that depends only on its contents and outputs."""
    notebook = copy.deepcopy(notebook) | {"metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    for cell in notebook["cells"]:
        cell["source"] = lines("".join(cell["source"]))
        tags = cell["metadata"].get("tags")
        cell["metadata"] = {"tags": tags} if tags else {}
    for count, cell in enumerate(code_cells(notebook), 1):
        cell["execution_count"] = count
        for output in cell["outputs"]:
            if output["output_type"] == "execute_result":
                output["execution_count"] = count
            if "text" in output:
                output["text"] = lines("".join(output["text"]))
            if "data" in output:
                output["data"] = {kind: normal_content(kind, content) for kind, content in output["data"].items()}
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def normal_content(kind: str, content: Any) -> Any:
    if kind == "image/svg+xml":
        return lines(with_small_names("".join(content)))
    if kind.startswith("text/"):
        return lines(without_addresses("".join(content)))
    return content


def with_small_names(svg: str) -> str:
    """The picture without comments, and with v0, v1, ... instead of the addresses in the names of boxes."""
    names: dict[str, str] = {}

    def small(title: re.Match[str]) -> str:
        return re.sub(r"\d{9,}", lambda address: names.setdefault(address[0], f"v{len(names)}"), title[0])

    return re.sub(r"<title>.*?</title>", small, re.sub(r"<!--.*?-->\n?", "", svg, flags=re.DOTALL))


def without_addresses(text: str) -> str:
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


if __name__ == "__main__":
    sys.exit(main())
