"""Networks of scalars: micrograd's `Neuron`, `Layer` and `MLP`, and the layers of larger networks.

A layer takes one sample, a list of numbers or Values, and returns a list of Values; `fastgrad.vmap` maps it over
many. Losses are functions of one sample too. Parameters only need to be numbers with a ``grad``: a module whose
parameters were replaced by another engine's Values computes with that engine.
"""

from __future__ import annotations

from fastgrad.nn import init
from fastgrad.nn.activations import Activation
from fastgrad.nn.containers import ModuleList, Sequential
from fastgrad.nn.layers import Dropout, Embedding, LayerNorm, Linear, RMSNorm
from fastgrad.nn.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    huber_loss,
    kl_div,
    l1_loss,
    soft_cross_entropy,
)
from fastgrad.nn.module import IncompatibleKeys, Module
from fastgrad.nn.perceptron import MLP, Layer, Neuron

__all__ = [
    "MLP", "Activation", "Dropout", "Embedding", "IncompatibleKeys", "Layer", "LayerNorm", "Linear", "Module",
    "ModuleList", "Neuron", "RMSNorm", "Sequential", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    "huber_loss", "init", "kl_div", "l1_loss", "soft_cross_entropy",
]  # fmt: skip
