"""The tree of a graph's scopes, and which of them repeat."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["OUTSIDE", "Scopes"]

OUTSIDE = 0  #: the number for Values outside all scopes: the root of the tree


class Scopes:
    """Scopes by number; each number is larger than that of the enclosing scope.

    Attributes:
        names: the last part of each path.
        parents: the scope around each; `OUTSIDE` is its own parent.
        depths: how many scopes are around each.
        repeats: how many of its siblings each represents, including itself.
    """

    def __init__(self) -> None:
        self.names = [""]
        self.parents = [OUTSIDE]
        self.depths = [0]
        self.repeats = [1]
        self._numbers = {"": OUTSIDE}

    def __len__(self) -> int:
        return len(self.names)

    def number(self, path: str) -> int:
        """The number of the scope with that path, such as ``"mlp/layers.0"``."""
        if path not in self._numbers:
            scope, prefix = OUTSIDE, ""
            for name in path.split("/"):
                prefix = f"{prefix}/{name}" if prefix else name
                scope = self._inner(scope, prefix, name)
            self._numbers[path] = scope
        return self._numbers[path]

    def _inner(self, parent: int, path: str, name: str) -> int:
        number = self._numbers.setdefault(path, len(self))
        if number == len(self):
            self.names.append(name)
            self.parents.append(parent)
            self.depths.append(self.depths[parent] + 1)
            self.repeats.append(1)
        return number

    def at_depth(self, scope: int, depth: int) -> int:
        """The scope itself, or the enclosing scope that has at most ``depth`` others around it."""
        while self.depths[scope] > depth:
            scope = self.parents[scope]
        return scope

    def chain(self, scope: int) -> list[int]:
        """The scope and those around it, from the inside out."""
        around = [scope]
        while around[-1] != OUTSIDE:
            around.append(self.parents[around[-1]])
        return around

    def common(self, scopes: Iterable[int]) -> int:
        """The innermost scope that contains all of them."""
        first, *others = set(scopes)
        for other in others:
            while first != other:
                deeper = first if self.depths[first] >= self.depths[other] else other
                first, other = first + other - deeper, self.parents[deeper]
        return first

    def title(self, scope: int) -> str:
        """The name; for repeated scopes, the name without its number but with their count."""
        name, repeats = self.names[scope], self.repeats[scope]
        if repeats == 1:
            return name
        stem = re.sub(r"\d+", "*", re.sub(r"[._ -]*\d+$", "", name)) or "*"
        return f"{stem} × {repeats:,}"
