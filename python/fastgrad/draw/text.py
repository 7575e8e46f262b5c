r"""Text for Graphviz's labels and names, where bars, braces, backslashes, entities and ports have a meaning."""

from __future__ import annotations

import re

__all__ = ["escape", "escape_field", "name_part"]


def escape(text: str) -> str:
    r"""``text`` as a label that shows it: entities and
    are not interpreted.

    Control characters, which SVG does not allow, are shown by their pictures (U+2400 ...) or by U+FFFD.
    """
    return re.sub('[\\\\&"\x00-\x1f\x7f-\x9f\ufffe\uffff]', _replacement, text)


def escape_field(text: str) -> str:
    """``text`` as a field of a record: bars, braces and angles are not interpreted, and no space is lost."""
    text = re.sub(r"[|{}<>]", r"\\\g<0>", escape(text))
    return re.sub(r"^ | $|(?<= ) ", "&#160;", text)


def name_part(text: str) -> str:
    """``text`` as part of a node's name, without characters that would mean a port or need quoting."""
    return re.sub(r"[^ -~]|[:\"\\]", "_", text)


def _replacement(match: re.Match[str]) -> str:
    character = match[0]
    known = {"\\": r"\\", "&": "&amp;", '"': "&quot;", "\n": r"\n", "\t": " ", "\x7f": "\u2421"}
    if character in known:
        return known[character]
    return chr(0x2400 + ord(character)) if character < " " else "\ufffd"
