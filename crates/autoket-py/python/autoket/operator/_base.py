"""What all operators have."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any, Self

import numpy as np

from autoket._arguments import Array, refuse, scalar, wrong_type
from autoket._native import Operator as _Operator
from autoket.hilbert import HomogeneousHilbert
from autoket.hilbert._base import real_states
from autoket.operator._checks import check_space


class AbstractOperator(ABC):
    """What all operators have.

    Args:
        hilbert: The space it acts on.
    """

    def __init__(self, hilbert: HomogeneousHilbert):
        check_space(hilbert)
        self._hilbert = hilbert

    @property
    def hilbert(self) -> HomogeneousHilbert:
        """The space it acts on."""
        return self._hilbert

    @property
    @abstractmethod
    def dtype(self) -> Any:
        """The dtype of its matrix elements."""

    @property
    def is_hermitian(self) -> bool:
        """Whether it is its own adjoint."""
        return False

    def collect(self) -> Self:
        """Itself: nothing is put off."""
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hilbert={self.hilbert}, dtype={self.dtype})"


class DiscreteOperator(AbstractOperator):
    """An operator known by its rows: the states σ′ and elements ⟨σ|O|σ′⟩ of every state σ.

    Subclass it to write an operator in Python: define `dtype` and `get_conn_padded` (or `get_conn_flattened`), and
    `is_hermitian` where it is. It works wherever operators do, one row at a time, slowly.

    Args:
        hilbert: The space it acts on.

    Example:
        >>> import numpy as np
        >>> import autoket as nk
        >>> class Flips(nk.operator.DiscreteOperator):
        ...     dtype = np.dtype(float)
        ...     is_hermitian = True
        ...     def get_conn_padded(self, x):
        ...         signs = 1 - 2 * np.eye(self.hilbert.size, dtype=x.dtype)
        ...         return x[..., None, :] * signs, np.ones((*x.shape[:-1], self.hilbert.size))
        >>> nk.exact.full_ed(Flips(nk.hilbert.Spin(0.5, 2)))[[0, -1]].round(12)
        array([-2.,  2.])
    """

    @cached_property
    def _native(self) -> _Operator:
        real = np.dtype(self.dtype).kind != "c"
        return _Operator.from_function(
            self.hilbert._native, self._row, int(self.max_conn_size), bool(self.is_hermitian), real
        )

    def _row(self, indices: Array) -> tuple[Array, Array]:
        """The row of one state by local indices, for the library."""
        states = self.hilbert.local_indices_to_states(indices[None])
        connected, elements = self.get_conn_padded(states)
        numbers = self.hilbert._native.indices_of(real_states(connected))
        elements = np.asarray(elements, dtype=np.complex128).ravel()
        return np.ascontiguousarray(numbers.reshape(-1, self.hilbert.size)), elements

    @property
    def max_conn_size(self) -> int:
        """A bound on the number of elements in one row."""
        elements = self.get_conn_padded(self.hilbert.random_state(0, 1))[1]
        return int(elements.shape[-1])

    def get_conn_padded(self, x: Any) -> tuple[Array, Array]:
        """The states connected with σ and their elements, as many for every σ; those added have elements 0.

        Args:
            x: States σ of shape `(..., size)`.

        Returns:
            States σ′ of shape `(..., n, size)` and elements ⟨σ|O|σ′⟩ of shape `(..., n)`.

        Raises:
            ValueError: Another number of sites; a value that is no local state.
        """
        if type(self).get_conn_flattened is DiscreteOperator.get_conn_flattened:
            raise NotImplementedError(f"define get_conn_padded in {type(self).__name__}")
        x = np.asarray(x)
        rows = x.reshape(-1, x.shape[-1])
        sections = np.empty(len(rows), dtype=np.int64)
        connected, elements = self.get_conn_flattened(rows, sections, pad=True)
        shape = (*x.shape[:-1], len(elements) // max(len(rows), 1))
        return np.reshape(connected, (*shape, x.shape[-1])), np.reshape(elements, shape)

    def get_conn_flattened(self, x: Any, sections: Any, pad: bool = False) -> tuple[Array, Array]:
        """The states connected with several σ, one after the other, and their elements.

        Args:
            x: States σ of shape `(batch, size)`.
            sections: An array of shape `(batch,)`, into which is written where the states of each σ end.
            pad: Whether there are as many states for every σ.

        Returns:
            States σ′ of shape `(n, size)` and elements of shape `(n,)`.
        """
        x = np.asarray(x)
        connected, elements = self.get_conn_padded(x)
        connected = np.asarray(connected).reshape(len(x), -1, x.shape[-1])
        elements = np.asarray(elements).reshape(len(x), -1)
        kept = np.ones_like(elements, dtype=bool) if pad else elements != 0
        sections[:] = np.cumsum(kept.sum(axis=-1))
        return connected[kept], elements[kept]

    def get_conn(self, x: Any) -> tuple[Array, Array]:
        """The states connected with one σ, and their elements.

        Args:
            x: A state σ of shape `(size,)`.

        Returns:
            States σ′ of shape `(n, size)` and elements of shape `(n,)`.

        Raises:
            ValueError: It is not one state.

        Example:
            >>> import autoket as nk
            >>> hamiltonian = nk.operator.Ising(nk.hilbert.Spin(0.5, 2), nk.graph.Chain(2, pbc=False), h=0.5)
            >>> hamiltonian.get_conn([1, -1])
            (array([[ 1, -1],
                   [-1, -1],
                   [ 1,  1]]), array([-1. , -0.5, -0.5]))
        """
        x = np.asarray(x)
        if x.shape != (self.hilbert.size,):
            got = f"shape {x.shape}"
            refuse("x", f"one state, shape ({self.hilbert.size},)", got, "use get_conn_padded for several")
        return self.get_conn_flattened(x[None], np.empty(1, dtype=np.int64))

    def n_conn(self, x: Any, out: Array | None = None) -> Array:
        """The number of states connected with each σ of shape `(..., size)`, shape `(...)`.

        Args:
            x: The states.
            out: An array for the numbers.
        """
        x = np.asarray(x)
        rows = x.reshape(-1, x.shape[-1])
        sections = np.empty(len(rows), dtype=np.int64)
        self.get_conn_flattened(rows, sections)
        numbers = np.diff(sections, prepend=0).reshape(x.shape[:-1])
        if out is None:
            return numbers.astype(np.int32)
        out[...] = numbers
        return out

    def to_sparse(self) -> Any:
        """The matrix ⟨σ|O|σ′⟩ over all states by number, as SciPy's `csr_matrix`.

        Raises:
            ValueError: The operator leads out of its space.
            MemoryError: There are more than 2²⁴ states.
        """
        from scipy.sparse import csr_matrix

        starts, columns, elements = self._native.to_sparse()
        n_states = self.hilbert.n_states
        return csr_matrix((self._elements(elements), columns, starts), shape=(n_states, n_states))

    def to_dense(self) -> Array:
        """The matrix ⟨σ|O|σ′⟩ over all states by number.

        Raises:
            ValueError: The operator leads out of its space.
            MemoryError: There are more than 2¹³ states.

        Example:
            >>> import autoket as nk
            >>> nk.operator.spin.sigmay(nk.hilbert.Spin(0.5, 1), 0).to_dense()
            array([[0.+0.j, 0.-1.j],
                   [0.+1.j, 0.+0.j]])
        """
        return self._elements(self._native.to_dense())

    def apply(self, v: Any) -> Any:
        """O v without storing the matrix.

        Args:
            v: Amplitudes of all states by number, shape `(n_states,)` or `(n_states, vectors)`; or a sparse matrix.
        """
        if hasattr(v, "tocsr"):
            return self.to_sparse() @ v
        vectors = np.asarray(v)
        n_states = self.hilbert.n_states
        if vectors.ndim not in (1, 2) or vectors.shape[0] != n_states or vectors.dtype.kind not in "biufc":
            got = f"{vectors.dtype} of shape {vectors.shape}"
            refuse(
                "v",
                f"numbers of shape ({n_states},) or ({n_states}, n)",
                got,
                "give a number for every state",
            )
        product = self._native.apply(vectors.T).T
        if np.dtype(self.dtype).kind != "c" and vectors.dtype.kind != "c":
            return np.ascontiguousarray(product.real)
        return np.ascontiguousarray(product)

    def __call__(self, v: Any) -> Any:
        return self.apply(v)

    def to_linear_operator(self) -> Any:
        """As SciPy's `LinearOperator`, which makes matrix elements anew in every product."""
        from scipy.sparse.linalg import LinearOperator

        n_states = self.hilbert.n_states
        return LinearOperator((n_states, n_states), matvec=self.apply, matmat=self.apply, dtype=self.dtype)

    def to_qobj(self) -> Any:
        """As an object of the package qutip, which has to be installed."""
        import qutip

        return qutip.Qobj(self.to_sparse(), dims=[list(self.hilbert.shape)] * 2)

    def conserved(self) -> list[str]:
        """What it conserves of the magnetisation or number of particles, their parity, and fermions of each spin.

        Example:
            >>> import autoket as nk
            >>> nk.operator.Heisenberg(nk.hilbert.Spin(0.5, 4), nk.graph.Chain(4)).conserved()
            ['magnetisation']
        """
        return self._native.conserved()

    def check_closed(self) -> None:
        """Raise `ValueError` if it leads out of its constrained space."""
        self._native.check_closed()

    def _elements(self, elements: Array) -> Array:
        dtype = np.dtype(self.dtype)
        if dtype.kind != "c":
            elements = np.ascontiguousarray(elements.real)
        return elements if elements.dtype == dtype else elements.astype(dtype)

    @property
    def H(self) -> "DiscreteOperator":
        """Its adjoint."""
        if self.is_hermitian:
            return self
        raise NotImplementedError(
            f"the rows of {type(self).__name__} do not tell its adjoint: build it of LocalOperator, PauliStrings or "
            "FermionOperator2nd, or write the adjoint's rows"
        )

    @property
    def T(self) -> "DiscreteOperator":
        """Its transpose."""
        return self.transpose()

    def transpose(self, *, concrete: bool = False) -> "DiscreteOperator":
        """Its transpose. `concrete` changes nothing: nothing is put off."""
        return self.H.conjugate()

    def conjugate(self, *, concrete: bool = False) -> "DiscreteOperator":
        """Its complex conjugate. `concrete` changes nothing: nothing is put off."""
        if np.dtype(self.dtype).kind != "c":
            return self
        raise NotImplementedError(f"{type(self).__name__} has no conjugate: build it of LocalOperator, for example")

    def conj(self, *, concrete: bool = False) -> "DiscreteOperator":
        """Its complex conjugate."""
        return self.conjugate(concrete=concrete)

    def __add__(self, other: Any) -> "DiscreteOperator":
        number = scalar(other)
        if number is not None:
            other = _multiple_of_identity(self.hilbert, other)
        elif not isinstance(other, DiscreteOperator):
            return NotImplemented
        return SumOperator(self, other)

    def __radd__(self, other: Any) -> "DiscreteOperator":
        return self.__add__(other)

    def __sub__(self, other: Any) -> "DiscreteOperator":
        if scalar(other) is None and not isinstance(other, DiscreteOperator):
            return NotImplemented
        difference: DiscreteOperator = self + (-other)
        return difference

    def __rsub__(self, other: Any) -> "DiscreteOperator":
        difference: DiscreteOperator = (-self) + other
        return difference

    def __neg__(self) -> "DiscreteOperator":
        return self * -1

    def __pos__(self) -> "DiscreteOperator":
        return self

    def __mul__(self, other: Any) -> "DiscreteOperator":
        if isinstance(other, AbstractOperator):
            raise TypeError("operators are multiplied by @; * is for numbers")
        if scalar(other) is None:
            return NotImplemented
        return SumOperator(self, coefficients=[other])

    def __rmul__(self, other: Any) -> "DiscreteOperator":
        return self.__mul__(other)

    def __truediv__(self, other: Any) -> "DiscreteOperator":
        number = scalar(other)
        if number is None:
            raise TypeError(f"operators are divided by numbers only, got {type(other).__name__}")
        if number == 0:
            raise ValueError("`other`: expected a number that is not 0, got 0; operators are not divided by it")
        quotient: DiscreteOperator = self * (1.0 / other)
        return quotient

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, DiscreteOperator):
            return self._times(other)
        if isinstance(other, np.ndarray) or hasattr(other, "tocsr") or hasattr(other, "__array__"):
            return self.apply(other)
        return NotImplemented

    def _times(self, other: "DiscreteOperator") -> "DiscreteOperator":
        return ProductOperator(self, other)

    def __pow__(self, power: int) -> "DiscreteOperator":
        if isinstance(power, bool) or not isinstance(power, int) or power < 1:
            refuse("power", "a whole number of at least 1", power, "the identity is nk.operator.spin.identity")
        # By squares: a large power takes few products.
        product: DiscreteOperator | None = None
        square: DiscreteOperator = self
        while True:
            if power % 2:
                product = square if product is None else product @ square
            power //= 2
            if power == 0:
                assert product is not None
                return product
            square = square @ square

    # NumPy must leave `array @ operator` and `number * operator` to the operator.
    __array_ufunc__ = None

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_native"}


