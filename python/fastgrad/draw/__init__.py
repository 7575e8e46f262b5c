"""Pictures of computational graphs, in micrograd's style: `draw_dot` and `trace`."""

from fastgrad.draw.digraph import Digraph
from fastgrad.draw.dot import draw_dot
from fastgrad.draw.graph import trace
from fastgrad.draw.notebook import mimebundle
from fastgrad.draw.renderers import RendererNotFound

__all__ = ["Digraph", "RendererNotFound", "draw_dot", "mimebundle", "trace"]
