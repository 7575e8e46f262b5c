"""``fastgrad info``: what is installed, how it was built, and which features it detected."""

from __future__ import annotations

import argparse
import json
import platform
import re
from importlib import metadata
from typing import Any

__all__ = ["add_parser", "collect", "run"]


def add_parser(commands: Any) -> None:
    """Add the command's options."""
    info = commands.add_parser("info", help="show the version, the compiler, and which renderers are found")
    info.add_argument("--json", action="store_true", help="as JSON, for programs and for reports of errors")
    info.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the information."""
    found = collect()
    print(json.dumps(found, indent=2) if arguments.json else _text(found))
    return 0


def collect() -> dict[str, Any]:
    """The information, in types that JSON supports."""
    from fastgrad import _core
    from fastgrad.draw.renderers import RENDERERS

    return {
        "fastgrad": _core.__version__,
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "platform": platform.platform(),
        "build": _core.build_info(),
        "instruction_sets": _core.instruction_sets(),
        "vector_functions": _core.vector_functions(),
        "renderers": {
            renderer.name: {"version": renderer.version(), "hint": renderer.hint} for renderer in RENDERERS
        },
        "packages": {name: _version(name) for name in _packages() if name not in {r.name for r in RENDERERS}},
    }


def _packages() -> list[str]:
    """The packages that fastgrad needs, and those of its extras other than for tests."""
    names: dict[str, None] = {}
    for requirement in metadata.requires("fastgrad") or ():
        name = re.match(r"[\w.-]+", requirement)
        if name and name[0] != "fastgrad" and not re.search(r"extra == ['\"]test['\"]", requirement):
            names[name[0]] = None
    return list(names)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _text(found: dict[str, Any]) -> str:
    build = found["build"]
    best, *others = found["instruction_sets"]
    vector = found["vector_functions"]
    rows = [
        ("fastgrad", found["fastgrad"]),
        ("Python", found["python"]),
        ("platform", found["platform"]),
        ("compiler", f"{build['compiler']}, {build['standard']}, {build['build_type']}"),
        ("asserts", "on" if build["asserts"] else "off"),
        ("sanitizers", build["sanitizers"] or "none"),
        ("instruction sets", ", ".join([f"{best} (used)", *others])),
        ("vector math", f"the C library's, for {len(vector)} operations" if vector else "not found"),
        ("", ""),
        ("renderers", ""),
        *(
            (f"  {name}", renderer["version"] or f"not found: {renderer['hint']}")
            for name, renderer in found["renderers"].items()
        ),
        ("", ""),
        ("packages", ""),
        *((f"  {name}", version or "not found") for name, version in found["packages"].items()),
    ]
    return "\n".join(f"{name:<18}{text}".rstrip() for name, text in rows)
