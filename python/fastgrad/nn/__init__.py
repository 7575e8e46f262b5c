"""Networks of scalars: micrograd's `Neuron`, `Layer` and `MLP`, and the layers of larger networks.

A layer takes one sample, a list of numbers or Values, and returns a list of Values; `fastgrad.vmap` maps it over
many. Losses are functions of one sample too. Parameters only need to be numbers with a ``grad``: a module whose
parameters were replaced by another engine's Values computes with that engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastgrad import pytorch_names
from fastgrad.nn import functional as functional
from fastgrad.nn import init
from fastgrad.nn.activations import (
    ELU,
    GELU,
    Activation,
    Identity,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from fastgrad.nn.containers import ModuleList, Sequential
from fastgrad.nn.criteria import CrossEntropyLoss, MSELoss
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
    "ELU", "GELU", "MLP", "Activation", "CrossEntropyLoss", "Dropout", "Embedding", "Identity", "IncompatibleKeys",
    "Layer", "LayerNorm", "LeakyReLU", "Linear", "LogSoftmax", "MSELoss", "Module", "ModuleList", "Neuron", "RMSNorm",
    "ReLU", "Sequential", "SiLU", "Sigmoid", "Softmax", "Softplus", "Tanh", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "huber_loss", "init", "kl_div", "l1_loss", "soft_cross_entropy",
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = pytorch_names.module_getattr(__name__, __all__)
