"""Autoregressive neural quantum states, with NetKet's names.

>>> import autoket as nk
>>> hilbert = nk.hilbert.Spin(0.5, 4)
>>> hilbert.n_states
16
"""

from autoket import exact, graph, hilbert, operator
from autoket._native import __version__

__all__ = ["__version__", "exact", "graph", "hilbert", "operator"]
