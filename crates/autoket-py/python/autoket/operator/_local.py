"""Sums of matrices on few sites, and the Hamiltonians that are such sums."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from autoket._arguments import (
    Array,
    element_dtype,
    real_number,
    refuse,
    restore,
    scalar,
    whole_number,
    wrong_type,
)
from autoket._native import Graph as _Graph
from autoket._native import Operator as _Operator
from autoket.graph import Graph
from autoket.hilbert import HomogeneousHilbert
from autoket.operator._base import AbstractOperator, DiscreteOperator
from autoket.operator._checks import check_graph, check_space
from autoket.operator._compiled import CompiledOperator


class LocalOperator(CompiledOperator):
    """A sum of matrices that act on few sites each, and of a constant.

    Matrices on the same sites are added up, sites that a matrix leaves alone are dropped, and so are zeros.

    Args:
        hilbert: The space it acts on.
        operators: A matrix, dense or sparse, or a list of them.
        acting_on: The sites of the matrix, or of each; the first is the most significant in rows and columns, which are
            in the order of `hilbert.local_states`.
        constant: What is added to the diagonal.
        dtype: The dtype of matrix elements.
        mel_cutoff: Elements of this absolute value or less are left out.

    Raises:
        ValueError: A site the space lacks, or one twice; a matrix of another size.

    Example:
        >>> import autoket as nk
        >>> flip = [[0, 1], [1, 0]]
        >>> nk.operator.LocalOperator(nk.hilbert.Spin(0.5, 4), [flip, flip], [[0], [3]])
        LocalOperator(dim=4, acting_on=[(0,), (3,)], constant=0.0, dtype=float64)
    """

    def __init__(
        self,
        hilbert: HomogeneousHilbert,
        operators: Any = (),
        acting_on: Any = (),
        constant: Any = 0,
        dtype: Any = None,
        *,
        mel_cutoff: float = 1e-10,
    ):
        AbstractOperator.__init__(self, hilbert)
        if not mel_cutoff >= 0:
            refuse("mel_cutoff", "a number of at least 0", mel_cutoff, "0 keeps all elements")
        self._mel_cutoff = float(mel_cutoff)
        number = scalar(constant)
        if number is None:
            wrong_type("constant", "a number", constant)
        matrices, sites = _matrices(operators, acting_on)
        terms = []
        for matrix, acting in zip(matrices, sites, strict=True):
            size = hilbert.local_size ** len(acting)
            if len(acting) <= 16 and matrix.shape != (size, size):
                expected = f"shape ({size}, {size}) for {len(acting)} sites"
                refuse("operators", expected, f"shape {matrix.shape}", "give rows for all states of the sites")
            kept = np.where(np.abs(matrix) <= mel_cutoff, 0, matrix)
            terms.append((acting, np.ascontiguousarray(kept, dtype=np.complex128).ravel()))
        dtype = element_dtype(dtype, constant, *matrices)
        self._set(hilbert, _Operator.from_matrices(hilbert._native, terms, number), dtype)

    @classmethod
    def _from(
        cls, hilbert: HomogeneousHilbert, native: _Operator, dtype: Any, mel_cutoff: float = 1e-10
    ) -> "LocalOperator":
        operator = LocalOperator.__new__(LocalOperator)
        operator._mel_cutoff = mel_cutoff
        operator._set(hilbert, native, dtype)
        return operator

    def _of(self, native: _Operator, dtype: Any) -> "LocalOperator":
        return LocalOperator._from(self.hilbert, native, dtype, self._mel_cutoff)

    def _identity(self, number: complex) -> _Operator:
        return _Operator.from_matrices(self.hilbert._native, [], number)

    _kind = "local"

    def __mul__(self, other: Any) -> DiscreteOperator:
        if isinstance(other, DiscreteOperator):
            warnings.warn("operators are multiplied by @; * is for numbers", FutureWarning, stacklevel=2)
            return self._times(other)
        return super().__mul__(other)

    @property
    def acting_on(self) -> list[tuple[int, ...]]:
        """The sites of every matrix, ascending."""
        return [tuple(sites) for sites, _ in self._native.matrices()[1]]

    @property
    def operators(self) -> list[Array]:
        """The matrices, in the order of `acting_on`."""
        terms = self._native.matrices()[1]
        square = [np.asarray(m).reshape(2 * (round(len(m) ** 0.5),)) for _, m in terms]
        return [self._elements(matrix) for matrix in square]

    @property
    def n_operators(self) -> int:
        """The number of matrices."""
        return len(self.acting_on)

    @property
    def constant(self) -> Array:
        """What is added to the diagonal, an array without axes."""
        return self._elements(np.asarray(self._native.matrices()[0])).reshape(())

    @property
    def mel_cutoff(self) -> float:
        """Matrix elements of this absolute value or less were left out."""
        return self._mel_cutoff

    def to_local_operator(self) -> "LocalOperator":
        """Itself."""
        return self

    def to_pauli_strings(self, **kwargs: Any) -> Any:
        """Left out: build PauliStrings from letters or text."""
        raise NotImplementedError(
            "autoket leaves out LocalOperator.to_pauli_strings: build nk.operator.PauliStrings from letters, or by "
            "PauliStrings.parse from text such as '0.5*X0 X1 - Z2'"
        )

    def __repr__(self) -> str:
        acting = f"acting_on={self.acting_on}"
        if len(acting) > 55:
            acting = f"#acting_on={self.n_operators} locations"
        name = type(self).__name__
        return f"{name}(dim={self.hilbert.size}, {acting}, constant={self.constant}, dtype={self.dtype})"

    def __reduce__(self) -> tuple[Any, ...]:
        args = (self.hilbert, self.operators, self.acting_on, self.constant.item(), self.dtype)
        return restore, (LocalOperator, args, {"mel_cutoff": 0.0})


class SpecialHamiltonian(LocalOperator):
    """A Hamiltonian that keeps its parameters; its algebra leads to a `LocalOperator`."""

    _arguments: dict[str, Any]
    _edges: Array

    def _build(self, hilbert: Any, graph: Any, dtype: Any, **parameters: Any) -> tuple[_Graph, dict[str, float]]:
        AbstractOperator.__init__(self, hilbert)
        self._mel_cutoff = 0.0
        native, self._edges = bonds(graph, hilbert.size)
        numbers = {name: real_number(name, value) for name, value in parameters.items()}
        self._arguments = {**numbers, "dtype": element_dtype(dtype)}
        return native, numbers

    @property
    def edges(self) -> Array:
        """The bonds, shape `(bond, 2)`."""
        return self._edges.copy()

    def _parameter(self, name: str) -> Any:
        return np.asarray(self._arguments[name], dtype=self.dtype)[()]

    def to_local_operator(self) -> LocalOperator:
        """The same as a sum of matrices."""
        return LocalOperator._from(self.hilbert, self._native, self.dtype)

    def copy(self, *, dtype: Any = None) -> "SpecialHamiltonian":
        """The same Hamiltonian, of another dtype if one is given."""
        dtype = self.dtype if dtype is None else dtype
        return type(self)(self.hilbert, self.edges, **{**self._arguments, "dtype": dtype})

    def __repr__(self) -> str:
        names = [name for name in self._arguments if name != "dtype"]
        parameters = ", ".join(f"{name}={self._parameter(name)}" for name in names)
        return f"{type(self).__name__}({parameters}; dim={self.hilbert.size})"

    def __reduce__(self) -> tuple[Any, ...]:
        return restore, (type(self), (self.hilbert, self.edges), self._arguments)


class Ising(SpecialHamiltonian):
    """The Ising model in a transverse field, H = -h Σᵢ σˣᵢ + J Σ⟨ij⟩ σᶻᵢσᶻⱼ.

    Args:
        hilbert: A space of two local states.
        graph: A graph, or its bonds, shape `(bond, 2)`.
        h: The field.
        J: The coupling.
        dtype: The dtype of matrix elements.

    Raises:
        ValueError: The space has other local states, or the graph another number of sites.

    Example:
        >>> import autoket as nk
        >>> nk.operator.Ising(nk.hilbert.Spin(0.5, 20), nk.graph.Chain(20), h=1.321, J=0.5)
        Ising(J=0.5, h=1.321; dim=20)
    """

    def __init__(self, hilbert: HomogeneousHilbert, graph: Any, h: float, J: float = 1.0, dtype: Any = None):
        native, numbers = self._build(hilbert, graph, dtype, J=J, h=h)
        built = _Operator.ising(hilbert._native, native, numbers["h"], numbers["J"])
        self._set(hilbert, built, self._arguments["dtype"])

    @property
    def h(self) -> Any:
        """The field."""
        return self._parameter("h")

    @property
    def J(self) -> Any:
        """The coupling."""
        return self._parameter("J")


class BoseHubbard(SpecialHamiltonian):
    """The Bose-Hubbard model, H = -J Σ⟨ij⟩ (a†ᵢaⱼ + h.c.) + U/2 Σᵢ nᵢ(nᵢ - 1) + V Σ⟨ij⟩ nᵢnⱼ - μ Σᵢ nᵢ.

    Args:
        hilbert: A space of bosons.
        graph: A graph, or its bonds, shape `(bond, 2)`.
        U: The interaction on a site.
        V: The interaction of neighbours.
        J: The hopping.
        mu: The chemical potential.
        dtype: The dtype of matrix elements.

    Raises:
        ValueError: The graph has another number of sites.

    Example:
        >>> import autoket as nk
        >>> hilbert = nk.hilbert.Fock(n_max=3, N=4, n_particles=4)
        >>> nk.operator.BoseHubbard(hilbert, nk.graph.Chain(4), U=4.0)
        BoseHubbard(U=4.0, V=0.0, J=1.0, mu=0.0; dim=4)
    """

    def __init__(
        self,
        hilbert: HomogeneousHilbert,
        graph: Any,
        U: float,
        V: float = 0.0,
        J: float = 1.0,
        mu: float = 0.0,
        dtype: Any = None,
    ):
        from autoket.hilbert import Fock

        if not isinstance(hilbert, Fock):
            wrong_type("hilbert", "a nk.hilbert.Fock", hilbert)
        native, n = self._build(hilbert, graph, dtype, U=U, V=V, J=J, mu=mu)
        built = _Operator.bose_hubbard(hilbert._native, native, n["U"], n["V"], n["J"], n["mu"])
        self._set(hilbert, built, self._arguments["dtype"])

    @property
    def U(self) -> Any:
        """The interaction on a site."""
        return self._parameter("U")

    @property
    def V(self) -> Any:
        """The interaction of neighbours."""
        return self._parameter("V")

    @property
    def J(self) -> Any:
        """The hopping."""
        return self._parameter("J")

    @property
    def mu(self) -> Any:
        """The chemical potential."""
        return self._parameter("mu")


def GraphOperator(
    hilbert: HomogeneousHilbert,
    graph: Graph,
    site_ops: Sequence[Any] = (),
    bond_ops: Sequence[Any] = (),
    bond_ops_colors: Sequence[int] = (),
    dtype: Any = None,
    *,
    acting_on_subspace: list[int] | int | None = None,
) -> LocalOperator:
    """A sum of matrices on every site and every bond of a graph.

    Args:
        hilbert: The space it acts on.
        graph: The graph.
        site_ops: Matrices on every site.
        bond_ops: Matrices on every bond, of its colour where `bond_ops_colors` are given, the lower site first.
        bond_ops_colors: The colour of the bonds of each of `bond_ops`.
        dtype: The dtype of matrix elements.
        acting_on_subspace: The site of the space for every site of the graph, or the first of them.

    Example:
        >>> import autoket as nk
        >>> flip = [[0, 1], [1, 0]]
        >>> nk.operator.GraphOperator(nk.hilbert.Spin(0.5, 20), nk.graph.Chain(20), site_ops=[flip])
        LocalOperator(dim=20, #acting_on=20 locations, constant=0.0, dtype=float64)
    """
    check_space(hilbert)
    check_graph(graph)
    place = _subspace(acting_on_subspace, hilbert, graph)
    if len(site_ops) == 0 and len(bond_ops) == 0:
        refuse("site_ops", "matrices on sites or bonds", "none", "give `site_ops` or `bond_ops`")
    if len(bond_ops_colors) > 0 and len(bond_ops_colors) != len(bond_ops):
        refuse(
            "bond_ops_colors",
            f"{len(bond_ops)} colours",
            len(bond_ops_colors),
            "give one for each of `bond_ops`",
        )
    if len(bond_ops_colors) == 0 and len(bond_ops) > 1:
        refuse("bond_ops_colors", f"{len(bond_ops)} colours", "none", "say which bonds each matrix acts on")
    sites = [(op, [place[i]]) for i in graph.nodes() for op in site_ops]
    pairs = [
        (op, [place[i], place[j]])
        for i, j, color in graph.edges(return_color=True)
        for k, op in enumerate(bond_ops)
        if len(bond_ops_colors) == 0 or bond_ops_colors[k] == color
    ]
    terms = sites + pairs
    return LocalOperator(hilbert, [op for op, _ in terms], [acting for _, acting in terms], dtype=dtype)


def Heisenberg(
    hilbert: HomogeneousHilbert,
    graph: Graph,
    J: float | Sequence[float] = 1,
    sign_rule: bool | Sequence[bool] | None = None,
    dtype: Any = None,
    *,
    acting_on_subspace: list[int] | int | None = None,
) -> LocalOperator:
    """The Heisenberg model, H = Σ⟨ij⟩ J (σᶻᵢσᶻⱼ ± (σˣᵢσˣⱼ + σʸᵢσʸⱼ)).

    Pauli matrices. The sign is - where Marshall's sign rule is on: spins of one sublattice are turned about z.

    Args:
        hilbert: A space of two local states.
        graph: The graph.
        J: The coupling, or one for every colour of bonds: a J1-J2 model on a lattice with `max_neighbor_order=2`.
        sign_rule: Whether the rule is on, one value or one per colour. By default on where J is one number and the
            graph is bipartite.
        dtype: The dtype of matrix elements.
        acting_on_subspace: The site of the space for every site of the graph, or the first of them.

    Raises:
        ValueError: As many couplings as there are no colours; signs that no turning of spins gives.

    Example:
        >>> import autoket as nk
        >>> j1_j2 = nk.graph.Square(4, max_neighbor_order=2)
        >>> nk.operator.Heisenberg(nk.hilbert.Spin(0.5, 16), j1_j2, J=[1.0, 0.5], sign_rule=[True, False])
        LocalOperator(dim=16, #acting_on=64 locations, constant=0.0, dtype=float64)
    """
    check_space(hilbert)
    check_graph(graph)
    place = _subspace(acting_on_subspace, hilbert, graph)
    edges = [(place[i], place[j], color) for i, j, color in graph.edges(return_color=True)]
    native = _Graph.from_edges(hilbert.size, edges)
    if isinstance(J, Sequence | np.ndarray) and np.ndim(J) == 1:
        couplings = [real_number("J", value) for value in J]
        rule = [False] * len(couplings) if sign_rule is None else _truth_values(sign_rule, len(couplings))
    else:
        couplings = [real_number("J", J)]
        rule = [graph.is_bipartite()] if sign_rule is None else _truth_values(sign_rule, 1)
    built = _Operator.heisenberg(hilbert._native, native, couplings, rule)
    return LocalOperator._from(hilbert, built, element_dtype(dtype))


def xyz(
    hilbert: HomogeneousHilbert,
    graph: Graph,
    J: Sequence[float],
    h: Sequence[float] = (0.0, 0.0, 0.0),
    dtype: Any = None,
) -> LocalOperator:
    """The XYZ model in a field, H = Σ⟨ij⟩ Σₐ Jₐ σᵃᵢσᵃⱼ - Σᵢ Σₐ hₐ σᵃᵢ. NetKet has no such function.

    Args:
        hilbert: A space of two local states.
        graph: The graph.
        J: Three couplings.
        h: Three components of the field.
        dtype: The dtype of matrix elements.
    """
    check_graph(graph)
    check_space(hilbert)
    if getattr(hilbert, "_inverted_ordering", False):
        raise NotImplementedError("xyz on inverted_ordering=True: use the new order, or build it of nk.operator.spin")
    lists = [[real_number(name, x) for x in values] for name, values in (("J", J), ("h", h))]
    for name, values in zip(("J", "h"), lists, strict=True):
        if len(values) != 3:
            refuse(name, "three numbers, of x, y and z", values, "give 0 for those that are not there")
    built = _Operator.xyz(hilbert._native, graph._native, *lists)
    return LocalOperator._from(hilbert, built, element_dtype(dtype))


def total_spin(hilbert: HomogeneousHilbert, sublattices: Any = None) -> LocalOperator:
    """(Σᵢ Sᵢ)² of spins 1/2: S(S + 1) in a multiplet of total spin S. NetKet has no such function.

    Args:
        hilbert: A space of two local states.
        sublattices: 1 and -1 for every site, where Marshall's sign rule is on; see `Graph.sublattices`.

    Example:
        >>> import autoket as nk
        >>> nk.exact.full_ed(nk.operator.total_spin(nk.hilbert.Spin(0.5, 2))).round(12)
        array([0., 2., 2., 2.])
    """
    check_space(hilbert)
    signs = None if sublattices is None else [float(sign) for sign in sublattices]
    return LocalOperator._from(hilbert, _Operator.total_spin(hilbert._native, signs), np.float64)


def bonds(graph: Any, n_sites: int) -> tuple[_Graph, Array]:
    """A graph, or the bonds of one, as the library's and as an array of shape `(bond, 2)`."""
    if isinstance(graph, Graph):
        return graph._native, np.asarray(graph.edges(), dtype=np.intp).reshape(-1, 2)
    edges = np.asarray(graph)
    if edges.size == 0:
        edges = np.empty((0, 2), dtype=np.intp)
    if edges.ndim != 2 or edges.shape[1] != 2 or edges.dtype.kind not in "iu" or np.any(edges < 0):
        wrong_type("graph", "a graph of nk.graph, or bonds of shape (bond, 2)", graph)
    return _Graph.from_edges(n_sites, [(i, j, 0) for i, j in edges.tolist()]), edges.astype(np.intp)


def _matrices(operators: Any, acting_on: Any) -> tuple[list[Array], list[list[int]]]:
    """Matrices and their sites, of one matrix or of a list."""
    if isinstance(acting_on, int | np.integer):
        acting_on = [acting_on]
    acting_on = list(acting_on)
    if not any(hasattr(sites, "__len__") for sites in acting_on):
        if not acting_on:
            if len(operators) > 0:
                refuse("acting_on", "the sites of every matrix", "none", "say on which sites they act")
            return [], []
        operators, acting_on = [operators], [acting_on]
    operators = list(operators)
    if len(operators) != len(acting_on):
        refuse("acting_on", f"the sites of {len(operators)} matrices", len(acting_on), "give sites for each")
    matrices = [np.asarray(op.toarray() if hasattr(op, "toarray") else op) for op in operators]
    for matrix in matrices:
        if matrix.dtype.kind not in "biufc":
            wrong_type("operators", "matrices of numbers", matrix.dtype)
    return matrices, [[whole_number("acting_on", site) for site in sites] for sites in acting_on]


def _subspace(acting_on_subspace: Any, hilbert: HomogeneousHilbert, graph: Graph) -> list[int]:
    n_nodes = graph.n_nodes
    if acting_on_subspace is None:
        if n_nodes > hilbert.size:
            refuse("graph", f"at most {hilbert.size} sites", n_nodes, "give both the same number of sites")
        return list(range(n_nodes))
    if isinstance(acting_on_subspace, int):
        return [acting_on_subspace + i for i in range(n_nodes)]
    if not isinstance(acting_on_subspace, list):
        wrong_type("acting_on_subspace", "a list of sites, or the first", acting_on_subspace)
    if len(acting_on_subspace) != n_nodes:
        refuse(
            "acting_on_subspace",
            f"{n_nodes} sites",
            len(acting_on_subspace),
            "one for every site of the graph",
        )
    return acting_on_subspace


def _truth_values(rule: Any, n: int) -> list[bool]:
    values = [rule] if isinstance(rule, bool | np.bool_) else list(rule)
    if len(values) not in (1, n) or not all(isinstance(value, bool | np.bool_) for value in values):
        refuse("sign_rule", f"True or False, or {n} of them", rule, "give as many as J has")
    return [bool(value) for value in values]
