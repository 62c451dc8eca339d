"""Sums of Pauli strings, and of products of fermionic ladder operators."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autoket import _native as _library
from autoket._arguments import (
    Array,
    element_dtype,
    real_number,
    refuse,
    restore,
    scalar,
    sites_of,
    whole_number,
    wrong_type,
)
from autoket._native import Operator as _Operator
from autoket.graph import Graph
from autoket.hilbert import HomogeneousHilbert, Qubit, SpinOrbitalFermions
from autoket.operator._base import AbstractOperator, DiscreteOperator
from autoket.operator._checks import check_fermions, check_graph, check_space
from autoket.operator._compiled import CompiledOperator

Term = tuple[tuple[int, int], ...]


class PauliStrings(CompiledOperator):
    """A sum of products of Pauli matrices on any number of sites.

    Local index 0 is Z = 1.

    Args:
        hilbert: A space of two local states. Where it is left out, qubits.
        operators: A letter I, X, Y or Z for every site, one text for each string.
        weights: What the strings are multiplied by: one number, or one for each; 1 by default.
        cutoff: Weights of a smaller absolute value are left out.
        dtype: The dtype of matrix elements.

    Raises:
        ValueError: The space has other local states; a string of another length or with another letter.
        TypeError: A real dtype for complex elements.

    Example:
        >>> import autoket as nk
        >>> op = nk.operator.PauliStrings(["XX", "ZZ"], [1, 3])
        >>> op.hilbert, op.to_dense().diagonal()
        (Qubit(N=2), array([ 3., -3., -3.,  3.]))
    """

    def __init__(
        self,
        hilbert: Any,
        operators: Any = None,
        weights: Any = None,
        *,
        cutoff: float = 1e-10,
        dtype: Any = None,
    ):
        if hilbert is None:
            raise ValueError("`hilbert`: expected a space or strings, got None; leave it out for qubits")
        space: HomogeneousHilbert | None = hilbert
        if not isinstance(hilbert, HomogeneousHilbert):
            space, operators, weights = None, hilbert, operators if weights is None else weights
        strings = _texts("operators", operators)
        if space is None:
            if not strings:
                raise ValueError("`hilbert`: expected a space, got no strings either; give one")
            space = Qubit(len(strings[0]))
        AbstractOperator.__init__(self, space)
        self._cutoff = _cutoff(cutoff)
        numbers = _weights(weights, len(strings))
        kept = [(op, w) for op, w in zip(strings, numbers, strict=True) if not abs(complex(w)) < self._cutoff]
        native = _Operator.from_paulis(space._native, [op for op, _ in kept], [complex(w) for _, w in kept])
        complex_elements = [] if native.is_real else [1j]
        self._set(space, native, element_dtype(dtype, *numbers, *complex_elements))

    @classmethod
    def _from(cls, hilbert: HomogeneousHilbert, native: _Operator, dtype: Any, cutoff: float = 1e-10) -> "PauliStrings":
        operator = PauliStrings.__new__(PauliStrings)
        operator._cutoff = cutoff
        operator._set(hilbert, native, dtype)
        return operator

    def _of(self, native: _Operator, dtype: Any) -> "PauliStrings":
        return PauliStrings._from(self.hilbert, native, dtype, self._cutoff)

    def _identity(self, number: complex) -> _Operator:
        return _Operator.from_paulis(self.hilbert._native, ["I" * self.hilbert.size], [number])

    _kind = "pauli"

    @classmethod
    def identity(cls, hilbert: HomogeneousHilbert, **kwargs: Any) -> "PauliStrings":
        """The identity on a space."""
        check_space(hilbert)
        return cls(hilbert, "I" * hilbert.size, **kwargs)

    @classmethod
    def parse(cls, hilbert: HomogeneousHilbert, text: str, *, dtype: Any = None) -> "PauliStrings":
        """The sum that a text states. NetKet has no such method.

        Args:
            hilbert: A space of two local states.
            text: Factors with spaces between them, a coefficient first; what OpenFermion prints is read too.
            dtype: The dtype of matrix elements.

        Example:
            >>> import autoket as nk
            >>> nk.operator.PauliStrings.parse(nk.hilbert.Qubit(3), "0.5*X0 X1 - Z2").operators.tolist()
            ['IIZ', 'XXI']
        """
        check_space(hilbert)
        native = _Operator.parse_paulis(hilbert._native, _text("text", text))
        return cls._from(hilbert, native, element_dtype(dtype))

    @classmethod
    def from_openfermion(
        cls, hilbert: Any, of_qubit_operator: Any = None, *, n_qubits: int | None = None
    ) -> "PauliStrings":
        """The sum that an OpenFermion `QubitOperator` is.

        Args:
            hilbert: The space. Where it is left out, qubits.
            of_qubit_operator: The operator.
            n_qubits: The number of qubits where there is no space; by default as many as the operator names.
        """
        space: HomogeneousHilbert | None = hilbert
        if not isinstance(hilbert, HomogeneousHilbert):
            space, of_qubit_operator = None, hilbert
        terms = _openfermion_terms(of_qubit_operator, "a QubitOperator of openfermion")
        if space is None:
            named = max((site + 1 for term in terms for site, _ in term), default=1)
            space = Qubit(named if n_qubits is None else n_qubits)
        strings = []
        for term in terms:
            letters = ["I"] * space.size
            for site, letter in zip(sites_of((s for s, _ in term), "term", space.size), term, strict=True):
                letters[site] = letter[1]
            strings.append("".join(letters))
        return cls(space, strings, list(terms.values()))

    @property
    def operators(self) -> Array:
        """The strings, each once."""
        return np.asarray([letters for letters, _ in self._terms()], dtype=str)

    @property
    def weights(self) -> Array:
        """Their weights."""
        weights = np.asarray([weight for _, weight in self._terms()], dtype=np.complex128)
        if np.any(weights.imag):
            # -iY has real elements, and a weight that is not.
            return weights.astype(np.result_type(self.dtype, 1j))
        return self._elements(weights)

    def _terms(self) -> list[tuple[str, complex]]:
        return sorted(self._native.paulis())

    def __repr__(self) -> str:
        pairs = zip(self.operators, self.weights, strict=True)
        lines = ",\n".join(f"    {op} : {weight}" for op, weight in pairs)
        return (
            f"{type(self).__name__}(hilbert={self.hilbert}, n_strings={len(self.operators)}, dtype={self.dtype}, "
            f"dict(operators:weights)=\n{lines}\n)"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        terms = self._terms()
        args = (self.hilbert, [letters for letters, _ in terms], [weight for _, weight in terms], self.dtype)
        return _restore_paulis, args


class FermionOperator2nd(CompiledOperator):
    """A sum of products of fermionic creation and annihilation operators.

    Equal operators are equal sums: terms are in normal order, creation first and each by descending site.

    Args:
        hilbert: A space of sites that are empty or filled.
        terms: Products, the last factor acting first: texts such as "0^ 1", or tuples of (site, creates).
        weights: What they are multiplied by: one number for each; 1 by default.
        constant: A multiple of the identity.
        cutoff: Weights of a smaller absolute value are left out.
        dtype: The dtype of matrix elements.

    Raises:
        ValueError: A site the space lacks; a text that is no product.

    Example:
        >>> import autoket as nk
        >>> hilbert = nk.hilbert.SpinOrbitalFermions(3)
        >>> nk.operator.FermionOperator2nd(hilbert, ["0^ 1", "2^ 1"], [0.5 - 0.5j, 0.5 + 0.5j])
        FermionOperator2nd(hilbert=SpinOrbitalFermions(n_orbitals=3), n_operators=2, dtype=complex128, order=N)
    """

    def __init__(
        self,
        hilbert: HomogeneousHilbert,
        terms: Any = None,
        weights: Any = None,
        constant: Any = 0,
        cutoff: float = 1e-10,
        dtype: Any = None,
    ):
        AbstractOperator.__init__(self, hilbert)
        self._cutoff = _cutoff(cutoff)
        products = _products(terms)
        numbers = _weights(weights, len(products))
        if scalar(constant) is None:
            wrong_type("constant", "a number", constant)
        kept = [
            (list(term), complex(weight))
            for term, weight in [*zip(products, numbers, strict=True), ((), constant)]
            if not abs(complex(weight)) < self._cutoff
        ]
        native = _Operator.from_ladders(
            hilbert._native,
            [[(site, bool(creates)) for site, creates in term] for term, _ in kept],
            [weight for _, weight in kept],
        )
        self._set(hilbert, native, element_dtype(dtype, constant, *numbers))

    @classmethod
    def _from(
        cls, hilbert: HomogeneousHilbert, native: _Operator, dtype: Any, cutoff: float = 1e-10
    ) -> "FermionOperator2nd":
        operator = FermionOperator2nd.__new__(FermionOperator2nd)
        operator._cutoff = cutoff
        operator._set(hilbert, native, dtype)
        return operator

    def _of(self, native: _Operator, dtype: Any) -> "FermionOperator2nd":
        return FermionOperator2nd._from(self.hilbert, native, dtype, self._cutoff)

    def _identity(self, number: complex) -> _Operator:
        return _Operator.from_ladders(self.hilbert._native, [[]], [number])

    _kind = "fermion"

    @classmethod
    def parse(cls, hilbert: HomogeneousHilbert, text: str, *, dtype: Any = None) -> "FermionOperator2nd":
        """The sum that a text states. NetKet has no such method.

        Args:
            hilbert: A space of sites that are empty or filled.
            text: `3^` creates at site 3 and `3` annihilates, `2*[]` is a constant; what OpenFermion prints is read too.
            dtype: The dtype of matrix elements.

        Example:
            >>> import autoket as nk
            >>> hop = nk.operator.FermionOperator2nd.parse(nk.hilbert.SpinOrbitalFermions(2), "0^ 1 + 1^ 0")
            >>> hop.operators
            {((0, 1), (1, 0)): 1.0, ((1, 1), (0, 0)): 1.0}
        """
        check_space(hilbert)
        native = _Operator.parse_ladders(hilbert._native, _text("text", text))
        return cls._from(hilbert, native, element_dtype(dtype))

    @classmethod
    def from_openfermion(
        cls,
        hilbert: Any,
        of_fermion_operator: Any = None,
        *,
        n_orbitals: int | None = None,
        convert_spin_blocks: bool = False,
        cutoff: float = 1e-10,
        dtype: Any = None,
    ) -> "FermionOperator2nd":
        """The sum that an OpenFermion `FermionOperator` is.

        Args:
            hilbert: The space. Where it is left out, fermions without spin.
            of_fermion_operator: The operator.
            n_orbitals: Their orbitals where there is no space; by default as many as the operator names.
            convert_spin_blocks: Whether OpenFermion's sites, where the spins of an orbital follow each other, become
                those of the space, where all orbitals of a spin do.
            cutoff: Weights of a smaller absolute value are left out.
            dtype: The dtype of matrix elements.
        """
        space: Any = hilbert
        if not isinstance(hilbert, HomogeneousHilbert):
            space, of_fermion_operator = None, hilbert
        terms = _openfermion_terms(of_fermion_operator, "a FermionOperator of openfermion")
        if space is None:
            named = max((site + 1 for term in terms for site, _ in term), default=1)
            space = SpinOrbitalFermions(named if n_orbitals is None else n_orbitals)
        products: list[Any] = list(terms)
        if convert_spin_blocks:
            if getattr(space, "spin", None) is None:
                refuse("convert_spin_blocks", "a space of fermions with spin", space, "leave it out")
            n_spins, n = space.n_spin_subsectors, space.n_orbitals
            products = [[(site % n_spins * n + site // n_spins, c) for site, c in term] for term in products]
        return cls(space, products, list(terms.values()), cutoff=cutoff, dtype=dtype)

    @property
    def operators(self) -> dict[Term, Any]:
        """Weights by terms, each a tuple of (site, creates)."""
        real = np.dtype(self.dtype).kind != "c"
        pairs = self._native.ladders()
        return {
            tuple((site, int(creates)) for site, creates in term): weight.real if real else weight
            for term, weight in pairs
        }

    @property
    def terms(self) -> list[Term]:
        """The terms in normal order, each a tuple of (site, creates)."""
        return list(self.operators.keys())

    @property
    def weights(self) -> list[Any]:
        """Their weights."""
        return list(self.operators.values())

    @property
    def cutoff(self) -> float:
        """Weights of a smaller absolute value were left out."""
        return self._cutoff

    @property
    def order(self) -> str:
        """The order of terms, always "N": normal."""
        return "N"

    def operator_string(self) -> str:
        """The terms as text."""
        lines = []
        for term, weight in self.operators.items():
            factors = " ".join(f"{site}^" if creates else f"{site}" for site, creates in term)
            lines.append(f"{weight} [{factors}]")
        return " +\n".join(lines)

    def reduce(self, order: bool = True, inplace: bool = True, cutoff: float | None = None) -> "FermionOperator2nd":
        """Itself: terms are always merged and in normal order. With a `cutoff`, without smaller weights."""
        if cutoff is None:
            return self
        kept = {term: weight for term, weight in self.operators.items() if abs(weight) >= cutoff}
        reduced = FermionOperator2nd(self.hilbert, list(kept), list(kept.values()), cutoff=cutoff, dtype=self.dtype)
        if inplace:
            self._set(self.hilbert, reduced._native, self.dtype)
            return self
        return reduced

    def to_normal_order(self) -> "FermionOperator2nd":
        """Itself: terms are always in normal order."""
        return self

    def to_pair_order(self) -> "FermionOperator2nd":
        """Left out: terms are in normal order."""
        raise NotImplementedError("autoket leaves out pair order: terms are in normal order; the operator is the same")

    def __mul__(self, other: Any) -> DiscreteOperator:
        if isinstance(other, DiscreteOperator):
            import warnings

            warnings.warn("operators are multiplied by @; * is for numbers", FutureWarning, stacklevel=2)
            return self._times(other)
        return super().__mul__(other)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(hilbert={self.hilbert}, n_operators={len(self.operators)}, "
            f"dtype={self.dtype}, order={self.order})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        args = (self.hilbert, self.terms, self.weights)
        return restore, (FermionOperator2nd, args, {"dtype": self.dtype, "cutoff": 0.0})


class FermiHubbardJax(FermionOperator2nd):
    """The Fermi-Hubbard model, H = -t Σ⟨ij⟩σ (c†ᵢσcⱼσ + h.c.) + U Σᵢ nᵢ↓nᵢ↑.

    Args:
        hilbert: Fermions with spin 1/2, an orbital for each site of the graph.
        graph: The graph.
        t: The hopping, or one for every bond in the order of `graph.edges()`.
        U: The interaction on a site, or one for every site.
        dtype: The dtype of matrix elements.

    Example:
        >>> import autoket as nk
        >>> hilbert = nk.hilbert.SpinOrbitalFermions(2, s=1/2, n_fermions_per_spin=(1, 1))
        >>> hubbard = nk.operator.FermiHubbardJax(hilbert, nk.graph.Chain(2, pbc=False), t=1.0, U=4.0)
        >>> nk.exact.full_ed(hubbard)[0].round(8)  # 2 - √8
        np.float64(-0.82842712)
    """

    def __init__(self, hilbert: SpinOrbitalFermions, graph: Graph, t: Any = 1.0, U: Any = 1.0, dtype: Any = None):
        check_fermions(hilbert)
        check_graph(graph)
        AbstractOperator.__init__(self, hilbert)
        self._cutoff = 0.0
        self._arguments = (hilbert, graph, t, U, dtype)
        if np.ndim(t) == 0 and np.ndim(U) == 0:
            built = _Operator.fermi_hubbard(hilbert._native, graph._native, real_number("t", t), real_number("U", U))
        else:
            built = self._of_each(hilbert, graph, t, U)
        self._set(hilbert, built, element_dtype(dtype))

    @staticmethod
    def _of_each(hilbert: SpinOrbitalFermions, graph: Graph, t: Any, U: Any) -> _Operator:
        n = graph.n_nodes
        if hilbert.size != 2 * n:
            refuse("graph", f"half of the {hilbert.size} sites of {hilbert}", n, "give an orbital for each site")
        hops = np.broadcast_to(t, graph.n_edges) if np.ndim(t) == 0 else np.asarray(t)
        on_site = np.broadcast_to(U, n) if np.ndim(U) == 0 else np.asarray(U)
        if hops.shape != (graph.n_edges,) or on_site.shape != (n,):
            got = f"shapes {hops.shape} and {on_site.shape}"
            refuse("t", f"{graph.n_edges} hoppings and {n} interactions", got, "one for each bond and site")
        terms: list[list[tuple[int, bool]]] = []
        weights: list[complex] = []
        for (i, j), hop in zip(graph.edges(), hops, strict=True):
            for first in (0, n):
                for a, b in ((i, j), (j, i)):
                    terms.append([(first + a, True), (first + b, False)])
                    weights.append(-complex(hop))
        for i, strength in enumerate(on_site):
            terms.append([(i, True), (i, False), (n + i, True), (n + i, False)])
            weights.append(complex(strength))
        return _Operator.from_ladders(hilbert._native, terms, weights)

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (FermiHubbardJax, self._arguments, {})


def t_v(hilbert: SpinOrbitalFermions, graph: Graph, V: float, t: float = 1.0, dtype: Any = None) -> FermionOperator2nd:
    """The t-V model of fermions without spin, H = -t Σ⟨ij⟩ (c†ᵢcⱼ + h.c.) + V Σ⟨ij⟩ nᵢnⱼ. NetKet has no such function.

    Args:
        hilbert: Fermions without spin, an orbital for each site of the graph.
        graph: The graph.
        V: The interaction of neighbours.
        t: The hopping.
        dtype: The dtype of matrix elements.
    """
    check_fermions(hilbert)
    check_graph(graph)
    built = _Operator.t_v(hilbert._native, graph._native, real_number("t", t), real_number("V", V))
    return FermionOperator2nd._from(hilbert, built, element_dtype(dtype))


def read_fcidump(path: Any) -> FermionOperator2nd:
    """The Hamiltonian of a molecule, from an FCIDUMP file of its integrals. NetKet has no such function.

    Args:
        path: The file.

    Returns:
        The operator, on electrons with as many of each spin as the file says: its `hilbert`.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not of this format.
    """
    n_orbitals, n_electrons, ms2, native = _library.read_fcidump(str(path))
    up = (n_electrons + ms2) // 2
    hilbert = SpinOrbitalFermions(n_orbitals, s=0.5, n_fermions_per_spin=(n_electrons - up, up))
    return FermionOperator2nd._from(hilbert, native, np.float64)


def _restore_paulis(hilbert: Any, operators: list[str], weights: list[complex], dtype: Any) -> PauliStrings:
    return PauliStrings._from(hilbert, _Operator.from_paulis(hilbert._native, operators, weights), dtype)


def _texts(name: str, texts: Any) -> list[str]:
    if texts is None:
        return []
    if isinstance(texts, str):
        return [texts]
    if not isinstance(texts, Sequence | np.ndarray):
        wrong_type(name, "a text or a list of them", texts)
    return [_text(name, text) for text in texts]


def _text(name: str, text: Any) -> str:
    if not isinstance(text, str):
        wrong_type(name, "text", text)
    return str(text)


def _cutoff(cutoff: Any) -> float:
    if scalar(cutoff) is None or not cutoff >= 0:
        refuse("cutoff", "a number of at least 0", cutoff, "0 keeps all weights")
    return float(cutoff)


def _weights(weights: Any, n: int) -> list[Any]:
    if weights is None:
        return [1.0] * n
    if scalar(weights) is not None:
        return [weights] * n
    numbers = list(weights)
    for number in numbers:
        if scalar(number) is None:
            wrong_type("weights", "numbers", number)
    if len(numbers) != n:
        refuse("weights", f"{n} numbers, one for each term", len(numbers), "give as many weights as terms")
    return numbers


def _products(terms: Any) -> list[list[tuple[int, int]]]:
    if terms is None:
        return []
    if isinstance(terms, str):
        terms = [terms]
    if not isinstance(terms, Sequence | np.ndarray):
        wrong_type("terms", "a list of products", terms)
    return [_product(term) for term in terms]


def _product(term: Any) -> list[tuple[int, int]]:
    if isinstance(term, str):
        factors = []
        for factor in term.split():
            site = factor.removesuffix("^")
            if not site.isdigit():
                refuse(
                    "terms",
                    "sites, with ^ where a fermion is created",
                    repr(term),
                    "write '0^ 1' for example",
                )
            factors.append((int(site), int(factor.endswith("^"))))
        return factors
    ladders = []
    for factor in term:
        if not isinstance(factor, Sequence | np.ndarray) or len(factor) != 2 or scalar(factor[1]) not in (0, 1):
            refuse("terms", "products of (site, creates)", term, "write ((0, 1), (1, 0)) for '0^ 1'")
        ladders.append((whole_number("terms", factor[0]), int(factor[1])))
    return ladders


def _openfermion_terms(operator: Any, expected: str) -> Mapping[Any, Any]:
    terms = getattr(operator, "terms", None)
    if not isinstance(terms, Mapping):
        wrong_type("operator", expected, operator)
    return terms
