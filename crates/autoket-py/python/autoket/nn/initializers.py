"""How parameters begin, by the names of `jax.nn.initializers`."""

import json
from dataclasses import dataclass
from typing import Any

from autoket._arguments import real_number, wrong_type


@dataclass(frozen=True)
class Initializer:
    """How parameters begin, for the fields `kernel_init` and `bias_init` of a model."""

    __name__: str
    number: float | None = None

    def __repr__(self) -> str:
        return self.__name__ if self.number is None else f"{self.__name__}({self.number})"

    def to_json(self) -> str:
        """As the compiled library reads it."""
        return json.dumps(self.__name__ if self.number is None else {self.__name__: self.number})


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


def as_initializer(name: str, function: Any) -> Initializer:
    """The initializer that a user means: ours, or JAX's `zeros` and `ones`, which are known by their names."""
    if isinstance(function, Initializer):
        return function
    origin = (getattr(function, "__module__", None) or "").split(".")[0]
    if origin == "jax" and getattr(function, "__qualname__", "") in ("zeros", "ones"):
        return Initializer(function.__name__)
    wrong_type(name, "one of nk.nn.initializers, such as nk.nn.initializers.normal(0.01)", function)
