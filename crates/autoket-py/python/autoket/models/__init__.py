"""Autoregressive wave functions."""

from autoket._arguments import left_out as _left_out
from autoket.models._base import AbstractARNN
from autoket.models._library import ARNNGatedConv2D, TensorGRU2D
from autoket.models._recurrent import RNN, FastGRUNet1D, FastLSTMNet, FastRNN, GRUNet1D, LSTMNet
from autoket.models._sequential import (
    ARNNConv1D,
    ARNNConv2D,
    ARNNDense,
    ARNNSequential,
    FastARNNConv1D,
    FastARNNConv2D,
    FastARNNDense,
    FastARNNSequential,
)
from autoket.models._symmetrized import Symmetrized
from autoket.models._wrapped import WrappedARNN

__all__ = [
    "RNN",
    "ARNNConv1D",
    "ARNNConv2D",
    "ARNNDense",
    "ARNNGatedConv2D",
    "ARNNSequential",
    "AbstractARNN",
    "FastARNNConv1D",
    "FastARNNConv2D",
    "FastARNNDense",
    "FastARNNSequential",
    "FastGRUNet1D",
    "FastLSTMNet",
    "FastRNN",
    "GRUNet1D",
    "LSTMNet",
    "Symmetrized",
    "TensorGRU2D",
    "WrappedARNN",
]

_NOT_AUTOREGRESSIVE = "it is not autoregressive; use ARNNDense, ARNNConv1D or ARNNConv2D"
__getattr__ = _left_out(
    "models",
    dict.fromkeys(
        """DeepSetMLP DeepSetRelDistance GCNN Gaussian Jastrow LogStateVector MLP MPSPeriodic MultiSlater2nd NDM RBM
        RBMModPhase RBMMultiVal RBMSymm Slater2nd tensor_networks update_GCNN_parity""".split(),
        _NOT_AUTOREGRESSIVE,
    ),
)
