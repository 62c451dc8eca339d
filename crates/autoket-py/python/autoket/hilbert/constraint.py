"""Rules that the states of a constrained space obey."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from autoket._arguments import Array, whole_number, wrong_type
from autoket._native import Hilbert as _Hilbert

__all__ = [
    "DiscreteHilbertConstraint",
    "ExtraConstraint",
    "ParityConstraint",
    "SumConstraint",
    "SumOnPartitionConstraint",
]


class DiscreteHilbertConstraint(ABC):
    """A rule that the states of a constrained space obey.

    Subclass it with `__call__`. Equal constraints make equal spaces: define `__eq__` and `__hash__` too where
    two instances mean the same.

    `__call__` sees whole states, all of the space at once when that is built: for up to about a million states
    without the constraint. A rule for larger spaces reads a state site by site instead: also define `start`, what is
    remembered before the first site, a tuple of whole numbers, and `step(memory, site, state)`, which returns what is
    remembered with this site in a local state, or None where that breaks the rule.

    Example:
        >>> import autoket as nk
        >>> class Blockade(nk.hilbert.constraint.DiscreteHilbertConstraint):
        ...     def __call__(self, x):
        ...         return (x[..., 1:] * x[..., :-1]).sum(axis=-1) == 0
        >>> nk.hilbert.Fock(1, 10, constraint=Blockade()).n_states
        144
    """

    start: tuple[int, ...] | None = None
    step: Callable[[tuple[int, ...], int, int], Any] | None = None

    @abstractmethod
    def __call__(self, x: Array) -> Array:
        """Whether states of shape `(..., site)` obey, as truth values of shape `(...)`."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def _apply(self, native: _Hilbert) -> _Hilbert:
        """The native space with this rule."""
        if self.step is not None and self.start is not None:
            return native.with_steps(repr(self), list(self.start), self.step)
        values = np.asarray(native.local_states)
        values = values.astype(np.int8 if np.all(np.abs(values) < 128) else np.int16)

        def allowed(indices: Array) -> Array:
            answers = np.asarray(self(values.take(indices)))
            if answers.dtype != np.bool_ or answers.shape != indices.shape[:-1]:
                raise TypeError(
                    f"`constraint`: expected truth values of shape {indices.shape[:-1]}, got {answers.dtype} "
                    f"of shape {answers.shape}"
                )
            return answers

        return native.with_allowed(repr(self), allowed)

    def _by_values(self, native: _Hilbert) -> bool:
        """Whether NetKet numbers the states by their values, not by their local indices."""
        return False


class SumConstraint(DiscreteHilbertConstraint):
    """The local states of all sites sum to a number: that of particles, or twice the magnetisation of spins.

    Args:
        sum_value: The sum.

    Example:
        >>> import autoket as nk
        >>> rule = nk.hilbert.constraint.SumConstraint(2)
        >>> nk.hilbert.Fock(2, 3, constraint=rule).n_states
        6
    """

    def __init__(self, sum_value: float):
        if sum_value is None:
            wrong_type("sum_value", "a number", sum_value)
        self.sum_value = sum_value

    def __call__(self, x: Array) -> Array:
        return np.asarray(np.asarray(x).sum(axis=-1) == self.sum_value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SumConstraint) and self.sum_value == other.sum_value

    def __hash__(self) -> int:
        return hash(("SumConstraint", self.sum_value))

    def __repr__(self) -> str:
        return f"SumConstraint({self.sum_value})"

    def _apply(self, native: _Hilbert) -> _Hilbert:
        return native.with_sum(_whole_sum(self.sum_value))

    def _by_values(self, native: _Hilbert) -> bool:
        # So it does where its list of combinations is shorter than that of all states.
        first, d = native.local_states[0], len(native.local_states)
        step = native.local_states[1] - first
        n_steps = round((self.sum_value - first * native.n_sites) / step)
        return math.comb((d - 1) * native.n_sites, n_steps) < int(d**native.n_sites)


