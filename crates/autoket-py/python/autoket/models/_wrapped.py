"""Models whose conditionals are functions of JAX, Flax, PyTorch or NumPy."""

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

import numpy as np

from autoket._arguments import Array, key_words, refuse, wrong_type
from autoket.models._base import AbstractARNN, _stacked
from autoket.nn._places import Variables

Tree = Any


class WrappedARNN(AbstractARNN):
    """A function `(params, σ) -> log-amplitudes (batch, site, local state)` of another framework as a model.

    Derivatives are JAX's or PyTorch's; of a function of NumPy they are those of `vjp`, or central differences.

    Args:
        hilbert: the space.
        function: a function of parameters and σ; a module of Flax, called by its `apply`; a module of PyTorch.
        parameters: a dictionary of arrays to begin with, or a function of a key that makes one. Modules make their own.
        framework: "jax", "flax", "torch" or "numpy"; what `function` is made of if None.
        vjp: `(params, σ, cotangent) -> tree`, for NumPy; see `AbstractARNN`.
        order: `order[k]` is the site drawn k-th; sites in turn if None.
        machine_pow: the power of |ψ| that is normalised.

    >>> import numpy as np
    >>> import autoket as nk
    >>> model = nk.models.WrappedARNN(
    ...     nk.hilbert.Spin(0.5, 3),
    ...     lambda params, σ: np.broadcast_to(params["h"], (len(σ), 3, 2)),
    ...     {"h": np.zeros((3, 2))},
    ...     vjp=lambda params, σ, c: {"h": c.sum(axis=0)},
    ... )
    >>> nk.vqs.FullSumState(model.hilbert, model, seed=0).n_parameters
    6
    """

    function: Any
    parameters: Any = None
    framework: str | None = field(default=None, kw_only=True)
    vjp: Callable[..., Tree] | None = field(default=None, kw_only=True)
    order: Any = field(default=None, kw_only=True)
    machine_pow: int = field(default=2, kw_only=True)

    def _prepare(self) -> None:
        super()._prepare()
        if self.framework is None:
            self.__dict__["framework"] = _framework(self.function)
        known = ("jax", "flax", "torch", "numpy")
        if self.framework not in known:
            refuse("framework", f"one of {', '.join(known)}", self.framework, "leave it out")
        if not callable(self.function) and self.framework != "flax":
            wrong_type("function", "a function of parameters and σ, or a module", self.function)
        if self.parameters is None and self.framework in ("jax", "numpy"):
            wrong_type("parameters", "a dictionary of arrays, or a function of a key", None)
        if self.order is not None:
            self.__dict__["order"] = tuple(int(site) for site in self.order)
        self.__dict__["_made_for"] = {"jax": _Jax, "flax": _Flax, "torch": _Torch, "numpy": _NumPy}[self.framework](
            self
        )

    def reorder(self, inputs: Any, axis: int = 0) -> Array:
        """An array along an axis of sites, in the order in which they are drawn."""
        return np.asarray(inputs) if self.order is None else np.take(inputs, self.order, axis)

    def inverse_reorder(self, inputs: Any, axis: int = 0) -> Array:
        """The inverse of `reorder`."""
        return np.asarray(inputs) if self.order is None else np.take(inputs, np.argsort(self.order), axis)

    def conditionals_log_psi(self, inputs: Any) -> Array:
        """Logarithms of conditional amplitudes, `(batch, site, local state)`; by `apply`, or on a bound model."""
        if self.is_initializing():
            for name, value in self._made_for.init(self.make_rng("params")).items():  # type: ignore[attr-defined]
                self.put_variable("params", name, value)
        params = self.variables.get("params", {})
        return np.asarray(self._made_for.value(params, np.asarray(inputs)))  # type: ignore[attr-defined]

    def _own_init(self, key: tuple[int, int]) -> Variables:
        return {"params": self._made_for.init(np.asarray(key, dtype=np.uint32))}  # type: ignore[attr-defined]

    def _own_pull_back(self, variables: Variables, states: Array, cotangent: Array) -> Variables | None:
        pulled = self._made_for.pull_back(variables["params"], states, cotangent)  # type: ignore[attr-defined]
        if pulled is None:
            return super()._own_pull_back(variables, states, cotangent)
        return {"params": pulled}


def _framework(function: Any) -> str:
    kinds = [kind.__module__.split(".")[0] for kind in type(function).__mro__]
    if "torch" in kinds:
        return "torch"
    if "flax" in kinds:
        return "flax"
    if "jax" in kinds or "jaxlib" in kinds:
        return "jax"
    return "numpy"


def _arrays(tree: Tree) -> Tree:
    if isinstance(tree, Mapping):
        return {str(name): _arrays(branch) for name, branch in tree.items()}
    return np.asarray(tree)


