"""Variational states: a model with its parameters, by samples or by all basis states."""

import os
import warnings
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from autoket._arguments import Array, check_memory, key_words, refuse, whole_number, wrong_type
from autoket._arguments import left_out as _left_out
from autoket._native import State as _State
from autoket._native import split as _split
from autoket._ranks import agreed, is_first, tell
from autoket.hilbert import HomogeneousHilbert
from autoket.models import AbstractARNN
from autoket.operator import DiscreteOperator
from autoket.optimizer.qgt import LinearOperator, check_kind
from autoket.sampler import ExactSampler, Sampler
from autoket.serialization import tell_flax
from autoket.stats import Stats, of_native

__all__ = ["FullSumState", "MCState", "VariationalState"]

Tree = dict[str, Any]


class VariationalState:
    """What states by samples and by all basis states have in common."""

    _native: _State
    _model: AbstractARNN

    @property
    def model(self) -> AbstractARNN:
        """The model."""
        return self._model

    @property
    def hilbert(self) -> HomogeneousHilbert:
        """The space."""
        return self._model.hilbert

    @property
    def variables(self) -> Tree:
        """`{"params": parameters}`. It is a copy: assign to change the state."""
        return self._native.variables()

    @variables.setter
    def variables(self, variables: Mapping[str, Any]) -> None:
        self._native.set_variables(variables)

    @property
    def parameters(self) -> Tree:
        """The parameters as nested dictionaries of arrays. It is a copy: assign to change the state."""
        parameters: Tree = self.variables["params"]
        return parameters

    @parameters.setter
    def parameters(self, parameters: Mapping[str, Any]) -> None:
        self._native.set_variables({"params": parameters})

    @property
    def n_parameters(self) -> int:
        """The number of parameters, masked ones included."""
        return self._native.n_parameters()

    def init(self, seed: Any = None) -> None:
        """Draw initial parameters."""
        self._native.init(key_words(seed))

    def reset(self) -> None:
        """Forget the samples."""
        self._native.reset()

    def log_value(self, states: Any) -> Array:
        """log ψ(σ) for states `(..., site)`, shaped as the batch."""
        return self._native.log_value(states)

    def to_array(self, normalize: bool = True) -> Array:
        """ψ of all basis states, in the order of their numbers."""
        psi = np.exp(self.log_value(self.hilbert.all_states()))
        return psi / np.linalg.norm(psi) if normalize else psi

    def expect(self, operator: DiscreteOperator) -> Stats:
        """⟨O⟩ on the samples of the state."""
        _, stats = self._native.local_values(_operator(self, operator))
        return of_native(stats, self._is_complex(operator))

    def local_estimators(self, operator: DiscreteOperator) -> Array:
        """Σ_σ' ⟨σ|O|σ'⟩ ψ(σ')/ψ(σ) of the samples, `(sample,)`."""
        values, _ = self._native.local_values(_operator(self, operator))
        return values if self._is_complex(operator) else values.real

    def expect_and_grad(self, operator: DiscreteOperator) -> tuple[Stats, Tree]:
        """⟨O⟩ and its gradient, for Hermitian O, shaped as the parameters."""
        native = _operator(self, operator)
        if not operator.is_hermitian:
            refuse("operator", "a Hermitian operator", "another", "take expect, or (O + O.H)/2")
        stats, gradient = self._native.expect_and_grad(native)
        return of_native(stats, self._is_complex(operator)), gradient["params"]

    def expect_and_forces(self, operator: DiscreteOperator) -> tuple[Stats, Tree]:
        """⟨O⟩ and the forces ⟨ΔO_k* ΔE⟩, shaped as the parameters: half the gradient."""
        stats, gradient = self.expect_and_grad(operator)
        return stats, _halved(gradient)

    def quantum_geometric_tensor(self, qgt_T: Any = None) -> LinearOperator:
        """Re⟨ΔO* ΔO⟩ on the samples of the state, `(parameter, parameter)`; `qgt_T` is one of `nk.optimizer.qgt`."""
        if qgt_T is not None:
            check_kind(qgt_T)
            tensor: LinearOperator = qgt_T(self)
            return tensor
        metric, active = self._native.metric()
        n, places = self.n_parameters, np.asarray(active)
        if len(metric) == 2 * len(places):
            # Real and imaginary part of a parameter are neighbours in the library, and apart in NetKet.
            real = np.arange(0, len(metric), 2)
            metric = metric[np.ix_(np.r_[real, real + 1], np.r_[real, real + 1])]
            places = np.r_[places, places + n]
            n = 2 * n
        dense = np.zeros((n, n))
        dense[np.ix_(places, places)] = metric
        return LinearOperator(dense)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the parameters by Flax's paths: to `.safetensors`, or to `.mpack`, which Flax and NetKet read.

        Of several ranks the first writes.
        """
        if is_first():
            self._native.save(path)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Read the parameters from a `.safetensors` file, or an `.mpack` file of Flax's or NetKet's."""
        # The first rank may have written it.
        tell("loads")
        agreed(lambda: self._native.load(path))

    def _state_dict(self) -> Tree:
        """What Flax saves of NetKet's state of this kind."""
        return {"variables": self.variables}

    def _from_state_dict(self, saved: Any) -> Self:
        _check_names(saved, self._state_dict())
        state = self.__copy__()
        state.variables = saved["variables"]
        return state

    def _is_complex(self, operator: DiscreteOperator) -> bool:
        complex_state = np.iscomplexobj(self.log_value(self.hilbert.random_state(0, 1)))
        return complex_state or np.dtype(operator.dtype).kind == "c"

    def __copy__(self) -> Self:
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._native = self._native.duplicate()
        return copy

    def __deepcopy__(self, memo: Any) -> Self:
        return self.__copy__()


