"""Masked layers, usable alone and in `nk.models.ARNNSequential`."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from autoket import _native
from autoket._arguments import Array, refuse, whole_number, wrong_type
from autoket.nn._module import Module
from autoket.nn.initializers import as_initializer, lecun_normal, zeros

_LECUN_NORMAL = lecun_normal()
_DTYPES = ("float32", "float64", "complex64", "complex128")


def checked_dtype(value: Any) -> np.dtype[Any]:
    """A dtype of parameters: `float` and `complex` are double precision."""
    try:
        dtype: np.dtype[Any] = np.dtype(value)
    except TypeError:
        wrong_type("param_dtype", "a dtype", value)
    if str(dtype) not in _DTYPES:
        refuse("param_dtype", f"one of {', '.join(_DTYPES)}", dtype, "take float64 or complex128")
    return dtype


def checked_precision(value: Any) -> Any:
    """How float32 products are added up: None, "high", "highest", or one of `jax.lax.Precision`."""
    if value is None or isinstance(value, str):
        return value
    name = getattr(value, "name", None)
    if not isinstance(name, str):
        wrong_type("precision", 'None, "default", "high" or "highest"', value)
    return name.lower()


def pair(name: str, value: Any) -> tuple[int, int]:
    """Two whole numbers."""
    if isinstance(value, str) or not isinstance(value, Sequence | np.ndarray):
        wrong_type(name, "a pair of numbers", value)
    numbers = tuple(whole_number(name, n) for n in value)
    if len(numbers) != 2:
        refuse(name, "two numbers, of rows and of columns", numbers, "give a pair")
    return numbers[0], numbers[1]


class MaskedLayer(Module):
    """What masked layers have in common."""

    _kind: ClassVar[str]
    _cached: ClassVar[bool] = False

    def _prepare(self) -> None:
        put = self.__dict__
        put["features"] = whole_number("features", self.features, least=1)  # type: ignore[attr-defined]
        put["exclusive"] = bool(self.exclusive)  # type: ignore[attr-defined]
        put["param_dtype"] = checked_dtype(put["param_dtype"])
        put["precision"] = checked_precision(put["precision"])
        put["kernel_init"] = as_initializer("kernel_init", put["kernel_init"])
        put["bias_init"] = as_initializer("bias_init", put["bias_init"])
        if put.get("feature_group_count", 1) != 1:
            refuse("feature_group_count", "1", put["feature_group_count"], "take layers of all features")
        for name in ("kernel_size", "kernel_dilation"):
            if name in put:
                of = pair if self._kind == "Conv2D" else whole_number
                put[name] = of(name, put[name])
        self.__dict__["_native"] = self._on(self._lattice())

    def _lattice(self) -> list[int] | None:
        return None

    def _on(self, lattice: list[int] | None) -> _native.Module:
        """The layer of a lattice."""
        put = self.__dict__

        def numbers(name: str) -> list[int]:
            value = put.get(name, [])
            return [value] if isinstance(value, int) else list(value)

        return _native.masked_layer(
            self._kind,
            self._cached,
            lattice,
            put["features"],
            numbers("kernel_size"),
            numbers("kernel_dilation"),
            put["exclusive"],
            bool(put["use_bias"]),
            str(put["param_dtype"]),
            put["precision"] or "default",
            put["kernel_init"].to_native(),
            put["bias_init"].to_native(),
        )

    def _handle(self) -> _native.Module:
        handle: _native.Module = self.__dict__["_native"]
        return handle

    def __call__(self, inputs: Any) -> Array:
        """The outputs of all sites, `(batch, site, features)`, over a lattice `(batch, row, column, features)`.

        Call it by `layer.apply(variables, inputs)`.
        """
        if self._scope is None:
            self._unbound_call("__call__")
        return self._scope.run(self._handle(), "__call__", [np.asarray(inputs)])  # type: ignore[no-any-return]


class _Fast(MaskedLayer):
    _cached = True

    def update_site(self, inputs: Any, index: int) -> Array:
        """Takes one site's input `(batch, features)` into the cache, and gives the output of the site `index`.

        The input is that of the site `index - exclusive`. By `layer.apply(..., method="update_site", mutable="cache")`.
        """
        if self._scope is None:
            self._unbound_call("update_site")
        return self._scope.run(self._handle(), "update_site", [np.asarray(inputs), np.asarray(index)])  # type: ignore[no-any-return]


class MaskedDense1D(MaskedLayer):
    """A linear map in which a site sees all earlier ones, and itself unless it is `exclusive`.

    Args:
        features: features out.
        exclusive: is a site's own input left out, as in the first layer of a network?
        use_bias: is there a bias?
        param_dtype: of the parameters.
        precision: how float32 products are added up in a network.
        kernel_init: how the kernel begins.
        bias_init: how the bias begins.

    >>> import numpy as np
    >>> import autoket as nk
    >>> layer = nk.nn.MaskedDense1D(features=3, exclusive=True)
    >>> variables = layer.init(0, np.ones((8, 4, 1)))
    >>> layer.apply(variables, np.ones((8, 4, 1))).shape
    (8, 4, 3)
    """

    features: int
    exclusive: bool
    use_bias: bool = True
    param_dtype: Any = np.float64
    precision: Any = None
    kernel_init: Any = _LECUN_NORMAL
    bias_init: Any = zeros

    _kind = "Dense1D"


class MaskedConv1D(MaskedLayer):
    """A convolution along a chain, of earlier sites only. Fields as of `MaskedDense1D`, and the kernel's.

    >>> import numpy as np
    >>> import autoket as nk
    >>> layer = nk.nn.MaskedConv1D(features=3, kernel_size=2, kernel_dilation=1, exclusive=True)
    >>> layer.init(0, np.ones((8, 4, 1)))["params"]["kernel"].shape
    (1, 1, 3)
    """

    features: int
    kernel_size: int
    kernel_dilation: int
    exclusive: bool
    feature_group_count: int = 1
    use_bias: bool = True
    param_dtype: Any = np.float64
    precision: Any = None
    kernel_init: Any = _LECUN_NORMAL
    bias_init: Any = zeros

    _kind = "Conv1D"


class MaskedConv2D(MaskedLayer):
    """A convolution over rows and columns, of earlier sites in raster order only. Fields as of `MaskedConv1D`.

    >>> import numpy as np
    >>> import autoket as nk
    >>> layer = nk.nn.MaskedConv2D(features=3, kernel_size=(2, 3), kernel_dilation=(1, 1), exclusive=True)
    >>> layer.init(0, np.ones((8, 4, 4, 1)))["params"]["kernel"].shape
    (2, 3, 1, 3)
    """

    features: int
    kernel_size: tuple[int, int]
    kernel_dilation: tuple[int, int]
    exclusive: bool
    feature_group_count: int = 1
    use_bias: bool = True
    param_dtype: Any = np.float64
    precision: Any = None
    kernel_init: Any = _LECUN_NORMAL
    bias_init: Any = zeros

    _kind = "Conv2D"


class FastMaskedDense1D(_Fast):
    """`MaskedDense1D` with the reference's cache, in `update_site`. `size` is the number of sites."""

    size: int
    features: int
    exclusive: bool
    use_bias: bool = True
    param_dtype: Any = np.float64
    precision: Any = None
    kernel_init: Any = _LECUN_NORMAL
    bias_init: Any = zeros

    _kind = "Dense1D"

    def _lattice(self) -> list[int]:
        return [whole_number("size", self.size, least=1)]


