"""Spaces: copies of one finite local space on the sites of a lattice, and what constrains them."""

from autoket._arguments import left_out as _left_out
from autoket.hilbert import constraint
from autoket.hilbert._base import AbstractHilbert, DiscreteHilbert, HomogeneousHilbert
from autoket.hilbert._spaces import Fock, Qubit, Spin, SpinOrbitalFermions

__all__ = [
    "AbstractHilbert",
    "DiscreteHilbert",
    "Fock",
    "HomogeneousHilbert",
    "Qubit",
    "Spin",
    "SpinOrbitalFermions",
    "constraint",
]

__getattr__ = _left_out(
    "hilbert",
    {
        "DoubledHilbert": "density matrices are not simulated; use a pure state",
        "TensorHilbert": "all sites have the same local states; use a constraint on parts of one space, "
        "nk.hilbert.constraint.SumOnPartitionConstraint",
        "tensor_hilbert_discrete": "all sites have the same local states; use a constraint on parts of one space",
        "index": "states are numbered by the compiled library; use states_to_numbers and numbers_to_states",
        "random": "states are drawn by the compiled library; use random_state of the space",
        "Particle": "space is a lattice; use Spin, Qubit, Fock or SpinOrbitalFermions",
        "ContinuousHilbert": "space is a lattice; use Spin, Qubit, Fock or SpinOrbitalFermions",
    },
)