class _NumPy:
    def __init__(self, model: WrappedARNN):
        self.function, self.parameters, self.vjp = model.function, model.parameters, model.vjp
        self.hilbert = model.hilbert

    def init(self, key: Array) -> Tree:
        made = self.parameters(key) if callable(self.parameters) else self.parameters
        if not isinstance(made, Mapping):
            wrong_type("parameters", "a dictionary of arrays", made)
        return _arrays(made)

    def value(self, params: Tree, states: Array) -> Any:
        return self.function(params, states)

    def pull_back(self, params: Tree, states: Array, cotangent: Array) -> Tree | None:
        vjp = self.vjp
        if vjp is None:
            return None
        pairs = zip(states, cotangent, strict=True)
        return _stacked([vjp(params, x[np.newaxis], c[np.newaxis]) for x, c in pairs])


def _padded(states: Array) -> Array:
    """The states and some of the last one again: JAX compiles anew for each number of states, which is thus rounded up
    to one of eight between powers of two."""
    n = len(states)
    step = max(1, 1 << max(0, n.bit_length() - 4))
    return np.concatenate([states, np.repeat(states[-1:], -n % step, axis=0)])


class _Jax(_NumPy):
    """JAX pulls back without conjugates: Σ c dy, and d of complex parameters is the conjugate of ours."""

    def __init__(self, model: WrappedARNN):
        super().__init__(model)
        import jax

        self.jax = jax
        self.compiled = jax.jit(self.traced)
        self.rows = jax.jit(jax.vmap(self._row, in_axes=(None, 0, 0)))

    def traced(self, params: Tree, states: Any) -> Any:
        return self.function(params, states)

    def _row(self, params: Tree, state: Any, cotangent: Any) -> Tree:
        value, pull = self.jax.vjp(lambda params: self.traced(params, state[None])[0], params)
        conjugate = self.jax.numpy.conj(cotangent)
        given = conjugate if self.jax.numpy.iscomplexobj(value) else conjugate.real
        return self.jax.tree.map(self.jax.numpy.conj, pull(given.astype(value.dtype))[0])

    def value(self, params: Tree, states: Array) -> Any:
        padded = _padded(states)
        # Cut by NumPy: JAX would compile each cut.
        value = np.asarray(self.compiled(params, padded))
        return value[: len(states)] if np.shape(value)[:1] == (len(padded),) else value

    def pull_back(self, params: Tree, states: Array, cotangent: Array) -> Tree | None:
        rows = self.rows(params, _padded(states), _padded(cotangent))
        return self.jax.tree.map(lambda rows: rows[: len(states)], _arrays(rows))


class _Flax(_Jax):
    def traced(self, params: Tree, states: Any) -> Any:
        method = getattr(self.function, "conditionals_log_psi", None)
        return self.function.apply({"params": params}, states, method=method)

    def init(self, key: Array) -> Tree:
        if self.parameters is not None:
            return super().init(key)
        states = np.full((1, self.hilbert.size), self.hilbert.local_states[0], dtype=float)
        high, low = key_words(key)
        key = self.jax.random.wrap_key_data(np.asarray([high, low], dtype=np.uint32))
        method = getattr(self.function, "conditionals_log_psi", None)
        return _arrays(self.function.init({"params": key}, states, method=method).get("params", {}))


class _Torch(_NumPy):
    """Parameters are those of the module when it is wrapped, whatever the key."""

    def __init__(self, model: WrappedARNN):
        super().__init__(model)
        import torch

        self.torch = torch

    def init(self, key: Array) -> Tree:
        if self.parameters is not None:
            return super().init(key)
        named = self.function.named_parameters()
        return {name: value.detach().cpu().numpy().copy() for name, value in named}

    def _called(self, params: Tree, states: Array) -> tuple[Any, Any]:
        tensors = {name: self.torch.tensor(value, requires_grad=True) for name, value in params.items()}
        return tensors, self.torch.func.functional_call(self.function, tensors, (self.torch.as_tensor(states),))

    def value(self, params: Tree, states: Array) -> Any:
        return self._called(params, states)[1].detach().cpu().numpy()

    def pull_back(self, params: Tree, states: Array, cotangent: Array) -> Tree | None:
        rows = []
        for x, c in zip(states, cotangent, strict=True):
            tensors, value = self._called(params, x[np.newaxis])
            given = self.torch.as_tensor(c[np.newaxis] if value.is_complex() else c[np.newaxis].real).to(value.dtype)
            found = self.torch.autograd.grad(value, list(tensors.values()), given, allow_unused=True)
            pairs = zip(tensors.items(), found, strict=True)
            rows.append(
                {name: (self.torch.zeros_like(t) if g is None else g).detach().numpy() for (name, t), g in pairs}
            )
        return _stacked(rows)
