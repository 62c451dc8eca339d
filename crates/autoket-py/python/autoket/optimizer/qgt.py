"""The quantum geometric tensor.

NetKet has several ways to it; autoket has one, and these names for it. All give the same matrix.

>>> import autoket as nk
>>> hilbert = nk.hilbert.Spin(0.5, 4)
>>> state = nk.vqs.FullSumState(hilbert, nk.models.ARNNDense(hilbert, layers=1, features=2), seed=0)
>>> nk.optimizer.qgt.QGTAuto(diag_shift=0.01)(state).to_dense().shape
(40, 40)
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import numpy as np

from autoket._arguments import Array, real_number, refuse, wrong_type
from autoket._trees import ravel

__all__ = ["QGTAuto", "QGTJacobianDense", "QGTJacobianPyTree", "QGTOnTheFly"]


@dataclass(frozen=True, eq=False)
class LinearOperator:
    """S + ε, with S = Re⟨ΔO* ΔO⟩, `(parameter, parameter)`.

    Of complex parameters the real parts come first, then the imaginary ones. Masked parameters have zeros.

    Args:
        matrix: S.
        diag_shift: ε.
    """

    matrix: Array
    diag_shift: float = 0.0

    def to_dense(self) -> Array:
        """The matrix."""
        return self.matrix + self.diag_shift * np.eye(len(self.matrix)) if self.diag_shift else self.matrix

    def __matmul__(self, vector: Any) -> Any:
        """The product with a vector or a tree; columns of a matrix are vectors."""
        if getattr(vector, "ndim", 0) == 2:
            return self.to_dense() @ np.asarray(vector)
        flat, unravel = ravel(vector, len(self.matrix))
        return unravel(self.matrix @ flat + self.diag_shift * flat)

    def __call__(self, vector: Any) -> Any:
        """The product."""
        return self @ vector

    def __add__(self, shift: Any) -> Self:
        return replace(self, diag_shift=self.diag_shift + real_number("shift", shift))

    def solve(self, solve_fun: Any, y: Any, *, x0: Any = None, **kwargs: Any) -> Any:
        """x and what the solver tells, for (S + ε) x = y: by one of `nk.optimizer.solver`, or a function like them."""
        if not callable(solve_fun):
            wrong_type("solve_fun", "one of nk.optimizer.solver", solve_fun)
        if x0 is not None:
            kwargs["x0"] = x0
        return solve_fun(self, y, **kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.asarray(self.to_dense(), dtype=dtype)

    def __repr__(self) -> str:
        return f"LinearOperator(shape={self.matrix.shape}, diag_shift={self.diag_shift})"


def QGTAuto(
    vstate: Any = None,
    *,
    diag_shift: float = 0.0,
    diag_scale: float | None = None,
    mode: str | None = None,
    holomorphic: bool | None = None,
    chunk_size: int | None = None,
) -> Any:
    """The tensor of a state; without one, a function that finds it.

    Args:
        vstate: the state.
        diag_shift: ε, added to the diagonal.
        diag_scale: None or 0: there is no shift in proportion to the diagonal.
        mode: accepted: derivatives are by real and imaginary parts of complex parameters.
        holomorphic: accepted, for the same reason.
        chunk_size: accepted and not needed: memory is bounded without it.
    """
    # NetKet gives the solver here, by which it chooses among its ways.
    if vstate is None or callable(vstate):
        return partial(
            QGTAuto,
            diag_shift=diag_shift,
            diag_scale=diag_scale,
            mode=mode,
            holomorphic=holomorphic,
            chunk_size=chunk_size,
        )
    if not hasattr(vstate, "quantum_geometric_tensor"):
        wrong_type("vstate", "a state of nk.vqs", vstate)
    if mode not in (None, "real", "complex", "holomorphic", "auto"):
        refuse("mode", "real, complex or holomorphic", mode, "leave it out")
    if diag_scale is not None and real_number("diag_scale", diag_scale):
        refuse("diag_scale", "None or 0", diag_scale, "use diag_shift")
    return vstate.quantum_geometric_tensor() + diag_shift


def QGTJacobianDense(vstate: Any = None, **keywords: Any) -> Any:
    """As `QGTAuto`."""
    return QGTAuto(vstate, **keywords)


def QGTJacobianPyTree(vstate: Any = None, **keywords: Any) -> Any:
    """As `QGTAuto`."""
    return QGTAuto(vstate, **keywords)


def QGTOnTheFly(vstate: Any = None, **keywords: Any) -> Any:
    """As `QGTAuto`; memory decides what is kept."""
    return QGTAuto(vstate, **keywords)


def check_kind(kind: Any) -> None:
    """One of these, with or without fields, or None.

    Raises:
        TypeError: something else.
    """
    function = getattr(kind, "func", kind)
    if kind is not None and function not in (QGTAuto, QGTJacobianDense, QGTJacobianPyTree, QGTOnTheFly):
        wrong_type("qgt", "one of nk.optimizer.qgt or None", kind)
