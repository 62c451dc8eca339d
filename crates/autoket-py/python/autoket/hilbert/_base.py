"""What all spaces have."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Self

import numpy as np

from autoket._arguments import Array, key_words, refuse, restore, whole_number, wrong_type
from autoket._native import Hilbert as _Hilbert
from autoket.hilbert.constraint import DiscreteHilbertConstraint


@lru_cache(maxsize=128)
def native_space(kind: str, args: tuple[Any, ...], constraint: DiscreteHilbertConstraint | None) -> _Hilbert:
    """The library's space. Equal arguments have one, for rules written in Python are equal to themselves only."""
    native: _Hilbert = getattr(_Hilbert, kind)(*args)
    if constraint is None:
        return native
    space = constraint._apply(native)
    # NetKet numbers states of a fixed sum by ascending values, even where local states descend.
    descends = native.local_states[0] > native.local_states[-1]
    return space.with_descending_numbers() if descends and constraint._by_values(native) else space


class AbstractHilbert(ABC):
    """What all Hilbert spaces have."""

    @property
    @abstractmethod
    def size(self) -> int:
        """The number of sites."""


class DiscreteHilbert(AbstractHilbert):
    """A space of finitely many local states on every site."""


class HomogeneousHilbert(DiscreteHilbert):
    """A space with the same local states on all sites, and what constrains it.

    σ is an array of local states' values of shape `(..., size)`: ±1 of spins 1/2, occupations of bosons.
    """

    _native: _Hilbert
    _arguments: dict[str, Any]

    def __init__(
        self,
        kind: str,
        args: tuple[Any, ...],
        constraint: DiscreteHilbertConstraint | None,
        arguments: dict[str, Any],
    ):
        if constraint is not None and not isinstance(constraint, DiscreteHilbertConstraint):
            wrong_type("constraint", "a nk.hilbert.constraint.DiscreteHilbertConstraint", constraint)
        try:
            hash(constraint)
        except TypeError as error:
            raise TypeError("`constraint`: expected one that can be hashed; define `__hash__`") from error
        self._native = native_space(kind, args, constraint)
        self._constraint = constraint
        self._arguments = arguments
        values = np.asarray(self._native.local_states)
        self._values = values.astype(np.int8 if np.all(np.abs(values) < 128) else np.int16)

    @property
    def size(self) -> int:
        """The number of sites."""
        return self._native.n_sites

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of local states of every site."""
        return (self.local_size,) * self.size

    @property
    def local_size(self) -> int:
        """The number of local states of one site."""
        return len(self._values)

    @property
    def local_states(self) -> list[int]:
        """The values of one site's states, by local index."""
        states: list[int] = self._values.tolist()
        return states

    def size_at_index(self, i: int) -> int:
        """The number of local states of a site."""
        return self.shape[i]

    def states_at_index(self, i: int) -> list[int]:
        """The local states of a site."""
        return self.local_states

    @property
    def constraint(self) -> DiscreteHilbertConstraint | None:
        """What all states obey, if there is such a rule."""
        return self._constraint

    @property
    def constrained(self) -> bool:
        """Whether there is a constraint."""
        return self._constraint is not None

    @property
    def is_finite(self) -> bool:
        """Always true: local states are finitely many."""
        return True

    @property
    def is_indexable(self) -> bool:
        """Whether states have numbers: they are fewer than 2⁶³."""
        n_states = self._native.n_states
        return n_states is not None and n_states < 2**63

    @property
    def n_states(self) -> int:
        """The number of states.

        Raises:
            RuntimeError: They are too many to be numbered.
        """
        n_states = self._native.n_states
        if n_states is None or n_states >= 2**63:
            raise RuntimeError(f"{self!r} has too many states to number them; use `random_state`")
        return n_states

    def all_states(self) -> Array:
        """All states in the order of their numbers, shape `(n_states, size)`.

        Raises:
            MemoryError: There are more than 2²⁴.

        Example:
            >>> import autoket as nk
            >>> nk.hilbert.Spin(0.5, 2).all_states()
            array([[ 1,  1],
                   [ 1, -1],
                   [-1,  1],
                   [-1, -1]], dtype=int8)
        """
        return self._values.take(self._native.all_states())

    def states(self) -> Iterator[Array]:
        """All states, one by one."""
        return (self.numbers_to_states(number) for number in range(self.n_states))

    def numbers_to_states(self, numbers: Any) -> Array:
        """The states of numbers of any shape `(...)`, shape `(..., size)`.

        Raises:
            ValueError: A number is not that of a state.
        """
        self.n_states  # noqa: B018
        numbers = np.asarray(numbers)
        if numbers.dtype.kind not in "iu":
            wrong_type("numbers", "whole numbers", numbers)
        states = self._native.numbers_to_states(numbers)
        return self._values.take(states.reshape((*numbers.shape, self.size)))

    def states_to_numbers(self, states: Any) -> Array:
        """The numbers of states of shape `(..., size)`, shape `(...)`.

        Raises:
            ValueError: Another number of sites; a value that is no local state; a state that breaks the constraint.
        """
        dtype = np.int32 if self.n_states < 2**31 else np.int64
        return np.asarray(self._native.states_to_numbers(real_states(states)), dtype)[()]

    def states_to_local_indices(self, x: Any) -> Array:
        """Local indices of values of any shape: 0 is the first of `local_states`.

        Raises:
            ValueError: A value is no local state.
        """
        dtype = np.int8 if self.local_size < 128 else np.int16
        states = real_states(x)
        return self._native.indices_of(states).astype(dtype).reshape(states.shape)

    def local_indices_to_states(self, x: Any, dtype: Any = None) -> Array:
        """The values of local indices of any shape.

        Raises:
            ValueError: There is no such local index.
        """
        indices = np.asarray(x)
        if indices.dtype.kind not in "iu":
            wrong_type("x", "whole numbers", x)
        if indices.size and not 0 <= indices.min() <= indices.max() < self.local_size:
            got = f"{indices.min()} to {indices.max()}"
            refuse("x", f"local indices from 0 to {self.local_size - 1}", got, "see `local_states`")
        states = self._values.take(indices)
        return states if dtype is None else states.astype(dtype)

    def random_state(self, key: Any = None, size: int | tuple[int, ...] | None = None, dtype: Any = None) -> Array:
        """Uniformly distributed states.

        Without a constraint the same key gives NetKet's states. With one it gives others: NetKet's are not
        uniformly distributed there, but for two local states.

        Args:
            key: A key, or a seed.
            size: The number of states, or their shape; None is one state without an axis for it.
            dtype: The dtype of the states.

        Returns:
            States of shape `(size,)`, `(n, size)` or `(*shape, size)`.

        Example:
            >>> import autoket as nk
            >>> nk.hilbert.Spin(0.5, 6, total_sz=0).random_state(1, (2, 3)).sum(axis=-1)
            array([[0, 0, 0],
                   [0, 0, 0]])
        """
        batch = () if size is None else size if isinstance(size, tuple) else (size,)
        batch = tuple(whole_number("size", n) for n in batch)
        n_states = int(np.prod(batch, dtype=np.int64))
        indices = self._native.random_states(key_words(key), n_states)
        states = self._values.take(indices.reshape((*batch, self.size)))
        return states if dtype is None else states.astype(dtype)

    def ptrace(self, sites: int | Sequence[int]) -> Self | None:
        """The space without some sites; None if none is left.

        Raises:
            TypeError: The space is constrained.
        """
        sites = [sites] if isinstance(sites, int) else list(sites)
        for site in sites:
            if not 0 <= site < self.size:
                refuse("sites", f"sites from 0 to {self.size - 1}", site, "number sites from 0")
        if self.constrained:
            raise TypeError("a constrained space has no partial trace; leave the constraint out")
        left = self.size - len(sites)
        return self._of_size(left) if left else None

    def _of_size(self, n_sites: int) -> Self:
        """The same space on another number of sites."""
        raise NotImplementedError(f"{type(self).__name__} cannot be resized; build the space of its orbitals")

    def _local_space(self) -> tuple[Any, ...]:
        """What is the same in spaces whose product is of their kind."""
        raise NotImplementedError

    def __mul__(self, other: object) -> Self:
        if not isinstance(other, AbstractHilbert):
            return NotImplemented
        if not isinstance(other, type(self)) or not self._multiplies(other):
            raise NotImplementedError(
                f"autoket has no product of {self!r} and {other!r}: all sites of a space have the same local "
                "states; multiply spaces of one kind without constraints, or use a constraint on parts of one "
                "space"
            )
        return self._of_size(self.size + other.size)

    def _multiplies(self, other: "HomogeneousHilbert") -> bool:
        free = not (self.constrained or other.constrained)
        return type(self) is type(other) and free and self._local_space() == other._local_space()

    def __pow__(self, n: int) -> Self:
        power = whole_number("n", n, least=1)
        if power == 1:
            return self
        if self.constrained:
            raise NotImplementedError(
                f"autoket has no product of {self!r} with itself: use a constraint on parts of one space, "
                "nk.hilbert.constraint.SumOnPartitionConstraint"
            )
        return self._of_size(self.size * power)

    @property
    @abstractmethod
    def _attrs(self) -> tuple[Any, ...]:
        """What equal spaces have equal."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self._attrs == other._attrs

    def __hash__(self) -> int:
        return hash(self._attrs)

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (type(self), (), self._arguments)


def real_states(states: Any) -> Array:
    """States as an array of real numbers."""
    array = np.asarray(states)
    if array.dtype.kind not in "biuf":
        wrong_type("states", "an array of local states", states)
    return array
