"""Autoregressive wave functions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, fields, replace
from typing import Any, ClassVar, NoReturn, Self

import numpy as np

from autoket._arguments import Array, key_words, refuse, whole_number, wrong_type
from autoket._arguments import left_out as _left_out
from autoket._native import Model as _Model
from autoket.hilbert import HomogeneousHilbert
from autoket.nn.activation import as_activation, reim_selu
from autoket.nn.initializers import as_initializer, lecun_normal, zeros

__all__ = [
    "ARNNConv1D",
    "ARNNConv2D",
    "ARNNDense",
    "AbstractARNN",
    "FastARNNConv1D",
    "FastARNNConv2D",
    "FastARNNDense",
]

Variables = dict[str, Any]
_LECUN_NORMAL = lecun_normal()
METHODS = ("__call__", "conditionals", "conditional", "conditionals_log_psi", "reshape_inputs")


class AbstractARNN:
    """What all autoregressive models have.

    A model holds no parameters: `init` makes them, `apply` takes them.
    """

    _native: _Model
    hilbert: HomogeneousHilbert

    def init(self, rngs: Any, inputs: Any, *args: Any, method: Any = None) -> Variables:
        """Fresh variables, `{"params": {"_layers_0": {"kernel": ..., "bias": ...}, ...}}`.

        Args:
            rngs: a key, or `{"params": key}`.
            inputs: σ of shape `(batch, site)`.
            method: the method whose variables are made; `"conditional"` of a Fast model makes its cache.
        """
        return self.init_with_output(rngs, inputs, *args, method=method)[1]

    def init_with_output(self, rngs: Any, inputs: Any, *args: Any, method: Any = None) -> tuple[Array, Variables]:
        """The output of a method, and fresh variables."""
        return self._native.init_with_output(_params_key(rngs), [np.asarray(inputs), *args], _method_name(method))

    def apply(
        self, variables: Mapping[str, Any], inputs: Any, *args: Any, method: Any = None, mutable: Any = False
    ) -> Any:
        """The output of a method; with `mutable`, also the collections that it names, as they are left.

        Args:
            variables: what `init` returned, or a mapping like it.
            inputs: σ of shape `(batch, site)`.
            method: a name or a method of this class; `__call__`, which is log ψ, if none is given.
            mutable: names of collections that may change.
        """
        names = [] if mutable is False else [mutable] if isinstance(mutable, str) else list(mutable)
        output, changed = self._native.apply(variables, [np.asarray(inputs), *args], _method_name(method), names)
        return output if mutable is False else (output, changed)

    def tabulate(self, rngs: Any, inputs: Any, *args: Any, method: Any = None, depth: int | None = None) -> str:
        """The modules with shapes and parameters, as a table. Nothing is computed."""
        return self._native.tabulate(_params_key(rngs), [np.asarray(inputs), *args], _method_name(method), depth)

    def conditionals(self, inputs: Any) -> Array:
        """Probabilities of each local state at each site given the earlier ones, `(batch, site, local state)`.

        Call it by `model.apply(variables, σ, method=model.conditionals)`.
        """
        self._unbound("conditionals")

    def conditional(self, inputs: Any, index: int) -> Array:
        """The probabilities at one site, `(batch, local state)`; by `apply`."""
        self._unbound("conditional")

    def conditionals_log_psi(self, inputs: Any) -> Array:
        """Logarithms of conditional amplitudes, `(batch, site, local state)`; by `apply`."""
        self._unbound("conditionals_log_psi")

    def reshape_inputs(self, inputs: Any) -> Array:
        """σ as the layers see it; by `apply`."""
        self._unbound("reshape_inputs")

    def __call__(self, inputs: Any) -> Array:
        """log ψ(σ), `(batch,)`; by `apply`."""
        self._unbound("__call__")

    def _unbound(self, method: str) -> NoReturn:
        raise AttributeError(
            f"{type(self).__name__}.{method} needs variables: call model.apply(variables, inputs, method={method!r})"
        )


def _method_name(method: Any) -> str:
    if method is None:
        return "__call__"
    name = method if isinstance(method, str) else getattr(method, "__name__", None)
    if not isinstance(name, str):
        wrong_type("method", "a method of the model, or its name", method)
    return name


def _params_key(rngs: Any) -> tuple[int, int]:
    if isinstance(rngs, Mapping):
        if "params" not in rngs:
            refuse("rngs", "a key of the stream params", sorted(rngs), "give {'params': key}")
        rngs = rngs["params"]
    return key_words(rngs)


@dataclass(frozen=True, repr=False)
class _Masked(AbstractARNN):
    """The fields that networks of masked layers share."""

    hilbert: HomogeneousHilbert
    layers: int
    features: int | Sequence[int]
    _: KW_ONLY
    activation: Any = reim_selu
    use_bias: bool = True
    param_dtype: Any = np.float64
    precision: str | None = None
    kernel_init: Any = _LECUN_NORMAL
    bias_init: Any = zeros
    machine_pow: int = 2
    order: Sequence[int] | None = None
    phase: bool = False

    _own: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.hilbert, HomogeneousHilbert):
            wrong_type("hilbert", "a space of nk.hilbert", self.hilbert)
        uniform = not isinstance(self.features, Sequence | np.ndarray)
        features = [self.features] if uniform else list(self.features)  # type: ignore[arg-type]
        features = [whole_number("features", f) for f in features]
        put = object.__setattr__
        put(self, "features", features[0] if uniform else tuple(features))
        put(self, "activation", as_activation(self.activation))
        put(self, "kernel_init", as_initializer("kernel_init", self.kernel_init))
        put(self, "bias_init", as_initializer("bias_init", self.bias_init))
        put(self, "param_dtype", np.dtype(self.param_dtype))
        if self.order is not None:
            put(self, "order", tuple(whole_number("order", site) for site in self.order))
        kernel_size, kernel_dilation, extent = self._kernel()
        native = _Model(
            type(self).__name__,
            self.hilbert._native,
            whole_number("layers", self.layers),
            features,
            uniform,
            kernel_size,
            kernel_dilation,
            extent,
            self.activation.to_json(),
            bool(self.use_bias),
            f'"{self.param_dtype}"',
            f'"{self.precision or "default"}"',
            self.kernel_init.to_json(),
            self.bias_init.to_json(),
            whole_number("machine_pow", self.machine_pow, least=1),
            None if self.order is None else list(self.order),
            bool(self.phase),
        )
        put(self, "_native", native)

    def _kernel(self) -> tuple[list[int], list[int], list[int] | None]:
        return [], [], None

    def _shown(self) -> dict[str, Any]:
        """The fields in the reference's order; ours only where they are set."""
        names = [f.name for f in fields(self)]
        own = [n for n in self._own if n != "extent" or getattr(self, n) is not None]
        first = ["hilbert", "layers", "features", *own]
        ours = {"order": None, "phase": False, "extent": None}
        rest = [n for n in names if n not in first and (n not in ours or getattr(self, n) != ours[n])]
        return {name: getattr(self, name) for name in [*first, *rest]}

    def __repr__(self) -> str:
        lines = "".join(f"    {name} = {value}\n" for name, value in self._shown().items())
        return f"{type(self).__name__}(\n    # attributes\n{lines})"

    def clone(self, **updates: Any) -> Self:
        """A copy with other values of some fields."""
        return replace(self, **updates)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _restore, (type(self), {f.name: getattr(self, f.name) for f in fields(self)})


