"""Networks that are lists of layers: the reference's, and the user's own."""

from collections.abc import Sequence
from dataclasses import field
from typing import Any, ClassVar

import numpy as np

from autoket import _native
from autoket._arguments import refuse, whole_number, wrong_type
from autoket.models._base import Designed
from autoket.nn import _masked as layers_of
from autoket.nn._masked import MaskedLayer, pair
from autoket.nn.activation import as_activation, identity, reim_selu
from autoket.nn.initializers import lecun_normal, zeros

_LECUN_NORMAL = lecun_normal()


class ARNNSequential(Designed):
    """A list of masked layers with a function between them.

    A subclass puts layers of `nk.nn` into `self._layers` in `setup`, as in NetKet, and may have a field `activation` or
    a method `reshape_inputs`, which says on which lattice two-dimensional layers act. The first layer is `exclusive`.

    >>> import autoket as nk
    >>> class Mixed(nk.models.ARNNSequential):
    ...     features: int
    ...     machine_pow: int = 2
    ...     activation: object = nk.nn.activation.reim_selu
    ...
    ...     def setup(self):
    ...         self._layers = [
    ...             nk.nn.MaskedConv1D(self.features, kernel_size=3, kernel_dilation=1, exclusive=True),
    ...             nk.nn.MaskedDense1D(self.hilbert.local_size, exclusive=False),
    ...         ]
    >>> model = Mixed(nk.hilbert.Spin(0.5, 6), features=4)
    >>> model.init(0, [[1, 1, -1, 1, 1, 1]])["params"]["_layers_1"]["kernel"].shape
    (24, 12)
    """

    _fast: ClassVar[bool] = False

    def _build(self) -> _native.Module:
        made = self.__dict__
        made["_quiet"] = True
        self.setup()
        made.pop("_quiet")
        layers = made.pop("_layers", None)
        if not isinstance(layers, Sequence) or not layers or not all(isinstance(it, MaskedLayer) for it in layers):
            wrong_type("_layers", "a list of masked layers of nk.nn, assigned in setup", layers)
        made["_parts"] = tuple(layers)
        dtypes = {layer.param_dtype for layer in layers}
        if len(dtypes) > 1:
            refuse("_layers", "layers of one param_dtype", sorted(map(str, dtypes)), "give all the same")
        for i, layer in enumerate(layers):
            if self._fast and (not layer._cached or layer.exclusive != (i == 0)):
                refuse("_layers", "Fast layers, the first and no other exclusive", layer, "see nk.nn.FastMaskedDense1D")
        dtype = dtypes.pop()
        # Without an activation NetKet has none.
        activation = as_activation(getattr(self, "activation", identity))
        order = self._own_order()
        return _native.sequential_network(
            self.hilbert._native,
            [layer._on(self._lattice()) if layer._kind == "Conv2D" else layer._handle() for layer in layers],
            self._fast,
            activation.to_native(dtype),
            str(dtype),
            whole_number("machine_pow", getattr(self, "machine_pow", 2), least=1),
            order,
            bool(getattr(self, "phase", False)),
        )

    def _own_order(self) -> list[int] | None:
        if "order" in self.__dict__:
            return self._put_order()
        given = type(self).reorder
        if given is Designed.reorder:
            return None
        return [whole_number("reorder", site) for site in self.reorder(np.arange(self.hilbert.size))]

    def _lattice(self) -> list[int] | None:
        """Rows and columns, as a `reshape_inputs` of the user's has them; None: a square."""
        if type(self).reshape_inputs is Designed.reshape_inputs:
            return None
        shape = np.shape(self.reshape_inputs(np.zeros((1, self.hilbert.size))))[1:]
        return [int(n) for n in shape] if len(shape) == 2 else None

    def _submodules(self) -> dict[str, Any]:
        parts = self.__dict__.get("_parts", ())
        return {f"_layers_{i}": part for i, part in enumerate(parts)}

    def __setattr__(self, name: str, value: Any) -> None:
        if self.__dict__.get("_quiet"):
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)


class FastARNNSequential(ARNNSequential):
    """`ARNNSequential` of layers with the reference's cache, in `conditional`. All models draw by caches here."""

    _fast = True


class _Masked(ARNNSequential):
    """The reference's networks: their layers differ in features alone."""

    def _kernel(self) -> tuple[list[int], list[int], list[int] | None]:
        return [], [], None

    def _build(self) -> _native.Module:
        put = self.__dict__
        features, uniform = self._put_features()
        put["activation"] = as_activation(put["activation"])
        layers = whole_number("layers", put["layers"])
        kernel_size, kernel_dilation, extent = self._kernel()
        common = self._common()
        built = _native.masked_network(
            self._class(),
            self.hilbert._native,
            layers,
            features,
            uniform,
            kernel_size,
            kernel_dilation,
            extent,
            put["activation"].to_native(put["param_dtype"]),
            bool(put["use_bias"]),
            self._put_order(),
            common,
        )
        return built

    def _class(self) -> str:
        names = [kind.__name__ for kind in type(self).__mro__ if kind.__module__.startswith("autoket.")]
        return names[0]

    def _submodules(self) -> dict[str, Any]:
        put = self.__dict__
        features = put["features"]
        if isinstance(features, int):
            features = [features] * (put["layers"] - 1) + [self.hilbert.local_size]
        name = self._class().replace("ARNN", "Masked")
        names = ("use_bias", "param_dtype", "precision", "kernel_init", "bias_init", "kernel_size", "kernel_dilation")
        fields = {name: put[name] for name in names if name in put}
        if name == "FastMaskedDense1D" or name == "FastMaskedDense":
            fields["size"] = self.hilbert.size
        if name == "FastMaskedConv2D":
            if put["extent"] is not None:
                return {}
            fields["L"] = int(self.hilbert.size**0.5)
        kind = getattr(
            layers_of, {"MaskedDense": "MaskedDense1D", "FastMaskedDense": "FastMaskedDense1D"}.get(name, name)
        )
        made = {f"_layers_{i}": kind(features=f, exclusive=i == 0, **fields) for i, f in enumerate(features)}
        return made


