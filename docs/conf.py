"""The documentation site: `python -m sphinx -W --keep-going docs site` builds it from this directory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes

import fastgrad

HERE = Path(__file__).resolve().parent

project = "fastgrad"
author = copyright = "The fastgrad developers"
version = release = fastgrad.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["images", "assets"]
myst_heading_anchors = 3
default_role = "py:obj"
smartquotes = False
highlight_language = "none"

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signatures of C++ have none; docstrings say what is taken
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
    "secondary_sidebar_items": {"**": ["page-toc"], "edges": [], "operations": [], "benchmarks": []},  # wide tables
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "github-light",
    "pygments_dark_style": "github-dark",
}
html_sidebars = {"index": []}


def name_file_of_the_project(app: Any, env: Any, node: nodes.Element, content: nodes.Element) -> nodes.Element | None:
    """A link that leaves docs/ keeps its words: the site has no page for it. A file that is not there is an error."""
    target = HERE / Path(node.get("refdoc", "")).parent / node["reftarget"]
    return content if target.exists() else None


def keep_bars(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """|x| is an absolute value, not a substitution."""
    lines[:] = [line.replace("|", "\\|") for line in lines]


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", keep_bars)
    app.connect("missing-reference", name_file_of_the_project)
