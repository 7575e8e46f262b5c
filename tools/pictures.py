"""Draw the pictures of the documentation: each shows a Value of the page's own program, at the picture's position.

No check compares the results, because every Graphviz draws a little differently. Needs fastgrad installed.
"""

from __future__ import annotations

import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from fastgrad import Value, draw_dot

ROOT = Path(__file__).resolve().parents[1]

#: Picture: its page, the name of the Value in the page's program, and the drawing options.
PICTURES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "neuron": ("README.md", "o", {}),
    "neuron_by_gradient": ("README.md", "o", {"color": "grad"}),
    "training_step": ("docs/drawing.md", "loss", {"show": ("label", "data", "op"), "precision": 2, "rankdir": "TB"}),
    "gpt_by_scope": ("docs/drawing.md", "surprise", {"show": ("label", "op"), "rankdir": "TB"}),
    "lesson_slopes": ("docs/learn/slopes.md", "y", {"constants": False, "precision": 0}),
    "lesson_gradients": ("docs/learn/gradients.md", "L", {"precision": 0}),
    "lesson_neuron": ("docs/learn/neuron.md", "o", {"precision": 2, "color": "grad"}),
    "lesson_sweep": ("docs/learn/sweep.md", "f", {"precision": 0}),
}


def program_before(picture: str, text: str) -> str:
    """The blocks before the picture, or the first block if it opens the page or is on another page."""
    end = text.find(f"images/{picture}.svg")
    blocks = [(block.start(), block[1]) for block in re.finditer(r"```python\n(.*?)```", text, re.DOTALL)]
    return "\n".join([code for start, code in blocks if start < end] or [blocks[0][1]])


def main() -> None:
    for picture, (page, name, options) in PICTURES.items():
        names: dict[str, Any] = {}
        with redirect_stdout(io.StringIO()):
            exec(program_before(picture, (ROOT / page).read_text()), names)
        for variable, value in names.items():
            if isinstance(value, Value) and not value.label:
                value.label = variable
        drawing = draw_dot(names[name], **options)
        (ROOT / "docs" / "images" / f"{picture}.svg").write_bytes(drawing.pipe())


if __name__ == "__main__":
    main()
