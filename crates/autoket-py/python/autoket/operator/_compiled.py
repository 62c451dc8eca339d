"""Operators of the library."""

from abc import abstractmethod
from typing import Any, Self

import numpy as np

from autoket._arguments import Array, element_dtype, refuse, scalar
from autoket._native import Operator as _Operator
from autoket.hilbert import HomogeneousHilbert
from autoket.hilbert._base import real_states
from autoket.operator._base import DiscreteOperator, check_same_space


class CompiledOperator(DiscreteOperator):
    """An operator of the library, with its algebra."""

    def _set(self, hilbert: HomogeneousHilbert, native: _Operator, dtype: Any) -> None:
        """Real dtypes of complex elements become complex."""
        self._hilbert = hilbert
        self.__dict__["_native"] = native
        dtype = np.dtype(dtype)
        self._dtype = dtype if native.is_real else np.result_type(dtype, 1j)

    @abstractmethod
    def _of(self, native: _Operator, dtype: Any) -> "CompiledOperator":
        """An operator of the kind that the algebra of this one leads to."""

    @abstractmethod
    def _identity(self, number: complex) -> _Operator:
        """A multiple of the identity."""

    @property
    @abstractmethod
    def _kind(self) -> str:
        """Operators of one kind are added and multiplied by the library."""

    @property
    def dtype(self) -> Any:
        """The dtype of its matrix elements."""
        return self._dtype

    @property
    def is_hermitian(self) -> bool:
        """Whether it is its own adjoint, told by its terms."""
        return self._native.is_hermitian

    @property
    def max_conn_size(self) -> int:
        """A bound on the number of elements in one row."""
        return max(self._native.max_conn_size, 1)

    def get_conn_padded(self, x: Any) -> tuple[Array, Array]:
        """The states connected with σ and their elements, `max_conn_size` for every σ; those added have elements 0.

        Args:
            x: States σ of shape `(..., size)`.

        Returns:
            States σ′ of shape `(..., max_conn_size, size)` and elements ⟨σ|O|σ′⟩ of shape `(..., max_conn_size)`.

        Raises:
            ValueError: Another number of sites; a value that is no local state.

        Example:
            >>> import autoket as nk
            >>> hilbert = nk.hilbert.Spin(0.5, 4)
            >>> hamiltonian = nk.operator.Ising(hilbert, nk.graph.Chain(4), h=1.0)
            >>> states, elements = hamiltonian.get_conn_padded(hilbert.all_states())
            >>> states.shape, elements.shape
            ((16, 5, 4), (16, 5))
        """
        x = real_states(x)
        connected, elements, ends = self._rows(x)
        width = self.max_conn_size
        numbers = np.diff(ends.ravel(), prepend=0)
        row = np.repeat(np.arange(len(numbers)), numbers)
        column = np.arange(len(row)) - np.repeat(ends.ravel() - numbers, numbers)
        states = np.repeat(x.reshape(-1, 1, self.hilbert.size), width, axis=1)
        states[row, column] = connected
        padded = np.zeros((len(numbers), width), dtype=self.dtype)
        padded[row, column] = elements
        shape = (*x.shape[:-1], width)
        return states.reshape((*shape, self.hilbert.size)), padded.reshape(shape)

    def get_conn_flattened(self, x: Any, sections: Any, pad: bool = False) -> tuple[Array, Array]:
        """As of `DiscreteOperator`."""
        x = real_states(x)
        if x.ndim != 2:
            refuse("x", f"shape (batch, {self.hilbert.size})", f"shape {x.shape}", "reshape it")
        if pad:
            states, padded = self.get_conn_padded(x)
            sections[:] = np.arange(1, len(x) + 1) * padded.shape[-1]
            return states.reshape(-1, self.hilbert.size), padded.ravel()
        connected, elements, ends = self._rows(x)
        sections[:] = ends
        return connected, elements

    def _rows(self, x: Array) -> tuple[Array, Array, Array]:
        indices, elements, ends = self._native.rows(x)
        return self.hilbert._values.take(indices).astype(x.dtype), self._elements(elements), ends

    @property
    def H(self) -> "CompiledOperator":
        """Its adjoint."""
        return self if self.is_hermitian else self._of(self._native.adjoint(), self.dtype)

    def conjugate(self, *, concrete: bool = False) -> "CompiledOperator":
        """Its complex conjugate. `concrete` changes nothing: nothing is put off."""
        return self._of(self._native.conjugate(), self.dtype)

    def copy(self, *, dtype: Any = None) -> "CompiledOperator":
        """The same operator, of another dtype if one is given.

        Raises:
            ValueError: A real dtype for a complex operator.
        """
        dtype = self.dtype if dtype is None else element_dtype(dtype)
        if not np.can_cast(self.dtype, dtype, casting="same_kind"):
            refuse("dtype", f"one that {self.dtype} can be cast to", dtype, "take a complex one")
        return self._of(self._native, dtype)

    def to_jax_operator(self) -> Self:
        """Itself: there is one compiled form of every operator."""
        return self

    def to_numba_operator(self) -> Self:
        """Itself: there is one compiled form of every operator."""
        return self

    def _is_alike(self, other: DiscreteOperator) -> bool:
        return isinstance(other, CompiledOperator) and self._kind == other._kind

    def __add__(self, other: Any) -> DiscreteOperator:
        number = scalar(other)
        if number is not None:
            dtype = np.result_type(self.dtype, 1j if number.imag else 1.0)
            return self._of(self._native.plus(self._identity(number)), dtype)
        if isinstance(other, DiscreteOperator) and self._is_alike(other):
            check_same_space(self, other)
            dtype = np.result_type(self.dtype, other.dtype)
            return self._of(self._native.plus(other._native), dtype)
        return super().__add__(other)

    def __mul__(self, other: Any) -> DiscreteOperator:
        number = scalar(other)
        if number is None:
            return super().__mul__(other)
        dtype = np.result_type(self.dtype, 1j if np.asarray(other).dtype.kind == "c" else 1.0)
        return self._of(self._native.scaled(number), dtype)

    def _times(self, other: DiscreteOperator) -> DiscreteOperator:
        if not self._is_alike(other):
            return super()._times(other)
        check_same_space(self, other)
        dtype = np.result_type(self.dtype, other.dtype)
        return self._of(self._native.times(other._native), dtype)
