"""Exact diagonalisation: the energies that a variational one is measured against."""

from typing import Any

import numpy as np

from autoket import _native
from autoket._arguments import Array, left_out, refuse, whole_number, wrong_type
from autoket.graph import Sector
from autoket.operator import DiscreteOperator

__all__ = ["full_ed", "ising_chain_energy", "lanczos_ed"]


def full_ed(operator: DiscreteOperator, *, compute_eigenvectors: bool = False, sector: Sector | None = None) -> Any:
    """All eigenvalues of a Hermitian operator, ascending, and its eigenvectors if they are asked for.

    Args:
        operator: The operator, on at most 2¹³ states.
        compute_eigenvectors: Whether to return eigenvectors too.
        sector: The energies within this sector of a symmetry group only; without eigenvectors.

    Returns:
        `w` of shape `(n_states,)`, or `(w, v)` with `v[:, i]` the eigenvector of `w[i]`.

    Raises:
        ValueError: The operator is not Hermitian, leaves its space or does not have the symmetry.
        MemoryError: The space is too large.

    Example:
        >>> import autoket as nk
        >>> hilbert = nk.hilbert.Spin(0.5, 8)
        >>> hamiltonian = nk.operator.Ising(hilbert, nk.graph.Chain(8), h=1.0)
        >>> nk.exact.full_ed(hamiltonian).shape
        (256,)
    """
    native = _operator(operator)._native
    symmetry = None if sector is None else _sector(sector)._native
    if not compute_eigenvectors:
        return _native.full_ed(native, symmetry)
    if sector is not None:
        raise NotImplementedError("`sector`: eigenvectors of a sector come from lanczos_ed")
    if not operator.is_hermitian:
        refuse("operator", "a Hermitian operator", "one that differs from its adjoint", "add its adjoint to it")
    eigenvalues, eigenvectors = np.linalg.eigh(operator.to_dense())
    return eigenvalues, eigenvectors


def lanczos_ed(
    operator: DiscreteOperator,
    *,
    k: int = 1,
    compute_eigenvectors: bool = False,
    matrix_free: bool = False,
    scipy_args: dict[str, Any] | None = None,
    sector: Sector | None = None,
    memory: int | None = None,
) -> Any:
    """The lowest eigenvalues of a Hermitian operator by the Lanczos method, counted with their multiplicity.

    Args:
        operator: The operator.
        k: How many.
        compute_eigenvectors: Whether to return eigenvectors too.
        matrix_free: Whether to make matrix elements anew in each product. They are anyway where they do not fit.
        scipy_args: Of these, `tol` and `maxiter` are known: the residual relative to the largest energy, and the
            most products with a vector.
        sector: The energies within this sector of a symmetry group only; vectors are over the sector's states.
        memory: The most bytes to use; by default a quarter of what is free.

    Returns:
        `w` of shape `(k,)`, or `(w, v)` with `v[:, i]` the eigenvector of `w[i]`.

    Raises:
        ValueError: The operator is not Hermitian, leaves its space or does not have the symmetry; no such `k`.
        MemoryError: The vectors do not fit.
        RuntimeError: It did not converge.

    Example:
        >>> import autoket as nk
        >>> hilbert = nk.hilbert.Spin(0.5, 8)
        >>> hamiltonian = nk.operator.Ising(hilbert, nk.graph.Chain(8), h=1.0)
        >>> nk.exact.lanczos_ed(hamiltonian, k=3).round(8)
        array([-10.25166179, -10.05467898,  -8.69093921])
    """
    native = _operator(operator)._native
    symmetry = None if sector is None else _sector(sector)._native
    arguments = dict(scipy_args or {})
    tolerance = float(arguments.pop("tol", 0) or 1e-9)
    max_iterations = whole_number("maxiter", arguments.pop("maxiter", None) or 5000, least=1)
    if arguments:
        raise TypeError(f"`scipy_args`: expected tol and maxiter, got {sorted(arguments)}; SciPy is not used here")
    if memory is None:
        memory = _native.quarter_of_free_memory()
    energies, vectors = _native.lanczos_ed(
        native,
        symmetry,
        whole_number("k", k, least=1),
        tolerance,
        max_iterations,
        whole_number("memory", memory),
        bool(matrix_free),
    )
    if not compute_eigenvectors:
        return energies
    return energies, vectors if np.iscomplexobj(np.empty(0, operator.dtype)) else _real(vectors)


def ising_chain_energy(n_sites: int, h: float, J: float = 1.0, *, pbc: bool = True) -> float:
    """The lowest energy of H = -h Σ σˣᵢ + J Σ σᶻᵢ σᶻᵢ₊₁ on a chain of any length, by free fermions.

    Args:
        n_sites: The number of sites.
        h: The field.
        J: The coupling.
        pbc: Whether the chain is periodic.

    Example:
        >>> import autoket as nk
        >>> round(nk.exact.ising_chain_energy(8, h=1.0), 8)
        -10.25166179
    """
    return _native.ising_chain_energy(whole_number("n_sites", n_sites), float(h), float(J), bool(pbc))


def _operator(operator: Any) -> DiscreteOperator:
    if not isinstance(operator, DiscreteOperator):
        wrong_type("operator", "an operator of nk.operator", operator)
    return operator


def _sector(sector: Any) -> Sector:
    if not isinstance(sector, Sector):
        wrong_type("sector", "a nk.graph.Sector", sector)
    return sector


def _real(vectors: Array) -> Array:
    # A sector's characters may be complex where the operator is real.
    return vectors if np.any(vectors.imag) else vectors.real


__getattr__ = left_out(
    "exact", {"steady_state": "density matrices are not simulated; diagonalise a Hermitian operator"}
)