class SumOperator(DiscreteOperator):
    """A sum of operators of different kinds, row by row.

    Args:
        operators: The operators, on one space.
        coefficients: Numbers they are multiplied by; 1 by default.

    Example:
        >>> import autoket as nk
        >>> hilbert = nk.hilbert.Spin(0.5, 2)
        >>> total = nk.operator.spin.sigmaz(hilbert, 0) + nk.operator.PauliStrings(hilbert, ["IZ"])
        >>> total.to_dense().diagonal()
        array([ 2.,  0.,  0., -2.])
    """

    def __init__(self, *operators: DiscreteOperator, coefficients: Sequence[Any] | None = None):
        for operator in operators:
            check_same_space(operators[0], operator)
        numbers = [1.0] * len(operators) if coefficients is None else list(coefficients)
        if not operators or len(numbers) != len(operators) or any(scalar(c) is None for c in numbers):
            refuse(
                "coefficients",
                f"{max(len(operators), 1)} numbers, one per operator",
                numbers,
                "give one for each",
            )
        super().__init__(operators[0].hilbert)
        self._operators = operators
        self._coefficients = [complex(scalar(c) or 0) for c in numbers]
        complex_numbers = any(c.imag for c in self._coefficients)
        self._dtype = np.result_type(*(op.dtype for op in operators), 1j if complex_numbers else 1.0)

    @property
    def operators(self) -> tuple[DiscreteOperator, ...]:
        """The operators."""
        return self._operators

    @property
    def coefficients(self) -> Array:
        """What they are multiplied by."""
        return self._elements(np.asarray(self._coefficients))

    @property
    def dtype(self) -> Any:
        """The dtype of its matrix elements."""
        return self._dtype

    @property
    def is_hermitian(self) -> bool:
        """Whether all operators are Hermitian and all coefficients real."""
        return all(op.is_hermitian for op in self._operators) and all(c.imag == 0 for c in self._coefficients)

    @property
    def max_conn_size(self) -> int:
        """A bound on the number of elements in one row."""
        return sum(op.max_conn_size for op in self._operators)

    def get_conn_padded(self, x: Any) -> tuple[Array, Array]:
        """As of `DiscreteOperator`; a state may come more than once."""
        rows = [op.get_conn_padded(x) for op in self._operators]
        scaled = [c * np.asarray(row[1]) for c, row in zip(self._coefficients, rows, strict=True)]
        connected = np.concatenate([np.asarray(row[0]) for row in rows], axis=-2)
        return connected, self._elements(np.concatenate(scaled, axis=-1).astype(np.complex128))


