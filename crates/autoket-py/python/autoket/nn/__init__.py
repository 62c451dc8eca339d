"""Activations and initializers, by the names of JAX and NetKet."""

from autoket.nn import activation, initializers
from autoket.nn.activation import Activation
from autoket.nn.initializers import Initializer

__all__ = ["Activation", "Initializer", "activation", "initializers"]
