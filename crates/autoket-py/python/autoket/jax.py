"""What NetKet scripts ask of `netket.jax` beside JAX itself: keys.

>>> import autoket as nk
>>> nk.jax.PRNGKey(42)
array([ 0, 42], dtype=uint32)
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from autoket import random
from autoket._arguments import Array, key_words, whole_number
from autoket._arguments import left_out as _left_out

__all__ = ["PRNGKey", "PRNGSeq"]


def PRNGKey(seed: Any = None) -> Array:
    """The key of a seed, `(2,)`, a new one if None; a key is returned as it is."""
    return np.array(key_words(seed), dtype=np.uint32)


class PRNGSeq(Iterator[Array]):
    """Keys one after the other.

    >>> import autoket as nk
    >>> keys = nk.jax.PRNGSeq(0)
    >>> next(keys)
    array([1797259609, 2579123966], dtype=uint32)
    """

    def __init__(self, base_key: Any = None):
        self._current = PRNGKey(base_key)

    def __next__(self) -> Array:
        self._current = random.split(self._current, 1)[0]
        return self._current

    def next(self) -> Array:
        """The next key, `(2,)`."""
        return next(self)

    def take(self, num: int) -> Array:
        """So many keys, `(num, 2)`."""
        keys = random.split(self._current, whole_number("num", num) + 1)
        self._current = keys[-1]
        return keys[:-1]


_JAX = "autoket runs without JAX; use netket.jax or jax on the arrays it gives"
_NO_DERIVATIVES = "models are differentiated by hand; use expect_and_grad or quantum_geometric_tensor of the state"
__getattr__ = _left_out(
    "jax",
    dict.fromkeys(
        """COOArray HashablePartial apply_packed batch_choice canonicalize_dtypes compose dtype_complex dtype_real
        eval_shape is_complex_dtype lax logdet_cmplx logsumexp_cplx maybe_promote_to_complex searchsorted sort
        tree_ax tree_axpy tree_cast tree_conj tree_dot tree_ishomogeneous tree_leaf_iscomplex tree_leaf_isreal
        tree_norm tree_size tree_to_real""".split(),
        _JAX,
    )
    | dict.fromkeys(["expect", "grad", "jacobian", "jacobian_default_mode", "value_and_grad", "vjp"], _NO_DERIVATIVES)
    | dict.fromkeys(
        """apply_chunked chunk scan_append scan_append_reduce scan_reduce scanmap unchunk vjp_chunked
        vmap_chunked""".split(),
        "memory is bounded without chunks; call what you mean on all of the batch",
    )
    | {"sharding": "all cores of one machine are used without it; run one process for each machine"},
)
