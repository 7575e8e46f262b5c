"""The documentation site: `python -m sphinx -W --keep-going docs site` builds it from this directory."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx import addnodes

import fastgrad
from fastgrad import cli

os.environ["COLUMNS"] = "84"  # for argparse's help: as wide as a block of code on these pages

HERE = Path(__file__).resolve().parent

project = "fastgrad"
author = copyright = "The fastgrad developers"
version = release = fastgrad.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["images", "assets"]
myst_heading_anchors = 3
default_role = "py:obj"
smartquotes_action = "D"  # only dashes: quotes stay as they are typed
highlight_language = "none"

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # C++ functions have no type hints in their signatures; docstrings describe the arguments
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False

html_theme = "pydata_sphinx_theme"
html_static_path = ["assets"]
html_css_files = ["site.css"]
html_title = "fastgrad"
html_copy_source = False
html_show_sphinx = False
html_theme_options: dict[str, Any] = {
    "logo": {"text": "fastgrad"},
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": {
        "**": ["page-toc"],
        "edges": [],
        "operations": [],
        "benchmarks": [],
        "targets": [],
    },  # wide tables
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "github-light",
    "pygments_dark_style": "github-dark",
}
html_sidebars = {"index": []}


class CommandHelp(Directive):
    """``.. command-help:: draw`` shows the output of ``fastgrad draw --help``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        printed = io.StringIO()
        with redirect_stdout(printed), suppress(SystemExit):
            cli.main([self.arguments[0], "--help"])
        return [nodes.literal_block(text=printed.getvalue(), language="none")]


def name_folders(app: Any, doctree: nodes.document) -> None:
    """Make a link to a folder of the project plain text: the site has no page for it."""
    here = HERE / Path(app.env.docname).parent
    for link in list(doctree.findall(addnodes.pending_xref)):
        if link["reftype"] == "myst" and (here / link["reftarget"]).is_dir():
            link.replace_self(link.children)


def keep_bars(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keep |x|: it is an absolute value, not a substitution."""
    lines[:] = [line.replace("|", "\\|") for line in lines]


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", keep_bars)
    app.add_directive("command-help", CommandHelp)
    app.connect("doctree-read", name_folders)