def _check_names(saved: Any, wanted: Tree) -> None:
    missing = [name for name in wanted if name not in saved] if isinstance(saved, Mapping) else list(wanted)
    if missing:
        refuse(
            "state", f"a dictionary with {', '.join(missing)}", type(saved).__name__, "give what was saved of a state"
        )


def _halved(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: _halved(branch) for name, branch in tree.items()}
    return tree / 2


def _operator(state: VariationalState, operator: DiscreteOperator) -> Any:
    if not isinstance(operator, DiscreteOperator):
        wrong_type("operator", "an operator of nk.operator", operator)
    return operator._native


def _checked_model(hilbert: HomogeneousHilbert, model: Any) -> AbstractARNN:
    if not isinstance(model, AbstractARNN):
        wrong_type("model", "an autoregressive model of nk.models", model)
    if model.hilbert != hilbert:
        refuse("model", f"a model on {hilbert}", model.hilbert, "make all parts from one space")
    return model


def _so_many(hilbert: HomogeneousHilbert, n_samples: Any) -> int:
    """A number of samples that memory can hold: their states twice, and log ψ."""
    n = whole_number("n_samples", n_samples, least=1)
    check_memory("n_samples", n, 2 * hilbert.size + 16)
    return n


class MCState(VariationalState):
    """A state known by its samples.

    Samples are drawn when they are needed, and kept until parameters change: expectation values share them.

    Args:
        sampler: `nk.sampler.ARDirectSampler(hilbert)`, or `ExactSampler`.
        model: an autoregressive model on the same space.
        n_samples: samples of one draw.
        chunk_size: accepted and not needed: memory is bounded without it, and results do not depend on it.
        variables: parameters to begin with; drawn from `seed` if None.
        seed: of parameters and samples, as NetKet's: the same seed gives the same numbers.
        sampler_seed: of samples; derived from `seed` if None.

    >>> import autoket as nk
    >>> hilbert = nk.hilbert.Spin(0.5, 4)
    >>> model = nk.models.ARNNDense(hilbert, layers=2, features=3)
    >>> state = nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), model, n_samples=8, seed=0)
    >>> state.samples.shape
    (1, 8, 4)
    """

    def __init__(
        self,
        sampler: Sampler,
        model: AbstractARNN,
        *,
        n_samples: int | None = None,
        n_samples_per_rank: int | None = None,
        n_discard_per_chain: int | None = None,
        chunk_size: int | None = None,
        variables: Mapping[str, Any] | None = None,
        seed: Any = None,
        sampler_seed: Any = None,
    ):
        if not isinstance(sampler, Sampler):
            wrong_type("sampler", "nk.sampler.ARDirectSampler(hilbert)", sampler)
        if n_discard_per_chain not in (None, 0):
            refuse("n_discard_per_chain", "0", n_discard_per_chain, "independent samples need no warm-up")
        if n_samples is not None and n_samples_per_rank is not None:
            raise ValueError("give one of `n_samples` and `n_samples_per_rank`, not both")
        n_samples = n_samples if n_samples is not None else n_samples_per_rank
        n_samples = _so_many(sampler.hilbert, 1000 if n_samples is None else n_samples)
        self._sampler = sampler
        self._model = _checked_model(sampler.hilbert, model)
        if getattr(model, "machine_pow", 2) != 2:
            warnings.warn(
                "with machine_pow other than 2 samples do not follow |ψ|²: expectation values and gradients are not "
                "those of ψ; take 2, or a FullSumState",
                stacklevel=2,
            )
        self.chunk_size = None if chunk_size is None else whole_number("chunk_size", chunk_size, least=1)
        words = key_words(seed)
        # NetKet splits twice: the second key of the seed, and of that the second key again.
        chain = _split(words, 2)[1] if sampler_seed is None else key_words(sampler_seed)
        enumerates = isinstance(sampler, ExactSampler)
        self._native = _State.mc(model._handle(), words, _split(chain, 2)[1], enumerates, n_samples)
        tell_flax(type(self))
        if variables is not None:
            self.variables = variables

    @property
    def sampler(self) -> Sampler:
        """How samples are drawn."""
        return self._sampler

    @property
    def sampler_key(self) -> Array:
        """The key of the next draw."""
        return np.asarray(self._native.sampler_key(), dtype=np.uint32)

    @property
    def n_samples(self) -> int:
        """Samples of one draw."""
        n_samples = self._native.n_samples()
        assert n_samples is not None
        return n_samples

    @n_samples.setter
    def n_samples(self, n_samples: int) -> None:
        self._native.set_n_samples(_so_many(self.hilbert, n_samples))

    @property
    def n_samples_per_rank(self) -> int:
        """The same."""
        return self.n_samples

    @property
    def chain_length(self) -> int:
        """The same: all samples are one chain."""
        return self.n_samples

    @property
    def samples(self) -> Array:
        """The samples, `(1, sample, site)`; drawn if there are none."""
        return self._native.samples(False, None)[np.newaxis]

    def sample(self, *, n_samples: int | None = None) -> Array:
        """Fresh samples, `(1, sample, site)`, which the state keeps: `n_samples`, or those of one draw."""
        if n_samples is not None:
            n_samples = _so_many(self.hilbert, n_samples)
        return self._native.samples(True, n_samples)[np.newaxis]

    def __repr__(self) -> str:
        return (
            f"MCState(\n  hilbert = {self.hilbert},\n  sampler = {self.sampler},\n"
            f"  n_samples = {self.n_samples},\n  n_parameters = {self.n_parameters})"
        )

    def __str__(self) -> str:
        return f"MCState(hilbert = {self.hilbert}, sampler = {self.sampler}, n_samples = {self.n_samples})"

    def _state_dict(self) -> Tree:
        # By the key of the samples they are drawn anew, and need not be saved.
        key = np.asarray(self._native.samples_key(), dtype=np.uint32)
        name = "rng" if isinstance(self._sampler, ExactSampler) else "key"
        return {
            **super()._state_dict(),
            "sampler_state": {name: key},
            "n_samples": self.n_samples,
            "n_discard_per_chain": 0,
            "chunk_size": self.chunk_size,
        }

    def _from_state_dict(self, saved: Any) -> Self:
        state = super()._from_state_dict(saved)
        sampler_state, n_samples = saved["sampler_state"], whole_number("n_samples", saved["n_samples"], least=1)
        keys = [key for name, key in sampler_state.items() if name in ("key", "rng")]
        if len(keys) != 1:
            refuse(
                "sampler_state", "a key of ARDirectSampler or ExactSampler", sorted(sampler_state), "save such a state"
            )
        state.n_samples, state.chunk_size = n_samples, saved["chunk_size"]
        state._native.set_sampler_key(key_words(keys[0]))
        return state

    def __reduce__(self) -> tuple[Any, ...]:
        key = self._native.samples_key()
        # By their key the samples that are kept are drawn anew.
        n_kept = self.samples.shape[1] if key != self._native.sampler_key() else 0
        return _restore_mc, (self.sampler, self.model, self.n_samples, self.chunk_size, self.variables, key, n_kept)


