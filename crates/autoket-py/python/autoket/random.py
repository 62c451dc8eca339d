"""Random numbers by keys: those of `jax.random`, without JAX.

A key is an array of two words, JAX's older form. Functions take both forms, and seeds.

>>> import autoket as nk
>>> key, other = nk.random.split(nk.random.key(0))
>>> key
array([1797259609, 2579123966], dtype=uint32)
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from autoket import _native
from autoket._arguments import Array, check_memory, key_words, real_number, refuse, whole_number, wrong_type
from autoket._arguments import left_out as _left_out

__all__ = ["PRNGKey", "fold_in", "key", "key_data", "normal", "split", "uniform"]


def key(seed: Any) -> Array:
    """The key of a seed, `(2,)`; a key is returned as it is, in JAX's older form.

    >>> import autoket as nk
    >>> nk.random.key(42)
    array([ 0, 42], dtype=uint32)
    """
    if seed is None:
        wrong_type("seed", "a whole number", seed)
    return np.array(key_words(seed), dtype=np.uint32)


PRNGKey = key_data = key


def split(key: Any, num: int | Iterable[int] = 2) -> Array:
    """Independent keys from one, `(num, 2)`, or `(*num, 2)`.

    >>> import autoket as nk
    >>> nk.random.split(nk.random.key(0), 3).shape
    (3, 2)
    """
    shape = _shape("num", num)
    words = _native.split(key_words(key), math.prod(shape))
    return np.array(words, dtype=np.uint32).reshape(*shape, 2)


def fold_in(key: Any, data: int) -> Array:
    """The key of a key and a whole number, `(2,)`."""
    data = whole_number("data", data)
    if data >= 2**32:
        refuse("data", "less than 2**32", data, "fold in twice")
    return np.array(_native.fold_in(key_words(key), data), dtype=np.uint32)


def uniform(
    key: Any, shape: int | Iterable[int] = (), dtype: Any = float, minval: Any = 0.0, maxval: Any = 1.0
) -> Array:
    """Numbers from `minval` to less than `maxval`, of this shape, `float32` or `float64`.

    >>> import autoket as nk
    >>> nk.random.uniform(nk.random.key(42), (2,))
    array([0.42672757, 0.01501007])
    """
    shape, dtype = _shape("shape", shape), _dtype(dtype, "fd")
    low, high = real_number("minval", minval), real_number("maxval", maxval)
    return _native.uniform(key_words(key), math.prod(shape), dtype.char == "f", low, high).reshape(shape)


def normal(key: Any, shape: int | Iterable[int] = (), dtype: Any = float) -> Array:
    """Numbers of mean 0 and variance 1, of this shape, `float32`, `float64`, `complex64` or `complex128`.

    >>> import autoket as nk
    >>> nk.random.normal(nk.random.key(42), (2, 3)).shape
    (2, 3)
    """
    shape, dtype = _shape("shape", shape), _dtype(dtype, "fdFD")
    n, single = math.prod(shape), dtype.char in "fF"
    if dtype.kind == "f":
        return _native.normal(key_words(key), n, single).reshape(shape)
    real, imag = (_native.normal(words, n, single) for words in _native.split(key_words(key), 2))
    numbers: Array = ((real + 1j * imag) / np.sqrt(2).astype(real.dtype)).astype(dtype)
    return numbers.reshape(shape)


def _shape(name: str, shape: Any) -> tuple[int, ...]:
    lengths = (shape,) if not isinstance(shape, Iterable) or isinstance(shape, str | bytes) else tuple(shape)
    lengths = tuple(whole_number(name, n) for n in lengths)
    # A key is a tuple of two words on its way.
    check_memory(name, math.prod(lengths), 200 if name == "num" else 32)
    return lengths


def _dtype(dtype: Any, known: str) -> np.dtype[Any]:
    asked: np.dtype[Any] = np.dtype(dtype)
    if asked.char not in known:
        names = ", ".join(np.dtype(char).name for char in known)
        wrong_type("dtype", f"one of {names}", dtype)
    return asked


_NUMPY = "use NumPy's, np.random.default_rng(seed)"
__getattr__ = _left_out(
    "random",
    dict.fromkeys(
        """ball bernoulli beta binomial bits categorical cauchy chisquare choice dirichlet double_sided_maxwell
        exponential f gamma generalized_normal geometric gumbel laplace loggamma logistic lognormal maxwell
        multivariate_normal orthogonal pareto permutation poisson rademacher randint rayleigh t triangular
        truncated_normal wald weibull_min""".split(),
        _NUMPY,
    )
    | dict.fromkeys(
        ["clone", "key_impl", "wrap_key_data"], "a key is an array of two words and nothing else; use it as it is"
    ),
)