def _restore(kind: type[_Masked], values: dict[str, Any]) -> _Masked:
    return kind(**values)


@dataclass(frozen=True, repr=False)
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
    """


@dataclass(frozen=True, repr=False)
class ARNNConv1D(_Masked):
    """Masked convolutions along a chain. Fields as of `ARNNDense`, and the length and dilation of kernels.

    >>> import autoket as nk
    >>> model = nk.models.ARNNConv1D(nk.hilbert.Spin(0.5, 4), layers=2, features=3, kernel_size=2)
    >>> model.init(0, [[1, 1, -1, 1]])["params"]["_layers_0"]["kernel"].shape
    (1, 1, 3)
    """

    kernel_size: int = None  # type: ignore[assignment]
    kernel_dilation: int = 1

    _own = ("kernel_size", "kernel_dilation")

    def _kernel(self) -> tuple[list[int], list[int], list[int] | None]:
        _given(self)
        return (
            [whole_number("kernel_size", self.kernel_size)],
            [whole_number("kernel_dilation", self.kernel_dilation)],
            None,
        )


@dataclass(frozen=True, repr=False)
class ARNNConv2D(_Masked):
    """Masked convolutions over a lattice in raster order.

    Fields as of `ARNNDense`, and height and width of kernels, their dilation, and `extent`, rows and columns of
    the lattice: a square if None. Typically the height is width//2 + 1.

    >>> import autoket as nk
    >>> model = nk.models.ARNNConv2D(nk.hilbert.Spin(0.5, 9), layers=2, features=3, kernel_size=(2, 3))
    >>> model.init(0, [[1] * 9])["params"]["_layers_0"]["kernel"].shape
    (2, 3, 1, 3)
    """

    kernel_size: tuple[int, int] = None  # type: ignore[assignment]
    kernel_dilation: tuple[int, int] = (1, 1)
    extent: tuple[int, int] | None = None

    _own = ("kernel_size", "kernel_dilation", "extent")

    def _kernel(self) -> tuple[list[int], list[int], list[int] | None]:
        _given(self)
        pairs = {name: getattr(self, name) for name in self._own}
        for name, pair in pairs.items():
            if pair is None:
                continue
            if not isinstance(pair, Sequence | np.ndarray):
                wrong_type(name, "a pair of numbers", pair)
            object.__setattr__(self, name, tuple(whole_number(name, n) for n in pair))
        extent = None if self.extent is None else list(self.extent)
        return list(self.kernel_size), list(self.kernel_dilation), extent


def _given(model: Any) -> None:
    if model.kernel_size is None:
        raise TypeError(f"{type(model).__name__} needs kernel_size")


@dataclass(frozen=True, repr=False)
class FastARNNDense(ARNNDense):
    """`ARNNDense` with the reference's cache in `conditional`. All models draw by caches here."""


@dataclass(frozen=True, repr=False)
class FastARNNConv1D(ARNNConv1D):
    """`ARNNConv1D` with the reference's cache in `conditional`. All models draw by caches here."""


@dataclass(frozen=True, repr=False)
class FastARNNConv2D(ARNNConv2D):
    """`ARNNConv2D` with the reference's cache in `conditional`. All models draw by caches here."""


_NOT_AUTOREGRESSIVE = "it is not autoregressive; use ARNNDense, ARNNConv1D or ARNNConv2D"
_NOT_YET = "it is not there yet; use ARNNDense, ARNNConv1D or ARNNConv2D"
__getattr__ = _left_out(
    "models",
    dict.fromkeys(
        """DeepSetMLP DeepSetRelDistance GCNN Gaussian Jastrow LogStateVector MLP MPSPeriodic MultiSlater2nd NDM RBM
        RBMModPhase RBMMultiVal RBMSymm Slater2nd tensor_networks update_GCNN_parity""".split(),
        _NOT_AUTOREGRESSIVE,
    )
    | dict.fromkeys(["ARNNSequential", "FastARNNSequential"], _NOT_YET),
)
