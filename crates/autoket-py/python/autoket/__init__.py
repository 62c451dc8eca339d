"""Autoregressive neural quantum states, with NetKet's names.

>>> import autoket as nk
>>> hilbert = nk.hilbert.Spin(0.5, 4)
>>> hilbert.n_states
16
"""

from autoket import hilbert
from autoket._native import __version__

__all__ = ["__version__", "hilbert"]
