"""The positions of a graph's nodes: layers from left to right, following Sugiyama, Tagawa and Toda (1981).

A node is one layer to the left of the leftmost result that uses it. A connection that crosses other layers has a
place in each, shared by all connections of one operand. The order within a layer follows the mean place of the
neighbors if that saves crossings; the heights are the least-squares fit to the neighbors' heights that keeps all
items apart.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

__all__ = ["BOX_HEIGHT", "BOX_WIDTH", "Layout", "arrange"]

BOX_WIDTH, BOX_HEIGHT = 122, 62
LAYER_GAP = 114  # holds the text on the connections
NODE_GAP, PASSAGE = 18, 14
ROUNDS = 8  # twice as many save 2 % of the crossings at most, in graphs of 60 to 400 nodes

Item = tuple[int, int]  # a node, and a layer: the node's own, or one that its connections cross
Neighbors = Mapping[Item, Sequence[Item]]
Columns = list[list[Item]]
Block = tuple[
    float, list[tuple[Item, float]]
]  # the sum of the wishes for where it begins; items, each with its offset


@dataclass(frozen=True)
class Layout:
    """In pixels: the top left corner of each box, each connection's points from operand to result, and the size."""

    boxes: list[tuple[float, float]]
    routes: dict[tuple[int, int], list[tuple[float, float]]]
    width: float
    height: float


def arrange(operands: Sequence[Sequence[int]], badges: Sequence[float]) -> Layout:
    """Arrange the graph whose node i has the operands ``operands[i]``, all before it; the last node is the root.

    ``badges`` are the widths of the operations' badges, at the left of the boxes; 0 for a leaf.
    """
    layers = _layers(operands)
    columns, before, after = _places(operands, layers)
    columns = _untangled(columns, before, after)
    heights = _heights(columns, before, after, layers)
    lefts, rights = _sides(layers, badges)
    boxes = [(rights[layer] - BOX_WIDTH, heights[node, layer] - BOX_HEIGHT / 2) for node, layer in enumerate(layers)]
    routes = {}
    for node, sources in enumerate(operands):
        for source in dict.fromkeys(sources):
            points = [(rights[layers[source]], heights[source, layers[source]])]
            for layer in range(layers[source] + 1, layers[node]):
                points += [(side, heights[source, layer]) for side in (lefts[layer], rights[layer])]
            end = heights[node, layers[node]]
            points += [(lefts[layers[node]], end), (boxes[node][0] - badges[node], end)]
            routes[source, node] = points
    return Layout(boxes, routes, rights[-1], max(y for _, y in boxes) + BOX_HEIGHT)


def _layers(operands: Sequence[Sequence[int]]) -> list[int]:
    distances = [0] * len(operands)  # the longest path to the root
    for node in reversed(range(len(operands))):
        for operand in operands[node]:
            distances[operand] = max(distances[operand], distances[node] + 1)
    return [max(distances) - distance for distance in distances]


def _places(operands: Sequence[Sequence[int]], layers: Sequence[int]) -> tuple[Columns, Neighbors, Neighbors]:
    """The items of each layer, in the order of a walk from the root, and their neighbors on either side."""
    columns: Columns = [[] for _ in range(max(layers) + 1)]
    before, after = defaultdict[Item, list[Item]](list), defaultdict[Item, list[Item]](list)
    root = len(operands) - 1
    columns[layers[root]].append((root, layers[root]))
    todo, placed = [root], {(root, layers[root])}
    while todo:
        node = todo.pop()
        found = []
        for operand in dict.fromkeys(operands[node]):
            right = (node, layers[node])
            for layer in reversed(range(layers[operand], layers[node])):
                left = (operand, layer)
                before[right].append(left)
                after[left].append(right)
                if left in placed:
                    break  # from here on the path belongs to another connection too
                placed.add(left)
                columns[layer].append(left)
                right = left
            else:
                found.append(operand)
        todo += reversed(found)
    return columns, before, after


def _untangled(columns: Columns, before: Neighbors, after: Neighbors) -> Columns:
    best, fewest = columns, _crossings(columns, after)
    for i in range(ROUNDS):
        columns = [list(column) for column in columns]
        neighbors = after if i % 2 == 0 else before
        for fixed, column in pairwise(reversed(columns) if i % 2 == 0 else columns):
            places = {item: place for place, item in enumerate(fixed)}
            own = {item: place for place, item in enumerate(column)}
            column.sort(key=lambda item: _mean([places[n] for n in neighbors[item]], default=own[item]))
        crossings = _crossings(columns, after)
        if crossings < fewest:
            best, fewest = columns, crossings
    return best


def _crossings(columns: Columns, after: Neighbors) -> int:
    count = 0
    for column, following in pairwise(columns):
        places = {item: place for place, item in enumerate(following)}
        ends: list[int] = []
        for item in column:
            mine = [places[n] for n in after[item]]
            count += sum(len(ends) - bisect_right(ends, end) for end in mine)
            for end in mine:
                insort(ends, end)
    return count


def _heights(columns: Columns, before: Neighbors, after: Neighbors, layers: Sequence[int]) -> dict[Item, float]:
    """The vertical center of each item, from the top."""
    extents = {
        (node, layer): BOX_HEIGHT + NODE_GAP if layers[node] == layer else PASSAGE
        for column in columns
        for node, layer in column
    }
    heights: dict[Item, float] = {}
    for column in columns:
        heights.update(_apart(column, [0.0] * len(column), extents))
    for i in range(2 * ROUNDS):
        for column in columns if i % 2 else reversed(columns):
            neighbors = [[*before[item], *after[item]] for item in column]
            wishes = [_mean([heights[n] for n in near], default=0.0) for near in neighbors]
            heights.update(_apart(column, wishes, extents))
    top = min(heights[item] - extents[item] / 2 for item in heights) + NODE_GAP / 2
    return {item: height - top for item, height in heights.items()}


def _apart(column: Sequence[Item], wishes: Iterable[float], extents: Mapping[Item, float]) -> dict[Item, float]:
    """The heights nearest to the wishes, in the sum of squares, that keep the column's order and the items apart.

    Items that touch move as one block, whose place is the mean of its items' wishes: isotonic regression.
    """
    blocks: list[Block] = []
    offset = 0.0
    for item, wish in zip(column, wishes, strict=True):
        offset += extents[item] / 2
        total, block = wish - offset, [(item, offset)]
        offset += extents[item] / 2
        while blocks and blocks[-1][0] / len(blocks[-1][1]) > total / len(block):
            earlier, items = blocks.pop()
            total, block = earlier + total, items + block
        blocks.append((total, block))
    return {item: total / len(block) + offset for total, block in blocks for item, offset in block}


def _sides(layers: Sequence[int], badges: Sequence[float]) -> tuple[list[float], list[float]]:
    """Where each layer begins and ends."""
    widths = [float(BOX_WIDTH)] * (max(layers) + 1)
    for badge, layer in zip(badges, layers, strict=True):
        widths[layer] = max(widths[layer], BOX_WIDTH + badge)
    rights = [right + LAYER_GAP * i for i, right in enumerate(accumulate(widths))]
    return [right - width for right, width in zip(rights, widths, strict=True)], rights


def _mean(numbers: Sequence[float], default: float) -> float:
    return sum(numbers) / len(numbers) if numbers else default