class SumOnPartitionConstraint(DiscreteHilbertConstraint):
    """The local states of each of several parts of the sites sum to a number of its own.

    Args:
        sum_values: The sum of each part.
        sizes: The number of sites of each part, one part after the other.

    Example:
        >>> import autoket as nk
        >>> rule = nk.hilbert.constraint.SumOnPartitionConstraint((1, 2), (3, 3))
        >>> nk.hilbert.Fock(1, 6, constraint=rule).n_states
        9
    """

    def __init__(self, sum_values: tuple[float, ...], sizes: tuple[int, ...]):
        if not (isinstance(sum_values, tuple) and isinstance(sizes, tuple)):
            raise TypeError("`sum_values` and `sizes`: expected tuples")
        if len(sum_values) != len(sizes):
            raise ValueError(f"`sizes`: expected {len(sum_values)} numbers, as `sum_values`, got {len(sizes)}")
        if any(value is None for value in sum_values):
            wrong_type("sum_values", "numbers", sum_values)
        self.sum_values = sum_values
        self.sizes = sizes

    def __call__(self, x: Array) -> Array:
        ends = np.cumsum(self.sizes)
        parts = zip(ends - self.sizes, ends, self.sum_values, strict=True)
        x = np.asarray(x)
        return np.asarray(np.all([x[..., a:b].sum(axis=-1) == total for a, b, total in parts], axis=0))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SumOnPartitionConstraint):
            return False
        return (self.sum_values, self.sizes) == (other.sum_values, other.sizes)

    def __hash__(self) -> int:
        return hash(("SumOnPartitionConstraint", self.sum_values, self.sizes))

    def __repr__(self) -> str:
        return f"SumOnPartitionConstraint(sum_values={self.sum_values}, sizes={self.sizes})"

    def _apply(self, native: _Hilbert) -> _Hilbert:
        first = 0
        for total, size in zip(self.sum_values, self.sizes, strict=True):
            n_sites = whole_number("sizes", size)
            native = native.with_sum_over(list(range(first, first + n_sites)), _whole_sum(total))
            first += n_sites
        return native

    def _by_values(self, native: _Hilbert) -> bool:
        return True


class ParityConstraint(DiscreteHilbertConstraint):
    """An even or odd number of particles; of spins, of steps up from the lowest state. NetKet has no such rule.

    Args:
        even: Whether it is even.

    Example:
        >>> import autoket as nk
        >>> nk.hilbert.Fock(1, 4, constraint=nk.hilbert.constraint.ParityConstraint(True)).n_states
        8
    """

    def __init__(self, even: bool = True):
        self.even = bool(even)

    def __call__(self, x: Array) -> Array:
        raise TypeError("the parity of a state depends on the space: use the space's `all_states`")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ParityConstraint) and self.even == other.even

    def __hash__(self) -> int:
        return hash(("ParityConstraint", self.even))

    def __repr__(self) -> str:
        return f"ParityConstraint(even={self.even})"

    def _apply(self, native: _Hilbert) -> _Hilbert:
        return native.with_parity(self.even)


class ExtraConstraint(DiscreteHilbertConstraint):
    """Two rules at once.

    Args:
        base_constraint: The one.
        extra_constraint: The other.
    """

    def __init__(self, base_constraint: DiscreteHilbertConstraint, extra_constraint: DiscreteHilbertConstraint):
        for constraint in (base_constraint, extra_constraint):
            if not isinstance(constraint, DiscreteHilbertConstraint):
                wrong_type("constraint", "a DiscreteHilbertConstraint", constraint)
        self.base_constraint = base_constraint
        self.extra_constraint = extra_constraint

    def __call__(self, x: Array) -> Array:
        return np.asarray(self.base_constraint(x) & self.extra_constraint(x))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ExtraConstraint)
            and self.base_constraint == other.base_constraint
            and self.extra_constraint == other.extra_constraint
        )

    def __hash__(self) -> int:
        return hash(("ExtraConstraint", self.base_constraint, self.extra_constraint))

    def __repr__(self) -> str:
        return f"ExtraConstraint({self.base_constraint}, {self.extra_constraint})"

    def _apply(self, native: _Hilbert) -> _Hilbert:
        return self.extra_constraint._apply(self.base_constraint._apply(native))

    def _by_values(self, native: _Hilbert) -> bool:
        return self.base_constraint._by_values(native)


def _whole_sum(value: float) -> int:
    if value != int(value):
        raise ValueError(f"`sum_value`: expected a whole number, got {value}; no states sum to it")
    return int(value)
