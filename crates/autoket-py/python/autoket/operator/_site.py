"""Matrices on one site by their name."""

from typing import Any

from autoket._arguments import element_dtype, whole_number, wrong_type
from autoket._native import Operator as _Operator
from autoket.hilbert import HomogeneousHilbert
from autoket.operator._local import LocalOperator


def on_site(name: str, hilbert: HomogeneousHilbert, site: int, dtype: Any) -> LocalOperator:
    """One of the library's matrices on a site."""
    if not isinstance(hilbert, HomogeneousHilbert):
        wrong_type("hilbert", "a space of nk.hilbert", hilbert)
    native = _Operator.on_site(hilbert._native, name, whole_number("site", site))
    return LocalOperator._from(hilbert, native, element_dtype(dtype))
