"""Networks of cells, at NetKet's place; `nk.models` has them, too."""

from autoket._arguments import left_out as _left_out
from autoket.models import RNN, FastGRUNet1D, FastLSTMNet, FastRNN, GRUNet1D, LSTMNet

__all__ = ["RNN", "FastGRUNet1D", "FastLSTMNet", "FastRNN", "GRUNet1D", "LSTMNet"]

__getattr__ = _left_out(
    "experimental.models",
    dict.fromkeys(["fast_rnn", "rnn"], "its networks are in nk.experimental.models, such as LSTMNet"),
)
