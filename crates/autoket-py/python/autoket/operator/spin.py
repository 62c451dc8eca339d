"""Pauli matrices, and their likes for larger spins, on one site. Local index 0 is up."""

from typing import Any

import numpy as np

from autoket._arguments import element_dtype
from autoket.hilbert import HomogeneousHilbert
from autoket.operator._local import LocalOperator
from autoket.operator._site import on_site

__all__ = ["identity", "sigmam", "sigmap", "sigmax", "sigmay", "sigmaz"]


def identity(hilbert: HomogeneousHilbert, dtype: Any = None) -> LocalOperator:
    """The identity.

    Args:
        hilbert: The space.
        dtype: The dtype of matrix elements.
    """
    return LocalOperator(hilbert, constant=1.0, dtype=dtype)


def sigmax(hilbert: HomogeneousHilbert, site: int, dtype: Any = None) -> LocalOperator:
    """σˣ = σ⁺ + σ⁻ on a site; a space that is not of spins counts as one of spin (d - 1)/2.

    Args:
        hilbert: The space.
        site: The site.
        dtype: The dtype of matrix elements.

    Example:
        >>> import autoket as nk
        >>> nk.operator.spin.sigmax(nk.hilbert.Spin(0.5, 4), 2)
        LocalOperator(dim=4, acting_on=[(2,)], constant=0.0, dtype=float64)
    """
    return on_site("sigmax", hilbert, site, dtype)


def sigmay(hilbert: HomogeneousHilbert, site: int, dtype: Any = None) -> LocalOperator:
    """σʸ = -i (σ⁺ - σ⁻) on a site; complex. Args as of `sigmax`."""
    return on_site("sigmay", hilbert, site, np.result_type(element_dtype(dtype), 1j))


def sigmaz(hilbert: HomogeneousHilbert, site: int, dtype: Any = None) -> LocalOperator:
    """σᶻ on a site: 2m, positive for local index 0. Args as of `sigmax`."""
    return on_site("sigmaz", hilbert, site, dtype)


def sigmap(hilbert: HomogeneousHilbert, site: int, dtype: Any = None) -> LocalOperator:
    """σ⁺ = (σˣ + iσʸ)/2 on a site. Args as of `sigmax`."""
    return on_site("sigmap", hilbert, site, dtype)


def sigmam(hilbert: HomogeneousHilbert, site: int, dtype: Any = None) -> LocalOperator:
    """σ⁻ = (σˣ - iσʸ)/2 on a site. Args as of `sigmax`."""
    return on_site("sigmam", hilbert, site, dtype)