class ARNNDense(_Masked):
    """Masked dense layers: a site sees all earlier ones.

    Args:
        hilbert: the space.
        layers: number of layers.
        features: of every layer but the last, or of each.
        activation: the function between layers.
        use_bias: do layers have a bias?
        param_dtype: of the parameters, float32, float64, complex64 or complex128.
        precision: how float32 products are added up: None, "high" or "highest".
        kernel_init: how kernels begin.
        bias_init: how biases begin.
        machine_pow: the power of |ψ| that is normalised.
        order: `order[k]` is the site drawn k-th; sites in turn if None.
        phase: real parameters, and a phase beside the amplitude.

    >>> import autoket as nk
    >>> model = nk.models.ARNNDense(nk.hilbert.Spin(0.5, 4), layers=2, features=3)
    >>> variables = model.init(0, [[1, 1, -1, 1]])
    >>> model.apply(variables, [[1, 1, -1, 1]], method=model.conditionals).shape
    (1, 4, 2)
    >>> model.bind(variables).conditionals([[1, 1, -1, 1]]).shape
    (1, 4, 2)
    """

    layers: int
    features: int | Sequence[int]
    activation: Any = reim_selu
    use_bias: bool = True
    param_dtype: Any = np.float64
    precision: Any = None
    kernel_init: Any = _LECUN_NORMAL
    bias_init: Any = zeros
    machine_pow: int = 2
    order: Sequence[int] | None = field(default=None, kw_only=True)
    phase: bool = field(default=False, kw_only=True)


class ARNNConv1D(_Masked):
    """Masked convolutions along a chain. Fields as of `ARNNDense`, and the length and dilation of kernels.

    >>> import autoket as nk
    >>> model = nk.models.ARNNConv1D(nk.hilbert.Spin(0.5, 4), layers=2, features=3, kernel_size=2)
    >>> model.init(0, [[1, 1, -1, 1]])["params"]["_layers_0"]["kernel"].shape
    (1, 1, 3)
    """

    layers: int
    features: int | Sequence[int]
    kernel_size: int
    kernel_dilation: int = 1
    activation: Any = reim_selu
    use_bias: bool = True
    param_dtype: Any = np.float64
    precision: Any = None
    kernel_init: Any = _LECUN_NORMAL
    bias_init: Any = zeros
    machine_pow: int = 2
    order: Sequence[int] | None = field(default=None, kw_only=True)
    phase: bool = field(default=False, kw_only=True)

    def _kernel(self) -> tuple[list[int], list[int], list[int] | None]:
        return (
            [whole_number("kernel_size", self.kernel_size)],
            [whole_number("kernel_dilation", self.kernel_dilation)],
            None,
        )


class ARNNConv2D(_Masked):
    """Masked convolutions over a lattice in raster order.

    Fields as of `ARNNDense`, and height and width of kernels, their dilation, and `extent`, rows and columns of
    the lattice: a square if None. Typically the height is width//2 + 1.

    >>> import autoket as nk
    >>> model = nk.models.ARNNConv2D(nk.hilbert.Spin(0.5, 9), layers=2, features=3, kernel_size=(2, 3))
    >>> model.init(0, [[1] * 9])["params"]["_layers_0"]["kernel"].shape
    (2, 3, 1, 3)
    """

    layers: int
    features: int | Sequence[int]
    kernel_size: tuple[int, int]
    kernel_dilation: tuple[int, int] = (1, 1)
    activation: Any = reim_selu
    use_bias: bool = True
    param_dtype: Any = np.float64
    precision: Any = None
    kernel_init: Any = _LECUN_NORMAL
    bias_init: Any = zeros
    machine_pow: int = 2
    order: Sequence[int] | None = field(default=None, kw_only=True)
    phase: bool = field(default=False, kw_only=True)
    extent: tuple[int, int] | None = field(default=None, kw_only=True)

    def _kernel(self) -> tuple[list[int], list[int], list[int] | None]:
        put = self.__dict__
        for name in ("kernel_size", "kernel_dilation", "extent"):
            if put[name] is not None:
                put[name] = pair(name, put[name])
        extent = None if put["extent"] is None else list(put["extent"])
        return list(put["kernel_size"]), list(put["kernel_dilation"]), extent


class FastARNNDense(ARNNDense, FastARNNSequential):
    """`ARNNDense` with the reference's cache in `conditional`. All models draw by caches here."""


class FastARNNConv1D(ARNNConv1D, FastARNNSequential):
    """`ARNNConv1D` with the reference's cache in `conditional`. All models draw by caches here."""


class FastARNNConv2D(ARNNConv2D, FastARNNSequential):
    """`ARNNConv2D` with the reference's cache in `conditional`. All models draw by caches here."""
