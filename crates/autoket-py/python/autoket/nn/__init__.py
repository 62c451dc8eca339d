"""Activations and initializers, by the names of JAX and NetKet."""

from autoket._arguments import left_out as _left_out
from autoket.nn import activation, initializers
from autoket.nn.activation import Activation
from autoket.nn.initializers import Initializer

__all__ = ["Activation", "Initializer", "activation", "initializers"]

_SYMMETRIC = "it is not autoregressive; use masked layers, in nk.models.ARNNDense, ARNNConv1D or ARNNConv2D"
_NOT_YET = "it is not there alone yet; use nk.models.ARNNDense, ARNNConv1D or ARNNConv2D"
_OF_A_STATE = "use to_array of a state, or to_dense of an operator"
_FREEZE = "all parameters move; take those that should not from a copy after each step, by a callback"
__getattr__ = _left_out(
    "nn",
    dict.fromkeys(["DenseEquivariant", "DenseSymm", "blocks", "symmetric_linear"], _SYMMETRIC)
    | dict.fromkeys(
        """FastMaskedConv1D FastMaskedConv2D FastMaskedDense1D MaskedConv1D MaskedConv2D MaskedDense1D
        fast_masked_linear masked_linear""".split(),
        _NOT_YET,
    )
    | dict.fromkeys(["apply_operator", "to_array", "to_matrix"], _OF_A_STATE)
    | dict.fromkeys(["freeze_parameters", "unfreeze_parameters"], _FREEZE)
    | {
        "binary_encoding": "states are encoded by the compiled library; use states_to_local_indices of the space",
        "utils": "they serve NetKet itself; use nk.nn.activation and nk.nn.initializers",
    },
)
