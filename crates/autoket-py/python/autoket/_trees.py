"""Trees of arrays as vectors, in JAX's order: names sorted."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autoket._arguments import Array, refuse, wrong_type

Unravel = Callable[[Array], Any]


def ravel(tree: Any, n: int | None = None, name: str = "vector") -> tuple[Array, Unravel]:
    """A tree as a vector, and the way back.

    Args:
        n: the length that the vector must have. A tree of half as many complex numbers is given as the real parts
            and, after them, the imaginary ones.
        name: what messages call the tree.
    """
    leaves = _leaves(tree, name)
    vector = np.concatenate([leaf.ravel() for leaf in leaves]) if leaves else np.zeros(0)
    if n is None or len(vector) == n:
        return vector, lambda x: _rebuilt(tree, list(_parts(x, leaves)))
    if 2 * len(vector) == n:
        half = len(vector)
        return np.r_[vector.real, vector.imag], lambda x: _rebuilt(tree, list(_parts(x[:half] + 1j * x[half:], leaves)))
    refuse(name, f"{n} numbers", len(vector), "give a tree or a vector of the state's parameters")


def _leaves(tree: Any, name: str) -> list[Array]:
    if isinstance(tree, Mapping):
        return [leaf for key in sorted(tree) for leaf in _leaves(tree[key], f"{name}/{key}")]
    array = np.asarray(tree)
    if array.dtype.kind not in "biufc":
        wrong_type(name, "an array of numbers", tree)
    return [array]


def _parts(x: Array, leaves: list[Array]) -> Any:
    ends = np.cumsum([leaf.size for leaf in leaves])
    for leaf, part in zip(leaves, np.split(x, ends[:-1]), strict=True):
        # A real leaf has real numbers, in its precision; an integer one is given what is found.
        real = part.real if leaf.dtype.kind == "f" else part
        yield real.reshape(leaf.shape).astype(leaf.dtype if leaf.dtype.kind in "fc" else real.dtype)


def _rebuilt(tree: Any, parts: list[Array]) -> Any:
    if isinstance(tree, Mapping):
        built = {key: _rebuilt(tree[key], parts) for key in sorted(tree)}
        return {key: built[key] for key in tree}
    return parts.pop(0)
