"""Bosonic operators on one site, by local index n = 0, 1, ...; a†|n_max⟩ = 0."""

from typing import Any

import numpy as np

from autoket._arguments import refuse, whole_number
from autoket.hilbert import HomogeneousHilbert
from autoket.operator._local import LocalOperator
from autoket.operator._site import on_site
from autoket.operator.spin import identity

__all__ = ["create", "destroy", "identity", "number", "proj"]


def destroy(hilbert: HomogeneousHilbert, site: int, dtype: Any = None) -> LocalOperator:
    """a on a site: ⟨n-1|a|n⟩ = √n.

    Args:
        hilbert: The space.
        site: The site.
        dtype: The dtype of matrix elements.

    Example:
        >>> import autoket as nk
        >>> nk.operator.boson.destroy(nk.hilbert.Fock(2, 1), 0).to_dense().round(3)
        array([[0.   , 1.   , 0.   ],
               [0.   , 0.   , 1.414],
               [0.   , 0.   , 0.   ]])
    """
    return on_site("destroy", hilbert, site, dtype)


def create(hilbert: HomogeneousHilbert, site: int, dtype: Any = None) -> LocalOperator:
    """a† on a site: ⟨n+1|a†|n⟩ = √(n+1). Args as of `destroy`."""
    return on_site("create", hilbert, site, dtype)


def number(hilbert: HomogeneousHilbert, site: int, dtype: Any = None) -> LocalOperator:
    """n = a†a on a site. Args as of `destroy`."""
    return on_site("number", hilbert, site, dtype)


def proj(hilbert: HomogeneousHilbert, site: int, n: int, dtype: Any = None) -> LocalOperator:
    """|n⟩⟨n| on a site.

    Args:
        hilbert: The space.
        site: The site.
        n: The local index.
        dtype: The dtype of matrix elements.

    Raises:
        ValueError: There is no such local index.
    """
    index = whole_number("n", n)
    if index >= hilbert.local_size:
        refuse("n", f"0 to {hilbert.local_size - 1}", n, "raise n_max of the space")
    matrix = np.zeros((hilbert.local_size,) * 2)
    matrix[index, index] = 1
    return LocalOperator(hilbert, matrix, [site], dtype=dtype)
