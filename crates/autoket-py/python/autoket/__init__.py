"""Autoregressive neural quantum states, with NetKet's names.

>>> import autoket as nk
>>> hilbert = nk.hilbert.Spin(0.5, 4)
>>> hilbert.n_states
16
"""

from autoket import (
    callbacks,
    driver,
    errors,
    exact,
    experimental,
    graph,
    hilbert,
    jax,
    logging,
    models,
    nn,
    operator,
    optimizer,
    random,
    ranks,
    sampler,
    serialization,
    stats,
    vqs,
)
from autoket._arguments import left_out as _left_out
from autoket._native import __version__
from autoket.driver import VMC, VMC_SR

__all__ = [
    "VMC",
    "VMC_SR",
    "__version__",
    "callbacks",
    "driver",
    "errors",
    "exact",
    "experimental",
    "graph",
    "hilbert",
    "jax",
    "logging",
    "models",
    "nn",
    "operator",
    "optimizer",
    "random",
    "ranks",
    "sampler",
    "serialization",
    "stats",
    "vqs",
]

_DENSITY = "density matrices are not simulated; use VMC on a pure state"
__getattr__ = _left_out(
    "",
    {
        "SteadyState": _DENSITY,
        "cite": "nothing is recorded while a script runs; what to cite is in the README",
        "config": "its switches are JAX's; the environment's AUTOKET_SIMD and RAYON_NUM_THREADS are looked at",
        "errors": "mistakes are exceptions of Python's own, such as ValueError, with the cure in their text",
        "experimental": "time evolution and state reconstruction are not there; use nk.models and nk.driver",
        "observable": "observables are operators; use nk.operator, and expect of a state",
        "symmetry": "use nk.graph.SymmetryGroup, nk.models.Symmetrized, and sectors in nk.exact",
        "utils": "they serve NetKet itself; use nk.graph.SymmetryGroup for groups of permutations",
    },
)
