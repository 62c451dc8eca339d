"""What all autoregressive models have."""

import warnings
from collections.abc import Mapping
from html import escape
from typing import Any, ClassVar, NoReturn

import numpy as np

from autoket import _native
from autoket._arguments import Array, refuse, whole_number, wrong_type
from autoket.hilbert import HomogeneousHilbert
from autoket.nn._masked import checked_dtype, checked_precision, pair
from autoket.nn._module import _ACTIVE, Module
from autoket.nn._places import Variables
from autoket.nn._shapes import ShapeDtypeStruct
from autoket.nn.initializers import as_initializer

__all__ = ["AbstractARNN"]


class AbstractARNN(Module):
    """An autoregressive wave function: a product of conditionals, each of a site given those that are drawn before it.

    A model holds no parameters: `init` makes them, `apply` takes them, `bind` gives a copy that has them.

    A model of one's own is a subclass with `conditionals_log_psi`, in NumPy. Amplitudes are masked by the constraints
    of the space and normalised, so that it may return any logarithms; those of a site must not depend on itself or on
    sites that are drawn later. With `conditionals_log_psi_vjp(self, inputs, cotangent)` it gives its own gradient: a
    tree g like `params` with Re(Σ conj(g) dp) = Re(Σ conj(cotangent) d conditionals_log_psi), summed over the batch.
    Without, derivatives are central differences, and a warning says so.

    >>> import numpy as np
    >>> import autoket as nk
    >>> class Product(nk.models.AbstractARNN):
    ...     def conditionals_log_psi(self, inputs):
    ...         field = self.param("field", nk.nn.initializers.normal(0.1), (self.hilbert.size, 2), "float64")
    ...         return np.broadcast_to(field, (len(inputs), *field.shape))
    ...
    ...     def conditionals_log_psi_vjp(self, inputs, cotangent):
    ...         return {"field": cotangent.sum(axis=0)}
    >>> hilbert = nk.hilbert.Spin(0.5, 4)
    >>> state = nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), Product(hilbert), n_samples=8, seed=0)
    >>> state.samples.shape
    (1, 8, 4)
    """

    hilbert: HomogeneousHilbert

    _methods: ClassVar[tuple[str, ...]] = ("__call__", "conditionals", "conditional", "conditionals_log_psi")
    _own_methods: ClassVar[tuple[str, ...]] = _methods

    def _prepare(self) -> None:
        if not isinstance(self.hilbert, HomogeneousHilbert):
            refuse("hilbert", "a homogeneous space of nk.hilbert", repr(self.hilbert), "take nk.hilbert.Spin(0.5, 16)")

    def conditionals_log_psi(self, inputs: Any) -> Array:
        """Logarithms of conditional amplitudes, `(batch, site, local state)`.

        Call it by `model.apply(variables, σ, method=model.conditionals_log_psi)`.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method conditionals_log_psi(self, inputs)")

    def conditionals(self, inputs: Any) -> Array:
        """Probabilities of each local state at each site given the earlier ones, `(batch, site, local state)`.

        Call it by `model.apply(variables, σ, method=model.conditionals)`, or on a bound model.
        """
        log_psi = self._normalised(inputs)
        return np.exp(self._pow() * log_psi.real)  # type: ignore[no-any-return]

    def conditional(self, inputs: Any, index: int) -> Array:
        """The probabilities at one site, `(batch, local state)`; by `apply`, or on a bound model."""
        return self.conditionals(inputs)[:, int(index)]

    def __call__(self, inputs: Any) -> Array:
        """log ψ(σ), `(batch,)`; by `apply`, or on a bound model."""
        log_psi = self._normalised(inputs)
        own = self.hilbert.states_to_local_indices(np.atleast_2d(inputs))[..., np.newaxis]
        return np.take_along_axis(log_psi, own, axis=-1)[..., 0].sum(axis=-1)  # type: ignore[no-any-return]

    def reorder(self, inputs: Any, axis: int = 0) -> Array:
        """An array along an axis of sites, from their numbers to the order in which they are drawn."""
        return np.asarray(inputs)

    def inverse_reorder(self, inputs: Any, axis: int = 0) -> Array:
        """The inverse of `reorder`."""
        return np.asarray(inputs)

    # --- how the library runs a model of Python's ---

    def _pow(self) -> int:
        return whole_number("machine_pow", getattr(self, "machine_pow", 2), least=1)

    def _order(self) -> list[int]:
        order = self.reorder(np.arange(self.hilbert.size))
        return [whole_number("reorder", site) for site in order]

    def _normalised(self, inputs: Any) -> Array:
        """Masked and normalised log-conditionals."""
        x = np.atleast_2d(inputs)
        rules = (self.hilbert._native, self._order(), self._pow())
        return _native.normalised(*rules, x, np.asarray(self.conditionals_log_psi(x)))

    def _handle(self) -> _native.Module:
        names = [*self._method_names(), "conditionals_log_psi"]
        model = (self.hilbert._native, self._order(), self._pow())
        return _native.own_model(self, type(self).__name__, sorted(set(names)), *model)

    def _placeholder(self, shape: ShapeDtypeStruct) -> Array:
        return np.full(shape.shape, self.hilbert.local_states[0], shape.dtype)

    def _own_init(self, key: tuple[int, int]) -> Variables:
        states = np.full((1, self.hilbert.size), self.hilbert.local_states[0], dtype=float)
        variables = self.init(np.asarray(key, dtype=np.uint32), states, method="conditionals_log_psi")
        return {"params": variables.get("params", {})}

    def _own_log_amplitudes(self, variables: Variables, states: Array) -> Array:
        output: Array = self.apply(variables, states, method="conditionals_log_psi")
        return output

    def _own_pull_back(self, variables: Variables, states: Array, cotangent: Array) -> Variables | None:
        vjp = getattr(self, "conditionals_log_psi_vjp", None)
        if vjp is None:
            warnings.warn(
                f"{type(self).__name__} has no conditionals_log_psi_vjp: derivatives are found by central differences, "
                "two evaluations for each parameter",
                stacklevel=2,
            )
            return None
        pulled = []
        for x, c in zip(states, cotangent, strict=True):
            bound = self.bind(variables)
            _ACTIVE.modules.append(bound)
            try:
                bound._run_setup()
                pulled.append(bound.conditionals_log_psi_vjp(x[np.newaxis], c[np.newaxis]))  # type: ignore[attr-defined]
            finally:
                _ACTIVE.modules.pop()
        return {"params": _stacked(pulled)}

    def _own_tabulate(self, n_samples: int) -> str:
        return self.tabulate(0, ShapeDtypeStruct((n_samples, self.hilbert.size), np.int8))

    def _repr_html_(self) -> str:
        states = ShapeDtypeStruct((1, self.hilbert.size), np.int8)
        table = escape(self.tabulate(0, states).strip("\n"))
        drawn = self._handle().flow_svg() or ""
        return f"{super()._repr_html_()}<pre>{table}</pre>{drawn}"


def _stacked(trees: list[Any]) -> Any:
    """Trees of arrays as one, with an axis of samples before all others."""
    if trees and isinstance(trees[0], Mapping):
        return {name: _stacked([tree[name] for tree in trees]) for name in trees[0]}
    return np.stack([np.asarray(tree) for tree in trees])


# Functions of the user's own are looked at when a model is made.
_OWN = (("activation", "functions"),)


class Native(AbstractARNN):
    """A network of the compiled library."""

    _own_methods: ClassVar[tuple[str, ...]] = ()

    def _prepare(self) -> None:
        super()._prepare()
        built = self._build()
        if any(getattr(self.__dict__.get(name), what, None) for name, what in _OWN):
            built.check()
        self.__dict__["_native"] = built

    def _build(self) -> _native.Module:
        """The network of these fields."""
        raise NotImplementedError

    def _handle(self) -> _native.Module:
        handle: _native.Module = self.__dict__["_native"]
        return handle

    def _run(self, method: str, *inputs: Any) -> Array:
        if self._scope is None:
            self._unbound_call(method)
        return self._scope.run(self._handle(), method, [np.asarray(x) for x in inputs])  # type: ignore[no-any-return]

    def _unbound_call(self, method: str) -> NoReturn:
        # As of Flax, where layers are made in `setup`.
        raise AttributeError(
            f"{type(self).__name__}.{method} needs variables: call model.apply(variables, inputs, method={method!r}), "
            f"or model.bind(variables).{method}(inputs)"
        )

    def __call__(self, inputs: Any) -> Array:
        """log ψ(σ), `(batch,)`; by `apply`, or on a bound model."""
        return self._run("__call__", inputs)

    def conditionals(self, inputs: Any) -> Array:
        """Probabilities of each local state at each site given the earlier ones, `(batch, site, local state)`.

        Call it by `model.apply(variables, σ, method=model.conditionals)`, or on a bound model.
        """
        return self._run("conditionals", inputs)

    def conditional(self, inputs: Any, index: int) -> Array:
        """The probabilities at one site, `(batch, local state)`; by `apply`, or on a bound model."""
        return self._run("conditional", inputs, index)

    def conditionals_log_psi(self, inputs: Any) -> Array:
        """Logarithms of conditional amplitudes, `(batch, site, local state)`; by `apply`, or on a bound model."""
        return self._run("conditionals_log_psi", inputs)

    def reshape_inputs(self, inputs: Any) -> Array:
        """σ as the layers see it; by `apply`, or on a bound model."""
        return self._run("reshape_inputs", inputs)

    def to_svg(self, extent: Any, site: int) -> str:
        """A picture of what a site reads, on a lattice of `extent`, rows and columns."""
        rows, columns = pair("extent", extent)
        return self._handle().to_svg([rows, columns], whole_number("site", site)) or ""

    def flow_svg(self) -> str:
        """A picture of layers and of what they pass on."""
        return self._handle().flow_svg() or ""

    def _sites(self) -> list[int] | None:
        """The sites in the order in which they are drawn; None: in turn."""
        order = getattr(self, "order", None)
        return None if order is None else list(order)

    def reorder(self, inputs: Any, axis: int = 0) -> Array:
        """An array along an axis of sites, from their numbers to the order in which they are drawn."""
        order = self._sites()
        return np.asarray(inputs) if order is None else np.take(inputs, order, axis)

    def inverse_reorder(self, inputs: Any, axis: int = 0) -> Array:
        """The inverse of `reorder`."""
        order = self._sites()
        return np.asarray(inputs) if order is None else np.take(inputs, np.argsort(order), axis)


class Designed(Native):
    """Fields that networks of the library share, looked at."""

    def _common(self) -> tuple[str, str, Any, Any, int, bool]:
        put = self.__dict__
        put["param_dtype"] = checked_dtype(put["param_dtype"])
        put["precision"] = checked_precision(put.get("precision"))
        put["kernel_init"] = as_initializer("kernel_init", put["kernel_init"])
        put["bias_init"] = as_initializer("bias_init", put["bias_init"])
        return (
            f'"{put["param_dtype"]}"',
            f'"{put["precision"] or "default"}"',
            put["kernel_init"].to_native(),
            put["bias_init"].to_native(),
            whole_number("machine_pow", put["machine_pow"], least=1),
            bool(put.get("phase", False)),
        )

    def _put_order(self) -> list[int] | None:
        put: dict[str, Any] = self.__dict__
        if put["order"] is not None:
            if isinstance(put["order"], str) or not hasattr(put["order"], "__iter__"):
                wrong_type("order", "a list of all sites, the first drawn first", put["order"])
            put["order"] = tuple(whole_number("order", site) for site in put["order"])
        return self._sites()

    def _put_features(self) -> tuple[list[int], bool]:
        given = self.__dict__["features"]
        uniform = not isinstance(given, list | tuple | np.ndarray)
        features = [whole_number("features", f) for f in ([given] if uniform else given)]
        kind = tuple if type(given) is tuple else Listed
        self.__dict__["features"] = features[0] if uniform else kind(features)
        return features, uniform


class Listed(tuple[int, ...]):
    """Numbers that were given as a list, and are shown as one."""

    def __repr__(self) -> str:
        return repr(list(self))