def _restore_mc(
    sampler: Sampler,
    model: AbstractARNN,
    n_samples: int,
    chunk_size: int | None,
    variables: Tree,
    key: list[int],
    n_kept: int,
) -> MCState:
    state = MCState(sampler, model, n_samples=n_samples, chunk_size=chunk_size, variables=variables, seed=0)
    state._native.set_sampler_key((key[0], key[1]))
    if n_kept:
        state.sample(n_samples=n_kept)
    return state


class FullSumState(VariationalState):
    """A state summed over all basis states: exact, for small systems.

    >>> import autoket as nk
    >>> hilbert = nk.hilbert.Spin(0.5, 4)
    >>> state = nk.vqs.FullSumState(hilbert, nk.models.ARNNDense(hilbert, layers=2, features=3), seed=0)
    >>> round(float(abs(state.to_array()) @ abs(state.to_array())), 12)
    1.0
    """

    def __init__(
        self,
        hilbert: HomogeneousHilbert,
        model: AbstractARNN,
        *,
        chunk_size: int | None = None,
        variables: Mapping[str, Any] | None = None,
        seed: Any = None,
    ):
        self._model = _checked_model(hilbert, model)
        self.chunk_size = None if chunk_size is None else whole_number("chunk_size", chunk_size, least=1)
        self._native = _State.full_sum(model._handle(), key_words(seed))
        tell_flax(type(self))
        if variables is not None:
            self.variables = variables

    def probability_distribution(self) -> Array:
        """|ψ|² of all basis states."""
        return np.abs(self.to_array()) ** 2

    def __repr__(self) -> str:
        return f"FullSumState(\n  hilbert = {self.hilbert},\n  n_parameters = {self.n_parameters})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_full, (self.model, self.variables)


def _restore_full(model: AbstractARNN, variables: Tree) -> FullSumState:
    return FullSumState(model.hilbert, model, variables=variables, seed=0)


_METHOD = "it is a method of states; use state.{}(operator)"
_FREEZE = "all parameters move; take those that should not from a copy after each step, by a callback"
__getattr__ = _left_out(
    "vqs",
    {name: _METHOD.format(name) for name in ("expect", "expect_and_forces", "expect_and_grad", "local_estimators")}
    | {
        "MCMixedState": "density matrices are not simulated; use MCState",
        "VariationalMixedState": "density matrices are not simulated; use MCState",
        "CollectionFilter": "variables are parameters and nothing else; leave `mutable` out",
        "DenyList": "variables are parameters and nothing else; leave `mutable` out",
        "apply_operator": "O|ψ⟩ is no autoregressive state; use O @ state.to_array()",
        "freeze_parameters": _FREEZE,
        "unfreeze_parameters": _FREEZE,
        "full_summ": "use FullSumState",
        "get_local_kernel": "local values are found by the compiled library; use local_estimators of a state",
        "get_local_kernel_arguments": "local values are found by the compiled library; use local_estimators of a state",
    },
)
