"""How parameters begin, by the names of `jax.nn.initializers`."""

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autoket import _native
from autoket._arguments import Array, key_words, real_number, wrong_type


@dataclass(frozen=True)
class Initializer:
    """How parameters begin, for `kernel_init` and `bias_init` of a model: a function of key, shape and dtype.

    >>> import autoket as nk
    >>> nk.nn.initializers.constant(2.0)(0, (2,), "float32")
    array([2., 2.], dtype=float32)
    """

    __name__: str
    number: float | None = None
    numbers: tuple[tuple[str, Any], ...] = ()
    """Of `variance_scaling` and `truncated_normal`."""
    function: Callable[..., Any] | None = None
    """The user's own."""

    def __repr__(self) -> str:
        if self.numbers:
            return f"{self.__name__}({', '.join(f'{name}={value}' for name, value in self.numbers)})"
        return self.__name__ if self.number is None else f"{self.__name__}({self.number})"

    def __call__(self, key: Any, shape: Sequence[int], dtype: Any = np.float64) -> Array:
        """An array of this shape and dtype."""
        return _native.draw(self.to_native(), key_words(key), [int(n) for n in shape], str(np.dtype(dtype)))

    def to_native(self) -> Any:
        """As the compiled library takes it."""
        function = self.function
        if function is None:
            if self.numbers:
                return json.dumps({self.__name__: dict(self.numbers)})
            return json.dumps(self.__name__ if self.number is None else {self.__name__: self.number})

        def draw(key: tuple[int, int], shape: tuple[int, ...], dtype: str) -> Any:
            values = np.asarray(function(np.asarray(key, dtype=np.uint32), tuple(shape), np.dtype(dtype)))
            if values.shape != tuple(shape):
                raise ValueError(f"{self.__name__}: expected an array of shape {tuple(shape)}, got {values.shape}")
            return values

        return self.__name__, draw


zeros = Initializer("zeros")
ones = Initializer("ones")


def constant(value: float) -> Initializer:
    """The same number everywhere."""
    return Initializer("constant", real_number("value", value))


def normal(stddev: float = 0.01) -> Initializer:
    """Normal with this standard deviation."""
    return Initializer("normal", real_number("stddev", stddev))


def uniform(scale: float = 0.01) -> Initializer:
    """Uniform from 0 up to `scale`."""
    return Initializer("uniform", real_number("scale", scale))


def orthogonal(scale: float = 1.0) -> Initializer:
    """A random orthogonal or unitary matrix, times a number."""
    return Initializer("orthogonal", real_number("scale", scale))


def lecun_normal() -> Initializer:
    """Truncated normal of variance 1/fan_in."""
    return Initializer("lecun_normal")


def lecun_uniform() -> Initializer:
    """Uniform of variance 1/fan_in."""
    return Initializer("lecun_uniform")


def he_normal() -> Initializer:
    """Truncated normal of variance 2/fan_in."""
    return Initializer("he_normal")


def he_uniform() -> Initializer:
    """Uniform of variance 2/fan_in."""
    return Initializer("he_uniform")


def glorot_normal() -> Initializer:
    """Truncated normal of variance 2/(fan_in + fan_out)."""
    return Initializer("glorot_normal")


def glorot_uniform() -> Initializer:
    """Uniform of variance 2/(fan_in + fan_out)."""
    return Initializer("glorot_uniform")


def variance_scaling(scale: float, mode: str, distribution: str, in_axis: int = -2, out_axis: int = -1) -> Initializer:
    """Random numbers of mean 0 and variance scale/n, n by `mode`: fan_in, fan_out, fan_avg or fan_geo_avg."""
    numbers = {
        "scale": real_number("scale", scale),
        "mode": mode,
        "distribution": distribution,
        "in_axis": in_axis,
        "out_axis": out_axis,
    }
    return Initializer("variance_scaling", None, tuple(numbers.items()))


def truncated_normal(stddev: float = 0.01, lower: float = -2.0, upper: float = 2.0) -> Initializer:
    """Normal with this standard deviation, cut off at bounds in units of it."""
    numbers = {"stddev": stddev, "lower": lower, "upper": upper}
    return Initializer("truncated_normal", None, tuple((k, real_number(k, v)) for k, v in numbers.items()))


def delta_orthogonal(scale: float = 1.0) -> Initializer:
    """A random orthogonal matrix in the middle of a kernel, zeros around it."""
    return Initializer("delta_orthogonal", real_number("scale", scale))


_CLOSURES = ("constant", "normal", "uniform", "orthogonal", "delta_orthogonal", "truncated_normal", "variance_scaling")


def as_initializer(name: str, function: Any) -> Initializer:
    """The initializer that a user means: ours, one of JAX's, or any function of key, shape and dtype."""
    if isinstance(function, Initializer):
        return function
    if not callable(function):
        wrong_type(name, "one of nk.nn.initializers, such as nk.nn.initializers.normal(0.01), or a function", function)
    origin = (getattr(function, "__module__", None) or "").split(".")[0]
    qualified = getattr(function, "__qualname__", "")
    if origin == "jax" and qualified in ("zeros", "ones"):
        return Initializer(function.__name__)
    if origin == "jax" and qualified.endswith(".<locals>.init"):
        known = _of_closure(qualified.split(".")[0], dict(inspect.getclosurevars(function).nonlocals))
        if known is not None:
            return known
    return Initializer(getattr(function, "__name__", type(function).__name__), function=function)


def _of_closure(kind: str, given: dict[str, Any]) -> Initializer | None:
    """One of JAX's, of which the arguments are in its closure."""
    if kind not in _CLOSURES:
        return None
    if kind == "variance_scaling":
        if given.get("batch_axis", ()) not in ((), []):
            return None
        axes = given["in_axis"], given["out_axis"]
        if not all(isinstance(axis, int) for axis in axes):
            return None
        return variance_scaling(float(given["scale"]), given["mode"], given["distribution"], *axes)
    if kind == "truncated_normal":
        return truncated_normal(*(float(given[k]) for k in ("stddev", "lower", "upper")))
    if kind in ("orthogonal", "delta_orthogonal") and given.get("column_axis", -1) != -1:
        return None
    number = given[{"constant": "value", "normal": "stddev", "uniform": "scale"}.get(kind, "scale")]
    if np.ndim(number) != 0 or np.iscomplexobj(number):
        return None
    return Initializer(kind, float(number))
