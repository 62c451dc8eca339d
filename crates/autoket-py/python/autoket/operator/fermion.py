"""Fermionic operators on one site, with the signs of Jordan and Wigner."""

from typing import Any

from autoket._arguments import refuse, whole_number
from autoket.hilbert import HomogeneousHilbert, SpinOrbitalFermions
from autoket.operator._strings import FermionOperator2nd

__all__ = ["create", "destroy", "identity", "number", "zero"]


def destroy(
    hilbert: HomogeneousHilbert,
    site: int,
    sz: int | None = None,
    cutoff: float = 1e-10,
    dtype: Any = None,
) -> FermionOperator2nd:
    """a: a fermion less in an orbital.

    Args:
        hilbert: The space.
        site: The orbital.
        sz: Twice the z component of its spin, where fermions have one.
        cutoff: Weights of a smaller absolute value are left out.
        dtype: The dtype of matrix elements.

    Example:
        >>> import autoket as nk
        >>> hilbert = nk.hilbert.SpinOrbitalFermions(3, s=1/2)
        >>> hop = nk.operator.fermion.create(hilbert, 0, 1) @ nk.operator.fermion.destroy(hilbert, 1, 1)
        >>> hop.terms
        [((3, 1), (4, 0))]
    """
    return FermionOperator2nd(hilbert, [[(_site(hilbert, site, sz), 0)]], cutoff=cutoff, dtype=dtype)


def create(
    hilbert: HomogeneousHilbert,
    site: int,
    sz: int | None = None,
    cutoff: float = 1e-10,
    dtype: Any = None,
) -> FermionOperator2nd:
    """a†: a fermion more in an orbital. Args as of `destroy`."""
    return FermionOperator2nd(hilbert, [[(_site(hilbert, site, sz), 1)]], cutoff=cutoff, dtype=dtype)


def number(
    hilbert: HomogeneousHilbert,
    site: int,
    sz: int | None = None,
    cutoff: float = 1e-10,
    dtype: Any = None,
) -> FermionOperator2nd:
    """n = a†a of an orbital. Args as of `destroy`."""
    i = _site(hilbert, site, sz)
    return FermionOperator2nd(hilbert, [[(i, 1), (i, 0)]], cutoff=cutoff, dtype=dtype)


def identity(hilbert: HomogeneousHilbert, cutoff: float = 1e-10, dtype: Any = None) -> FermionOperator2nd:
    """The identity. Args as of `destroy`."""
    return FermionOperator2nd(hilbert, constant=1, cutoff=cutoff, dtype=dtype)


def zero(hilbert: HomogeneousHilbert, cutoff: float = 1e-10, dtype: Any = None) -> FermionOperator2nd:
    """The operator 0. Args as of `destroy`."""
    return FermionOperator2nd(hilbert, cutoff=cutoff, dtype=dtype)


def _site(hilbert: Any, site: int, sz: int | None) -> int:
    if isinstance(hilbert, SpinOrbitalFermions):
        return hilbert._get_index(site, sz)
    if sz is not None:
        refuse("sz", "a space of fermions with spin", hilbert, "leave it out")
    return whole_number("site", site)
