"""Functions between layers. `reim_f` is f of real and imaginary part apart, scaled so that both keep their size."""

import json
from dataclasses import dataclass
from typing import Any

from autoket._arguments import left_out as _left_out
from autoket._arguments import wrong_type


@dataclass(frozen=True)
class Activation:
    """A function between layers, for the field `activation` of a model."""

    __name__: str
    parameter: float | None = None

    def __repr__(self) -> str:
        return self.__name__ if self.parameter is None else f"{self.__name__}({self.parameter})"

    def to_json(self) -> str:
        """As the compiled library reads it."""
        return json.dumps(self.__name__ if self.parameter is None else {self.__name__: self.parameter})


selu = Activation("selu")
relu = Activation("relu")
gelu = Activation("gelu")
silu = Activation("silu")
swish = silu
softplus = Activation("softplus")
sigmoid = Activation("sigmoid")
tanh = Activation("tanh")
log_cosh = Activation("log_cosh")
sin = Activation("sin")
identity = Activation("identity")
reim_selu = Activation("reim_selu")
reim_relu = Activation("reim_relu")


def elu(alpha: float = 1.0) -> Activation:
    """x where x > 0, else alpha·(eˣ - 1)."""
    return Activation("elu", float(alpha))


def celu(alpha: float = 1.0) -> Activation:
    """x where x > 0, else alpha·(exp(x/alpha) - 1)."""
    return Activation("celu", float(alpha))


def leaky_relu(negative_slope: float = 0.01) -> Activation:
    """x where x > 0, else negative_slope·x."""
    return Activation("leaky_relu", float(negative_slope))


def reim(activation: Activation) -> Activation:
    """The function on real and imaginary part apart."""
    return Activation(f"reim_{activation.__name__}", activation.parameter)


_KNOWN = {
    "selu": selu,
    "relu": relu,
    "gelu": gelu,
    "silu": silu,
    "swish": silu,
    "elu": elu(),
    "celu": celu(),
    "leaky_relu": leaky_relu(),
    "softplus": softplus,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "log_cosh": log_cosh,
    "reim_selu": reim_selu,
    "reim_relu": reim_relu,
}


def as_activation(function: Any) -> Activation:
    """The activation that a user means: ours, or a function of JAX, Flax or NetKet that is the same."""
    if isinstance(function, Activation):
        return function
    origin = getattr(function, "__module__", None) or type(function).__module__
    name = getattr(function, "__name__", "")
    if origin.split(".")[0] in ("jax", "flax", "netket") and name in _KNOWN:
        return _KNOWN[name]
    wrong_type("activation", "one of nk.nn.activation, such as nk.nn.activation.selu", function)


__getattr__ = _left_out(
    "nn.activation",
    dict.fromkeys(["log_sinh", "log_tanh"], "it has no value where its argument is 0; use log_cosh, or tanh"),
)
