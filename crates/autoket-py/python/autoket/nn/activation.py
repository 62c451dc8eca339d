"""Functions between layers. `reim_f` is f of real and imaginary part apart, scaled so that both keep their size."""

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autoket._arguments import Array, wrong_type
from autoket._arguments import left_out as _left_out

Function = Callable[[Array], Array]


@dataclass(frozen=True)
class Activation:
    """A function between layers, for the field `activation` of a model."""

    __name__: str
    parameter: float | None = None
    functions: tuple[Function, Function] | None = None
    """The user's own function and its derivative."""
    of_parts: bool = False
    """Does the user's own function act on real and imaginary part of a complex number apart?"""

    def __repr__(self) -> str:
        return self.__name__ if self.parameter is None else f"{self.__name__}({self.parameter})"

    def to_json(self) -> str:
        """As the compiled library reads a built-in one."""
        return json.dumps(self.__name__ if self.parameter is None else {self.__name__: self.parameter})

    def to_native(self, param_dtype: Any) -> Any:
        """As the compiled library takes it, for parameters of a dtype."""
        if self.functions is None:
            return self.to_json()
        is_complex = np.dtype(param_dtype).kind == "c"
        return (self.__name__, *self.functions, is_complex and not self.of_parts)


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


def reim(activation: Any) -> Activation:
    """The function on real and imaginary part apart, f(√2 x)/√2 of each."""
    known = as_activation(activation)
    return Activation(f"reim_{known.__name__}", known.parameter, known.functions, of_parts=True)


def custom(function: Function, derivative: Function, name: str | None = None) -> Activation:
    """The user's own function of arrays and its derivative, of real numbers or, in a complex model, analytic.

    The derivative is compared with differences when a model is made. Evaluated by Python: slow.

    >>> import numpy as np
    >>> import autoket as nk
    >>> softsign = nk.nn.activation.custom(lambda x: x / (1 + np.abs(x)), lambda x: (1 + np.abs(x)) ** -2, "softsign")
    >>> nk.models.ARNNDense(nk.hilbert.Spin(0.5, 4), layers=2, features=3, activation=softsign).activation
    softsign
    """
    for what, one in (("function", function), ("derivative", derivative)):
        if not callable(one):
            wrong_type(what, "a function of arrays", one)
    return Activation(name or str(getattr(function, "__name__", "custom")), None, (function, derivative))


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
    """The activation that a user means: ours, one of JAX, Flax or NetKet that is the same, or a pair of functions."""
    if isinstance(function, Activation):
        return function
    if isinstance(function, tuple) and len(function) == 2:
        return custom(*function)
    if isinstance(function, functools.partial):
        return _of_partial(function)
    origin = getattr(function, "__module__", None) or type(function).__module__
    name = getattr(function, "__name__", "")
    if origin.split(".")[0] in ("jax", "flax", "netket") and name in _KNOWN:
        return _KNOWN[name]
    if origin.split(".")[0] in ("jax", "jaxlib", "numpy") and name in _ELEMENTARY:
        return _ELEMENTARY[name]
    if isinstance(function, np.ufunc) and function.__name__ in _ELEMENTARY:
        return _ELEMENTARY[function.__name__]
    wrong_type(
        "activation",
        "one of nk.nn.activation, such as nk.nn.activation.selu, or a pair of a function and its derivative",
        function,
    )


def _of_partial(function: functools.partial[Any]) -> Activation:
    """`partial(jax.nn.elu, alpha=0.5)`; NetKet's `reim(f)` is a partial, too."""
    name = getattr(function, "__name__", "")
    if type(function).__module__.startswith("netket") and name.startswith("reim_") and len(function.args) == 1:
        return reim(function.args[0])
    if type(function).__module__.startswith("netket") and name in _KNOWN:
        return _KNOWN[name]
    known = as_activation(function.func)
    parameter = _PARAMETERS.get(known.__name__)
    if function.args or set(function.keywords) - {parameter}:
        wrong_type("activation", f"a partial of {known} with no other argument than {parameter}", function)
    return Activation(known.__name__, float(next(iter(function.keywords.values()), known.parameter or 0.0)))


_PARAMETERS = {"elu": "alpha", "celu": "alpha", "leaky_relu": "negative_slope"}
_ELEMENTARY = {"tanh": tanh, "sin": sin}


__getattr__ = _left_out(
    "nn.activation",
    dict.fromkeys(["log_sinh", "log_tanh"], "it has no value where its argument is 0; use log_cosh, or tanh"),
)
