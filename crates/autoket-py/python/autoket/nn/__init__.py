"""Layers, activations and initializers, by the names of NetKet, Flax and JAX."""

from autoket._arguments import left_out as _left_out
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

_SYMMETRIC = "it is not autoregressive; use masked layers, in nk.models.ARNNDense, ARNNConv1D or ARNNConv2D"
_OF_A_STATE = "use to_array of a state, or to_dense of an operator"
_FREEZE = "all parameters move; take those that should not from a copy after each step, by a callback"
__getattr__ = _left_out(
    "nn",
    dict.fromkeys(["DenseEquivariant", "DenseSymm", "blocks", "symmetric_linear"], _SYMMETRIC)
    | dict.fromkeys(["fast_masked_linear", "masked_linear"], "its layers are in nk.nn, such as nk.nn.MaskedConv2D")
    | dict.fromkeys(["apply_operator", "to_array", "to_matrix"], _OF_A_STATE)
    | dict.fromkeys(["freeze_parameters", "unfreeze_parameters"], _FREEZE)
    | {
        "binary_encoding": "states are encoded by the compiled library; use states_to_local_indices of the space",
        "utils": "they serve NetKet itself; use nk.nn.activation and nk.nn.initializers",
    },
)
