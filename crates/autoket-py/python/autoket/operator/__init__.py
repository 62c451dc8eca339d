"""Operators, known by their rows."""

from autoket._arguments import left_out as _left_out
from autoket.operator import boson, fermion, spin
from autoket.operator._base import (
    AbstractOperator,
    DiscreteOperator,
    ProductOperator,
    SumOperator,
    to_sparse_cached,
)
from autoket.operator._local import (
    BoseHubbard,
    GraphOperator,
    Heisenberg,
    Ising,
    LocalOperator,
    total_spin,
    xyz,
)
from autoket.operator._strings import (
    FermiHubbardJax,
    FermionOperator2nd,
    PauliStrings,
    read_fcidump,
    t_v,
)

# NetKet has each class for two compilers; here there is one.
DiscreteJaxOperator = DiscreteOperator
BoseHubbardJax = BoseHubbardNumba = BoseHubbard
FermionOperator2ndJax = FermionOperator2ndNumba = FermionOperator2nd
IsingJax = IsingNumba = Ising
LocalOperatorJax = LocalOperatorNumba = LocalOperator
PauliStringsJax = PauliStringsNumba = PauliStrings

__all__ = [
    "AbstractOperator",
    "BoseHubbard",
    "BoseHubbardJax",
    "BoseHubbardNumba",
    "DiscreteJaxOperator",
    "DiscreteOperator",
    "FermiHubbardJax",
    "FermionOperator2nd",
    "FermionOperator2ndJax",
    "FermionOperator2ndNumba",
    "GraphOperator",
    "Heisenberg",
    "Ising",
    "IsingJax",
    "IsingNumba",
    "LocalOperator",
    "LocalOperatorJax",
    "LocalOperatorNumba",
    "PauliStrings",
    "PauliStringsJax",
    "PauliStringsNumba",
    "ProductOperator",
    "SumOperator",
    "boson",
    "fermion",
    "read_fcidump",
    "spin",
    "t_v",
    "to_sparse_cached",
    "total_spin",
    "xyz",
]

_LAZY = "algebra is done at once; use .H, .T or the product itself"
_DENSITY = "density matrices are not simulated; use an operator on a pure state"
_CONTINUOUS = "space is a lattice; use LocalOperator, PauliStrings or FermionOperator2nd"

__getattr__ = _left_out(
    "operator",
    {
        "Adjoint": _LAZY,
        "Transpose": _LAZY,
        "Squared": _LAZY,
        "AbstractSuperOperator": _DENSITY,
        "LocalLiouvillian": _DENSITY,
        "ContinuousOperator": _CONTINUOUS,
        "KineticEnergy": _CONTINUOUS,
        "PotentialEnergy": _CONTINUOUS,
        "EmbedOperator": "spaces are not tensor products; give LocalOperator the sites it acts on",
        "permutation": "use nk.graph.SymmetryGroup, and sectors in nk.exact",
    },
)