class ProductOperator(DiscreteOperator):
    """A product of operators of different kinds, row by row; the last acts first.

    Args:
        left: The one.
        right: The other.
    """

    def __init__(self, left: DiscreteOperator, right: DiscreteOperator):
        check_same_space(left, right)
        super().__init__(left.hilbert)
        self._factors = (left, right)

    @property
    def dtype(self) -> Any:
        """The dtype of its matrix elements."""
        return np.result_type(*(op.dtype for op in self._factors))

    @property
    def max_conn_size(self) -> int:
        """A bound on the number of elements in one row."""
        left, right = self._factors
        return left.max_conn_size * right.max_conn_size

    def get_conn_padded(self, x: Any) -> tuple[Array, Array]:
        """As of `DiscreteOperator`; a state may come more than once."""
        left, right = self._factors
        between, first = left.get_conn_padded(x)
        connected, second = right.get_conn_padded(between)
        elements = np.asarray(first)[..., None] * second
        shape = (*elements.shape[:-2], -1)
        return np.reshape(connected, (*shape, self.hilbert.size)), elements.reshape(shape)


def check_same_space(a: Any, b: Any) -> None:
    """Raise unless they are operators on one space."""
    for operator in (a, b):
        if not isinstance(operator, DiscreteOperator):
            wrong_type("operators", "operators of nk.operator", operator)
    if a.hilbert != b.hilbert:
        refuse(
            "hilbert",
            f"an operator on {a.hilbert}",
            f"one on {b.hilbert}",
            "build both on the same Hilbert space",
        )


def _multiple_of_identity(hilbert: HomogeneousHilbert, number: Any) -> DiscreteOperator:
    from autoket.operator._local import LocalOperator

    return LocalOperator(hilbert, constant=number)


@lru_cache(maxsize=5)
def to_sparse_cached(operator: DiscreteOperator) -> Any:
    """`operator.to_sparse()`, kept for the last five operators."""
    check_same_space(operator, operator)
    return operator.to_sparse()
