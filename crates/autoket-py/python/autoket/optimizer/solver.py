"""Solvers of A x = b: `(A, b) -> (x, info)`. A is a matrix or a quantum geometric tensor, b a vector or a tree.

Called with keywords only, they give a solver with these: `pinv_smooth(rtol=1e-10)`.

>>> import autoket as nk
>>> x, info = nk.optimizer.solver.cholesky([[2.0, 0.0], [0.0, 4.0]], [1.0, 1.0])
>>> x
array([0.5 , 0.25])
"""

import inspect
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np
import scipy.linalg

from autoket._arguments import Array, refuse, wrong_type
from autoket._arguments import left_out as _left_out
from autoket._trees import ravel

__all__ = ["LU", "cholesky", "cholesky_with_fallback", "nan_fallback", "pinv", "pinv_smooth", "solve", "svd"]

# (x, info), or a solver if called with keywords only.
Solver = Callable[..., Any]


def _solver(function: Callable[..., tuple[Array, Any]]) -> Solver:
    """From a function of a matrix and a vector."""

    @wraps(function)
    def solver(A: Any = None, b: Any = None, **keywords: Any) -> Any:
        if A is None and b is None:
            return partial(solver, **keywords)
        keywords.pop("x0", None)
        matrix = np.asarray(A.to_dense() if hasattr(A, "to_dense") else A)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.dtype.kind not in "biufc":
            refuse("A", "a square matrix of numbers", f"{matrix.dtype} of shape {matrix.shape}", "give A as an array")
        vector, unravel = ravel(b, len(matrix), "b")
        x, info = function(matrix, vector, **keywords)
        return unravel(x), info

    # Accepted by all, and needed by none.
    start = inspect.Parameter("x0", inspect.Parameter.KEYWORD_ONLY, default=None)
    signature = inspect.signature(function)
    solver.__signature__ = signature.replace(parameters=[*signature.parameters.values(), start])  # type: ignore[attr-defined]
    return solver


@_solver
def cholesky(A: Array, b: Array, *, lower: bool = False) -> tuple[Array, Any]:
    """By Cholesky decomposition; NaN where A is not positive definite."""
    try:
        return scipy.linalg.cho_solve(scipy.linalg.cho_factor(A, lower=lower), b), None
    except np.linalg.LinAlgError:
        return np.full_like(b, np.nan), None


@_solver
def solve(A: Array, b: Array, *, assume_a: str = "pos") -> tuple[Array, Any]:
    """By the solver that SciPy has for such a matrix, of a positive definite one if nothing is said."""
    try:
        return scipy.linalg.solve(A, b, assume_a=assume_a), None
    except np.linalg.LinAlgError:
        return np.full_like(b, np.nan), None


@_solver
def LU(A: Array, b: Array, *, trans: int = 0) -> tuple[Array, Any]:
    """By LU decomposition."""
    return scipy.linalg.lu_solve(scipy.linalg.lu_factor(A), b, trans=trans), None


@_solver
def svd(A: Array, b: Array, *, rcond: float | None = None) -> tuple[Array, Any]:
    """By singular values; those below `rcond` times the largest are left out."""
    x, residuals, rank, singular_values = np.linalg.lstsq(A, b, rcond=rcond)
    return x, {"residuals": residuals, "rank": rank, "singular_values": singular_values}


@_solver
def pinv(A: Array, b: Array, *, rtol: float = 1e-12) -> tuple[Array, Any]:
    """By the pseudo-inverse of a Hermitian matrix; eigenvalues below `rtol` times the largest are left out."""
    return np.linalg.pinv(A, rcond=rtol, hermitian=True) @ b, None


@_solver
def pinv_smooth(
    A: Array, b: Array, *, rtol: float = 1e-14, rtol_smooth: float = 1e-14, return_eigvals: bool = False
) -> tuple[Array, Any]:
    """By the pseudo-inverse of a Hermitian matrix, with a soft cut besides: Medvidovic and Sels, arXiv:2212.11289."""
    values, vectors = np.linalg.eigh(A)
    ratio = np.abs(values / values[-1])
    with np.errstate(divide="ignore"):
        inverse = np.where(ratio > rtol, 1.0 / values, 0.0) / (1.0 + (rtol_smooth / ratio) ** 6)
        condition = values[-1] / values[0]
    info = {
        "eval_min": values[0],
        "eval_max": values[-1],
        "rank": int(np.sum(values > rtol * values[-1])),
        "cond_number": condition,
    }
    if return_eigvals:
        info["evals"] = values
    return vectors @ (inverse * (vectors.conj().T @ b)), info


def nan_fallback(primary_solver: Solver, fallback_solver: Solver) -> Solver:
    """The first solver, or the second where the first finds no finite numbers; `info` says which."""
    for name, given in (("primary_solver", primary_solver), ("fallback_solver", fallback_solver)):
        if not callable(given):
            wrong_type(name, "a function (A, b) that gives (x, info)", given)
    return partial(_nan_fallback, primary_solver, fallback_solver)


def _nan_fallback(primary_solver: Solver, fallback_solver: Solver, A: Any, b: Any, **keywords: Any) -> tuple[Any, Any]:
    x, info = primary_solver(A, b, **keywords)
    is_bad = not np.isfinite(ravel(x)[0]).all()
    if is_bad:
        x, _ = fallback_solver(A, b, **keywords)
    return x, {**(info or {}), "solver_fallback": is_bad}


@_solver
def cholesky_with_fallback(A: Array, b: Array, *, rtol: float = 1e-14, rtol_smooth: float = 1e-14) -> tuple[Array, Any]:
    """`cholesky`, or `pinv_smooth` where it finds no finite numbers."""
    x, info = nan_fallback(cholesky, pinv_smooth(rtol=rtol, rtol_smooth=rtol_smooth))(A, b)
    return x, info


_EXACT = ("LU", "cholesky", "cholesky_with_fallback", "nan_fallback", "pinv", "pinv_smooth", "solve", "svd")


def form_of(solver: Any) -> str | None:
    """The form of SR that a solver asks for: they all find the same, so long as nothing is cut off."""
    if solver is None:
        return None
    if not callable(solver):
        wrong_type("solver", "one of nk.optimizer.solver", solver)
    keywords = dict(getattr(solver, "keywords", {}))
    name = getattr(getattr(solver, "func", solver), "__name__", "").lstrip("_")
    if name == "cg":
        return "cg"
    if name.removesuffix("_solver") not in _EXACT:
        raise NotImplementedError(
            f"`solver`: {solver!r} is not run within a step; use one of nk.optimizer.solver, which all give the same "
            "update, or solve by state.quantum_geometric_tensor().solve(solver, gradient)"
        )
    for inner in getattr(solver, "args", ()):
        form_of(inner)
    cuts = {name: value for name, value in keywords.items() if name in ("rtol", "rtol_smooth", "rcond")}
    for cut, value in cuts.items():
        if value is not None and value > 1e-12:
            refuse(cut, "at most 1e-12", value, "nothing is cut off within a step: raise diag_shift instead")
    return None


__getattr__ = _left_out(
    "optimizer.solver",
    dict.fromkeys(
        ["cholesky_distributed", "pinv_smooth_distributed"],
        "systems are solved on all cores of one machine; use cholesky or pinv_smooth",
    ),
)
