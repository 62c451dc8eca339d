"""Autoregressive neural quantum states, with NetKet's names.

>>> import autoket as nk
>>> hilbert = nk.hilbert.Spin(0.5, 4)
>>> hilbert.n_states
16
"""

from autoket import (
    callbacks,
    driver,
    exact,
    graph,
    hilbert,
    jax,
    logging,
    models,
    nn,
    operator,
    optimizer,
    random,
    sampler,
    stats,
    vqs,
)
from autoket._native import __version__
from autoket.driver import VMC, VMC_SR

__all__ = [
    "VMC",
    "VMC_SR",
    "__version__",
    "callbacks",
    "driver",
    "exact",
    "graph",
    "hilbert",
    "jax",
    "logging",
    "models",
    "nn",
    "operator",
    "optimizer",
    "random",
    "sampler",
    "stats",
    "vqs",
]
