"""Networks of cells, at NetKet's place; `nk.models` has them, too."""

from autoket.models import RNN, FastGRUNet1D, FastLSTMNet, FastRNN, GRUNet1D, LSTMNet

__all__ = ["RNN", "FastGRUNet1D", "FastLSTMNet", "FastRNN", "GRUNet1D", "LSTMNet"]