class FastMaskedConv1D(_Fast):
    """`MaskedConv1D` with the reference's cache, in `update_site`."""

    features: int
    kernel_size: int
    kernel_dilation: int
    exclusive: bool
    feature_group_count: int = 1
    use_bias: bool = True
    param_dtype: Any = np.float64
    precision: Any = None
    kernel_init: Any = _LECUN_NORMAL
    bias_init: Any = zeros

    _kind = "Conv1D"


class FastMaskedConv2D(_Fast):
    """`MaskedConv2D` with the reference's cache, in `update_site`. `L` is the side of the square lattice."""

    L: int
    features: int
    kernel_size: tuple[int, int]
    kernel_dilation: tuple[int, int]
    exclusive: bool
    feature_group_count: int = 1
    use_bias: bool = True
    param_dtype: Any = np.float64
    precision: Any = None
    kernel_init: Any = _LECUN_NORMAL
    bias_init: Any = zeros

    _kind = "Conv2D"

    def _lattice(self) -> list[int]:
        side = whole_number("L", self.L, least=1)
        return [side, side]


__all__ = [
    "FastMaskedConv1D",
    "FastMaskedConv2D",
    "FastMaskedDense1D",
    "MaskedConv1D",
    "MaskedConv2D",
    "MaskedDense1D",
    "MaskedLayer",
]
