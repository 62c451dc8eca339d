"""Matrices on one site by their name."""

from typing import Any

from autoket._arguments import element_dtype, whole_number
from autoket._native import Operator as _Operator
from autoket.hilbert import HomogeneousHilbert
from autoket.operator._checks import check_space
from autoket.operator._local import LocalOperator


def on_site(name: str, hilbert: HomogeneousHilbert, site: int, dtype: Any) -> LocalOperator:
    """One of the library's matrices on a site."""
    check_space(hilbert)
    native = _Operator.on_site(hilbert._native, name, whole_number("site", site))
    return LocalOperator._from(hilbert, native, element_dtype(dtype))
