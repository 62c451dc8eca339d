"""Layers, activations and initializers, by the names of NetKet, Flax and JAX."""

from autoket.nn import activation, initializers
from autoket.nn._calls import DenyList
from autoket.nn._masked import (
    FastMaskedConv1D,
    FastMaskedConv2D,
    FastMaskedDense1D,
    MaskedConv1D,
    MaskedConv2D,
    MaskedDense1D,
)
from autoket.nn._module import Module
from autoket.nn._shapes import ShapeDtypeStruct
from autoket.nn.activation import Activation, log_cosh, reim, reim_relu, reim_selu
from autoket.nn.initializers import Initializer

__all__ = [
    "Activation",
    "DenyList",
    "FastMaskedConv1D",
    "FastMaskedConv2D",
    "FastMaskedDense1D",
    "Initializer",
    "MaskedConv1D",
    "MaskedConv2D",
    "MaskedDense1D",
    "Module",
    "ShapeDtypeStruct",
    "activation",
    "initializers",
    "log_cosh",
    "reim",
    "reim_relu",
    "reim_selu",
]
