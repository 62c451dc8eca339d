"""Operators beside NetKet's."""

import copy
import pickle
import warnings

import netket as ref
import numpy as np
import pytest
import scipy.sparse

import autoket as nk

warnings.filterwarnings("ignore", message="\nWARNING: Initializing")

RNG = np.random.default_rng(3)
ONE_SITE = RNG.normal(size=(2, 2))
TWO_SITES = RNG.normal(size=(4, 4)) + 1j * RNG.normal(size=(4, 4))
THREE_LEVELS = RNG.normal(size=(9, 9))


def spin_half(lib, n=4, **kwargs):
    return lib.hilbert.Spin(0.5, n, **kwargs)


def fermions(lib, **kwargs):
    return lib.hilbert.SpinOrbitalFermions(3, s=0.5, **kwargs)


def all_spins(lib, hilbert):
    s = lib.operator.spin
    return [f(hilbert, i) for f in (s.sigmax, s.sigmay, s.sigmaz, s.sigmap, s.sigmam) for i in (0, hilbert.size - 1)]


def total(operators):
    result = operators[0]
    for k, operator in enumerate(operators[1:]):
        result = result + (k + 2) * operator
    return result


def hop(lib, hilbert, i, j, sz):
    f = lib.operator.fermion
    return f.create(hilbert, i, sz) @ f.destroy(hilbert, j, sz)


# Each with NetKet's library or ours as argument.
OPERATORS = {
    "ising": lambda lib: lib.operator.Ising(spin_half(lib), lib.graph.Chain(4), h=0.7, J=-1.3),
    "ising_inverted": lambda lib: lib.operator.Ising(spin_half(lib, inverted_ordering=True), lib.graph.Chain(4), h=0.7),
    "ising_qubits": lambda lib: lib.operator.Ising(lib.hilbert.Qubit(4), lib.graph.Square(2, pbc=False), h=0.7),
    "ising_edges": lambda lib: lib.operator.Ising(spin_half(lib), [(0, 1), (1, 3)], h=0.2, J=2),
    "ising_array": lambda lib: lib.operator.Ising(spin_half(lib), np.array([[0, 1], [1, 3]]), h=1),
    "heisenberg": lambda lib: lib.operator.Heisenberg(spin_half(lib), lib.graph.Chain(4), J=0.8),
    "heisenberg_sector": lambda lib: lib.operator.Heisenberg(spin_half(lib, 6, total_sz=0), lib.graph.Chain(6)),
    "heisenberg_sector_inverted": lambda lib: lib.operator.Heisenberg(
        spin_half(lib, 6, total_sz=1, inverted_ordering=True), lib.graph.Chain(6), sign_rule=False
    ),
    "heisenberg_frustrated": lambda lib: lib.operator.Heisenberg(spin_half(lib, 3), lib.graph.Chain(3)),
    "j1_j2": lambda lib: lib.operator.Heisenberg(
        spin_half(lib, 9), lib.graph.Square(3, pbc=False, max_neighbor_order=2), J=[1.0, 0.4], sign_rule=[True, False]
    ),
    "j1_j2_plain": lambda lib: lib.operator.Heisenberg(
        spin_half(lib, 6), lib.graph.Chain(6, max_neighbor_order=2), J=[1.0, 0.4]
    ),
    "heisenberg_part": lambda lib: lib.operator.Heisenberg(
        spin_half(lib, 5), lib.graph.Chain(3, pbc=False), acting_on_subspace=[4, 0, 2]
    ),
    "bose_hubbard": lambda lib: lib.operator.BoseHubbard(
        lib.hilbert.Fock(2, 3), lib.graph.Chain(3), U=2.5, V=0.3, J=0.7, mu=0.4
    ),
    "bose_hubbard_fixed": lambda lib: lib.operator.BoseHubbard(
        lib.hilbert.Fock(3, 3, n_particles=4), lib.graph.Chain(3, pbc=False), U=2.5
    ),
    "graph_operator": lambda lib: lib.operator.GraphOperator(
        spin_half(lib), lib.graph.Chain(4), site_ops=[ONE_SITE], bond_ops=[TWO_SITES]
    ),
    "graph_operator_colors": lambda lib: lib.operator.GraphOperator(
        spin_half(lib),
        lib.graph.Grid([2, 2], pbc=False, color_edges=True),
        bond_ops=[TWO_SITES, TWO_SITES.T.copy()],
        bond_ops_colors=[0, 1],
    ),
    "graph_operator_part": lambda lib: lib.operator.GraphOperator(
        spin_half(lib, 5), lib.graph.Chain(3, pbc=False), bond_ops=[TWO_SITES], acting_on_subspace=1
    ),
    "local": lambda lib: lib.operator.LocalOperator(
        spin_half(lib), [ONE_SITE, TWO_SITES, ONE_SITE], [[2], [3, 0], [2]], constant=0.3
    ),
    "local_one": lambda lib: lib.operator.LocalOperator(spin_half(lib), TWO_SITES, [1, 3]),
    "local_sparse": lambda lib: lib.operator.LocalOperator(
        spin_half(lib), [scipy.sparse.csr_matrix(TWO_SITES)], [[0, 2]], constant=2
    ),
    "local_site": lambda lib: lib.operator.LocalOperator(spin_half(lib), ONE_SITE, 1),
    "local_three": lambda lib: lib.operator.LocalOperator(lib.hilbert.Spin(1, 3), [THREE_LEVELS], [[2, 1]]),
    "local_empty": lambda lib: lib.operator.LocalOperator(spin_half(lib)),
    "spins": lambda lib: total(all_spins(lib, spin_half(lib))),
    "spins_inverted": lambda lib: total(all_spins(lib, spin_half(lib, inverted_ordering=True))),
    "spins_one": lambda lib: total(all_spins(lib, lib.hilbert.Spin(1, 3))),
    "spins_three_half": lambda lib: total(all_spins(lib, lib.hilbert.Spin(1.5, 2, inverted_ordering=True))),
    "spins_of_bosons": lambda lib: total(all_spins(lib, lib.hilbert.Fock(3, 2))),
    "bosons": lambda lib: total(
        [f(lib.hilbert.Fock(3, 3), 1) for f in (lib.operator.boson.create, lib.operator.boson.destroy)]
        + [lib.operator.boson.number(lib.hilbert.Fock(3, 3), 0), lib.operator.boson.proj(lib.hilbert.Fock(3, 3), 2, 3)]
    ),
    "bosons_of_spins": lambda lib: total([lib.operator.boson.create(spin_half(lib), i) for i in range(4)]),
    "identity": lambda lib: lib.operator.spin.identity(spin_half(lib)),
    "pauli": lambda lib: lib.operator.PauliStrings(spin_half(lib), ["XXII", "IYZY", "ZIIZ"], [1.0, -0.5, 2.0]),
    "pauli_inverted": lambda lib: lib.operator.PauliStrings(
        spin_half(lib, inverted_ordering=True), ["XYII", "IYZY", "ZIII"], [1.0, -0.5, 2.0]
    ),
    "pauli_qubits": lambda lib: lib.operator.PauliStrings(["XZ", "YI", "XZ"], [1.0, 2.0, 0.25]),
    "pauli_one": lambda lib: lib.operator.PauliStrings(spin_half(lib), "XYZI"),
    "pauli_complex": lambda lib: lib.operator.PauliStrings(spin_half(lib), ["XXII", "ZIII"], 1j),
    "pauli_identity": lambda lib: lib.operator.PauliStrings.identity(spin_half(lib)),
    "pauli_empty": lambda lib: lib.operator.PauliStrings(spin_half(lib)),
    "fermion_terms": lambda lib: lib.operator.FermionOperator2nd(
        fermions(lib), (((0, 1), (1, 0)), ((4, 1), (2, 0)), ((3, 0), (0, 1))), (0.5 - 0.5j, 0.3, 1.0), constant=2
    ),
    "fermion_text": lambda lib: lib.operator.FermionOperator2nd(
        lib.hilbert.SpinOrbitalFermions(4), ["0^ 3", "3^ 2^ 1 0", "2 2^"], [1.0, 0.25, -2.0]
    ),
    "fermion_product": lambda lib: hop(lib, fermions(lib), 0, 2, 1) @ hop(lib, fermions(lib), 2, 1, -1),
    "fermion_number": lambda lib: (
        lib.operator.fermion.number(fermions(lib, n_fermions_per_spin=(1, 2)), 1, 1)
        + 0.5 * lib.operator.fermion.identity(fermions(lib, n_fermions_per_spin=(1, 2)))
    ),
    "fermion_zero": lambda lib: lib.operator.fermion.zero(fermions(lib)),
    "hubbard": lambda lib: lib.operator.FermiHubbardJax(
        fermions(lib, n_fermions_per_spin=(1, 2)), lib.graph.Chain(3, pbc=False), t=0.7, U=3.0
    ),
}


def dense(operator):
    return np.asarray(operator.to_dense())


@pytest.mark.parametrize("name", OPERATORS)
def test_matrices_are_netkets(name):
    own, other = OPERATORS[name](nk), OPERATORS[name](ref)
    matrix = dense(other)
    np.testing.assert_allclose(dense(own), matrix, atol=1e-12)
    assert dense(own).dtype == own.dtype == other.dtype
    sparse = own.to_sparse()
    assert scipy.sparse.isspmatrix_csr(sparse)
    assert sparse.dtype == own.dtype
    np.testing.assert_allclose(sparse.toarray(), matrix, atol=1e-12)
    assert own.is_hermitian == bool(np.allclose(matrix, matrix.conj().T))
    assert own.hilbert.size == other.hilbert.size


def matrix_of_rows(hilbert, states, connected, elements):
    """The matrix from rows, by numbers of states."""
    matrix = np.zeros((hilbert.n_states, hilbert.n_states), dtype=complex)
    rows = np.broadcast_to(np.asarray(hilbert.states_to_numbers(states))[..., None], elements.shape)
    kept = elements != 0
    columns = hilbert.states_to_numbers(connected[kept])
    np.add.at(matrix, (rows[kept], np.asarray(columns)), elements[kept])
    return matrix


@pytest.mark.parametrize("name", OPERATORS)
def test_rows_are_those_of_the_matrix(name):
    own = OPERATORS[name](nk)
    hilbert, matrix = own.hilbert, dense(own)
    states = hilbert.all_states()
    for dtype in (np.int8, np.float64, np.float32):
        connected, elements = own.get_conn_padded(states.astype(dtype))
        assert connected.dtype == dtype
        assert elements.dtype == own.dtype
        assert connected.shape == (hilbert.n_states, own.max_conn_size, hilbert.size)
        np.testing.assert_allclose(matrix_of_rows(hilbert, states, connected, elements), matrix, atol=1e-12)
    batch = states[: hilbert.n_states // 2 * 2].reshape(2, -1, hilbert.size)
    connected, elements = own.get_conn_padded(batch)
    assert connected.shape == (*batch.shape[:-1], own.max_conn_size, hilbert.size)
    assert elements.shape == connected.shape[:-1]
    assert own.get_conn_padded(states[0])[0].shape == (own.max_conn_size, hilbert.size)
    sections = np.empty(len(states), dtype=np.int32)
    connected, elements = own.get_conn_flattened(states, sections)
    np.testing.assert_array_equal(np.diff(sections, prepend=0), own.n_conn(states))
    np.testing.assert_array_equal(own.n_conn(states), np.count_nonzero(matrix, axis=1))
    for number, (rows, mels) in enumerate(
        zip(np.split(connected, sections[:-1]), np.split(elements, sections[:-1]), strict=True)
    ):
        row = np.zeros(hilbert.n_states, dtype=complex)
        if len(rows):
            row[hilbert.states_to_numbers(rows)] = mels
        np.testing.assert_allclose(row, matrix[number], atol=1e-12)
        one = own.get_conn(states[number])
        np.testing.assert_array_equal(one[0], rows)
        np.testing.assert_array_equal(one[1], mels)
    padded, _ = own.get_conn_flattened(states, sections, pad=True)
    assert len(padded) == len(states) * own.max_conn_size


@pytest.mark.parametrize("name", ["ising", "heisenberg_sector", "bose_hubbard", "fermion_text", "pauli", "local"])
def test_rows_are_netkets(name):
    own, other = OPERATORS[name](nk), OPERATORS[name](ref)
    states = own.hilbert.all_states()
    rows = [
        matrix_of_rows(own.hilbert, states, *(np.asarray(a) for a in op.get_conn_padded(states))) for op in (own, other)
    ]
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-12)


ALGEBRA = {
    "sum": lambda a, b, z: a + b,
    "difference": lambda a, b, z: a - b,
    "product": lambda a, b, z: a @ b,
    "square": lambda a, b, z: a @ a,
    "cube": lambda a, b, z: a**3,
    "negative": lambda a, b, z: -a,
    "scaled": lambda a, b, z: z * a,
    "scaled_right": lambda a, b, z: a * (z.real),
    "divided": lambda a, b, z: a / 4.0,
    "combined": lambda a, b, z: z * a @ b - 2 * b + a,
}
PAIRS = {
    "local": ("local", "spins"),
    "ising": ("ising", "heisenberg"),
    "twice": ("ising", "ising_edges"),
    "pauli": ("pauli", "pauli_complex"),
    "inverted": ("pauli_inverted", "pauli_inverted"),
    "bosons": ("bosons", "bosons"),
    "fermion": ("fermion_terms", "fermion_product"),
}


@pytest.mark.parametrize("rule", ALGEBRA)
@pytest.mark.parametrize("pair", PAIRS)
def test_algebra_is_that_of_matrices(pair, rule):
    a, b = (OPERATORS[name](nk) for name in PAIRS[pair])
    z = 0.4 - 1.3j
    result = ALGEBRA[rule](a, b, z)
    power = np.linalg.matrix_power
    by_matrices = {
        **ALGEBRA,
        "cube": lambda a, b, z: power(a, 3),
    }[rule](dense(a), dense(b), z)
    np.testing.assert_allclose(dense(result), by_matrices, atol=1e-11)
    assert np.allclose(by_matrices.imag, 0) or np.dtype(result.dtype).kind == "c"
    assert result.is_hermitian == bool(np.allclose(by_matrices, by_matrices.conj().T))
    assert result.hilbert == a.hilbert


@pytest.mark.parametrize("name", OPERATORS)
def test_adjoints_and_numbers(name):
    own = OPERATORS[name](nk)
    matrix = dense(own)
    np.testing.assert_allclose(dense(own.H), matrix.conj().T, atol=1e-13)
    np.testing.assert_allclose(dense(own.T), matrix.T, atol=1e-13)
    np.testing.assert_allclose(dense(own.transpose(concrete=True)), matrix.T, atol=1e-13)
    np.testing.assert_allclose(dense(own.conjugate()), matrix.conj(), atol=1e-13)
    np.testing.assert_allclose(dense(own.conj()), matrix.conj(), atol=1e-13)
    identity = np.eye(len(matrix))
    for result, expected in (
        (own + 2, matrix + 2 * identity),
        (2.5j + own, matrix + 2.5j * identity),
        (own - np.float32(0.5), matrix - 0.5 * identity),
        (1 - own, identity - matrix),
        (np.float64(2) * own, 2 * matrix),
        (own * np.array(3.0), 3 * matrix),
        (own.copy(), matrix),
        (own.collect(), matrix),
    ):
        np.testing.assert_allclose(dense(result), expected, atol=1e-12)
    changed = own.copy()
    changed += own
    changed *= 2
    changed -= own
    np.testing.assert_allclose(dense(changed), 3 * matrix, atol=1e-12)
    np.testing.assert_allclose(dense(own), matrix)


@pytest.mark.parametrize("name", OPERATORS)
def test_vectors(name):
    own = OPERATORS[name](nk)
    n = own.hilbert.n_states
    matrix = dense(own)
    rng = np.random.default_rng(1)
    v, w = rng.normal(size=n), rng.normal(size=(n, 3)) + 1j * rng.normal(size=(n, 3))
    for vector in (v, w, v.astype(np.float32), np.eye(n, dtype=int)):
        product = own @ vector
        np.testing.assert_allclose(product, matrix @ vector, atol=1e-11)
        assert np.iscomplexobj(product) == np.iscomplexobj(matrix @ vector)
        np.testing.assert_array_equal(own(vector), product)
    np.testing.assert_allclose((own @ scipy.sparse.eye(n).tocsr()).toarray(), matrix, atol=1e-12)
    np.testing.assert_allclose(own.to_linear_operator() @ v, matrix @ v, atol=1e-11)


@pytest.mark.parametrize("name", OPERATORS)
def test_copies_are_equal(name):
    own = OPERATORS[name](nk)
    for twin in (copy.deepcopy(own), pickle.loads(pickle.dumps(own))):
        assert type(twin) is type(own)
        np.testing.assert_array_equal(dense(twin), dense(own))
        assert twin.dtype == own.dtype
        assert repr(twin) == repr(own)
        assert twin.hilbert == own.hilbert


def test_reprs_are_netkets():
    # NetKet names the class of the compiler that it takes by default.
    for name in ("ising", "bose_hubbard", "local_empty", "local_site", "graph_operator", "spins", "identity"):
        own, other = repr(OPERATORS[name](nk)), repr(OPERATORS[name](ref))
        assert own == other.replace("Jax(", "(")
    # Strings are sorted.
    own, other = repr(OPERATORS["pauli"](nk)), repr(OPERATORS["pauli"](ref))
    lines = [sorted(line.strip(", ") for line in text.replace("Jax(", "(").splitlines()) for text in (own, other)]
    assert lines[0] == lines[1]
    assert repr(OPERATORS["fermion_terms"](nk)).startswith("FermionOperator2nd(hilbert=SpinOrbitalFermions(")


def test_fields_are_netkets():
    for name, fields in (
        ("ising", ("h", "J", "edges")),
        ("bose_hubbard", ("U", "V", "J", "mu")),
        ("local", ("constant", "mel_cutoff")),
    ):
        own, other = OPERATORS[name](nk), OPERATORS[name](ref)
        for field in fields:
            a, b = np.asarray(getattr(own, field)), np.asarray(getattr(other, field))
            if field == "edges":
                a, b = (np.sort(np.sort(x, axis=1), axis=0) for x in (a, b))
            np.testing.assert_array_equal(a, b)
    own, other = OPERATORS["local"](nk), OPERATORS["local"](ref)
    assert sorted(own.acting_on) == sorted(tuple(sites) for sites in other.acting_on)
    by_sites = dict(zip(map(tuple, other.acting_on), other.operators, strict=True))
    for sites, matrix in zip(own.acting_on, own.operators, strict=True):
        np.testing.assert_allclose(matrix, by_sites[sites], atol=1e-14)
    own, other = OPERATORS["pauli"](nk), OPERATORS["pauli"](ref)
    pairs = [dict(zip(map(str, op.operators), np.asarray(op.weights).tolist(), strict=True)) for op in (own, other)]
    assert pairs[0] == pairs[1]
    own, other = OPERATORS["fermion_text"](nk), OPERATORS["fermion_text"](ref).to_normal_order()
    assert {term: complex(w) for term, w in own.operators.items()} == {
        tuple((int(i), int(c)) for i, c in term): complex(w) for term, w in other.operators.items()
    }
    assert "1.0 [0^ 3]" in own.operator_string()


def test_dtypes():
    hilbert, chain = spin_half(nk), nk.graph.Chain(4)
    for dtype in (np.float32, np.float64, np.complex64, np.complex128):
        ising = nk.operator.Ising(hilbert, chain, h=0.3, dtype=dtype)
        assert ising.dtype == dtype
        assert ising.get_conn_padded(hilbert.all_states())[1].dtype == dtype
        assert ising.to_sparse().dtype == dtype
        assert (2 * ising).dtype == dtype
        assert ising.copy(dtype=np.complex128).dtype == np.complex128
    assert (1j * nk.operator.Ising(hilbert, chain, h=0.3, dtype=np.float32)).dtype == np.complex64
    x, z = nk.operator.PauliStrings(hilbert, "XIII"), nk.operator.PauliStrings(hilbert, "ZIII")
    # -iY is real; NetKet's dtype is that of the weight.
    assert (x @ z).dtype == np.float64
    assert (x @ z).weights.tolist() == [-1j]
    for wrong in (
        lambda: nk.operator.LocalOperator(hilbert, [TWO_SITES], [[0, 1]], dtype=float),
        lambda: nk.operator.PauliStrings(hilbert, "YIII", dtype=float),
        lambda: nk.operator.PauliStrings(hilbert, "XIII", 1j, dtype=float),
    ):
        with pytest.raises(TypeError, match="a complex dtype"):
            wrong()
    with pytest.raises(ValueError, match="can be cast to"):
        OPERATORS["local"](nk).copy(dtype=float)


def test_kinds_can_be_mixed():
    hilbert = spin_half(nk)
    local, pauli = OPERATORS["local"](nk), OPERATORS["pauli"](nk)
    mixed = local + 2 * pauli
    assert isinstance(mixed, nk.operator.SumOperator)
    np.testing.assert_allclose(dense(mixed), dense(local) + 2 * dense(pauli), atol=1e-12)
    product = local @ pauli
    np.testing.assert_allclose(dense(product), dense(local) @ dense(pauli), atol=1e-12)
    np.testing.assert_allclose(dense(3 * product - pauli), 3 * dense(product) - dense(pauli), atol=1e-12)
    ising = OPERATORS["ising"](nk) + OPERATORS["pauli"](nk)
    assert ising.is_hermitian
    energies = nk.exact.lanczos_ed(ising, k=3)
    np.testing.assert_allclose(energies, np.linalg.eigvalsh(dense(ising))[:3], atol=1e-10)
    twin = pickle.loads(pickle.dumps(mixed))
    np.testing.assert_array_equal(dense(twin), dense(mixed))
    with pytest.raises(NotImplementedError, match="do not tell its adjoint"):
        product.H  # noqa: B018
    with pytest.raises(ValueError, match="build both on the same Hilbert space"):
        local + nk.operator.PauliStrings(hilbert * hilbert, "XIIIIIII")


class Written(nk.operator.DiscreteOperator):
    """-Σ σˣ + Σ σᶻσᶻ, as NetKet's guide writes an operator."""

    def __init__(self, hilbert, edges):
        super().__init__(hilbert)
        self.edges = np.asarray(edges)

    @property
    def dtype(self):
        return np.dtype(float)

    @property
    def is_hermitian(self):
        return True

    @property
    def max_conn_size(self):
        return self.hilbert.size + 1

    def get_conn_padded(self, x):
        n = self.hilbert.size
        signs = np.concatenate([np.ones((1, n)), 1 - 2 * np.eye(n)]).astype(x.dtype)
        diagonal = (x[..., self.edges[:, 0]] * x[..., self.edges[:, 1]]).sum(axis=-1, dtype=float)
        elements = np.full((*x.shape[:-1], n + 1), -1.0)
        elements[..., 0] = diagonal
        return x[..., None, :] * signs, elements


class Flattened(Written):
    def get_conn_padded(self, x):
        return nk.operator.DiscreteOperator.get_conn_padded(self, x)

    def get_conn_flattened(self, x, sections, pad=False):
        connected, elements = Written.get_conn_padded(self, x)
        sections[:] = (np.arange(len(x)) + 1) * (self.hilbert.size + 1)
        return connected.reshape(-1, self.hilbert.size), elements.ravel()


class Broken(Written):
    def get_conn_padded(self, x):
        if x.sum() < 0:
            raise ZeroDivisionError("as the user wrote it")
        return super().get_conn_padded(x)


class OutOfSpace(Written):
    def get_conn_padded(self, x):
        return 3 * x[..., None, :], np.ones((*x.shape[:-1], 1))


class Nothing(Written):
    get_conn_padded = nk.operator.DiscreteOperator.get_conn_padded


@pytest.mark.parametrize("kind", [Written, Flattened])
def test_operators_written_in_python(kind):
    hilbert, chain = spin_half(nk, 5), nk.graph.Chain(5)
    ising = nk.operator.Ising(hilbert, chain, h=1.0)
    own = kind(hilbert, chain.edges())
    np.testing.assert_array_equal(dense(own), dense(ising))
    np.testing.assert_array_equal(own.n_conn(hilbert.all_states()), ising.n_conn(hilbert.all_states()))
    np.testing.assert_allclose(nk.exact.full_ed(own), nk.exact.full_ed(ising), atol=1e-12)
    np.testing.assert_allclose(nk.exact.lanczos_ed(own), nk.exact.lanczos_ed(ising), atol=1e-10)
    v = np.arange(32.0)
    np.testing.assert_allclose(own @ v, ising @ v)
    np.testing.assert_allclose(dense(own + ising), 2 * dense(ising))
    assert own.H is own
    twin = pickle.loads(pickle.dumps(own))
    np.testing.assert_array_equal(dense(twin), dense(own))
    connected = own.get_conn(hilbert.all_states()[3])
    assert connected[0].shape == (6, 5)


def test_mistakes_in_operators_written_in_python():
    hilbert, edges = spin_half(nk, 5), nk.graph.Chain(5).edges()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError, match="as the user wrote it"):
            Broken(hilbert, edges).to_dense()
    broken = Broken(hilbert, edges)
    for call in (broken.to_sparse, lambda: broken @ np.ones(32), lambda: nk.exact.lanczos_ed(broken)):
        with pytest.raises(ZeroDivisionError):
            call()
    with pytest.raises(ValueError, match="one of the local states"):
        OutOfSpace(hilbert, edges).to_dense()
    with pytest.raises(NotImplementedError, match="define get_conn_padded in Nothing"):
        Nothing(hilbert, edges).to_dense()


def test_what_netket_has_not():
    hilbert, chain = spin_half(nk), nk.graph.Chain(4)
    s = nk.operator.spin
    bonds = [(i, j, f) for i, j in chain.edges() for f in (s.sigmax, s.sigmay, s.sigmaz)]
    xyz = nk.operator.xyz(hilbert, chain, [1.0, 2.0, 3.0], [0.0, 0.5, 0.0])
    strength = {s.sigmax: 1.0, s.sigmay: 2.0, s.sigmaz: 3.0}
    by_hand = sum((strength[f] * f(hilbert, i) @ f(hilbert, j) for i, j, f in bonds), start=0 * s.identity(hilbert))
    by_hand = by_hand - 0.5 * sum((s.sigmay(hilbert, i) for i in range(4)), start=0 * s.identity(hilbert))
    np.testing.assert_allclose(dense(xyz), dense(by_hand), atol=1e-12)
    spin = nk.operator.total_spin(hilbert)
    np.testing.assert_allclose(nk.exact.full_ed(spin), [0] * 2 + [2] * 9 + [6] * 5, atol=1e-12)
    marshall = nk.operator.total_spin(hilbert, chain.sublattices())
    np.testing.assert_allclose(nk.exact.full_ed(marshall), nk.exact.full_ed(spin), atol=1e-12)
    electrons = nk.hilbert.SpinOrbitalFermions(4)
    t_v = nk.operator.t_v(electrons, chain, V=0.7, t=1.3)
    f = nk.operator.fermion
    by_hand = nk.operator.fermion.zero(electrons)
    for i, j in chain.edges():
        by_hand = by_hand - 1.3 * (
            f.create(electrons, i) @ f.destroy(electrons, j) + f.create(electrons, j) @ f.destroy(electrons, i)
        )
        by_hand = by_hand + 0.7 * f.number(electrons, i) @ f.number(electrons, j)
    np.testing.assert_allclose(dense(t_v), dense(by_hand), atol=1e-12)
    assert t_v.conserved() == ["number of particles"]
    assert OPERATORS["hubbard"](nk).conserved()[1:] == [
        "number of particles with m = -1/2",
        "number of particles with m = 1/2",
    ]
    pauli = nk.operator.PauliStrings.parse(hilbert, "0.5*X0 X1 - (1+2j)*Z2 + 3*I")
    same = nk.operator.PauliStrings(hilbert, ["XXII", "IIZI", "IIII"], [0.5, -1 - 2j, 3])
    np.testing.assert_allclose(dense(pauli), dense(same), atol=1e-14)
    turned = spin_half(nk, inverted_ordering=True)
    pauli = nk.operator.PauliStrings.parse(turned, "Z0 Y1")
    np.testing.assert_allclose(dense(pauli), dense(nk.operator.PauliStrings(turned, "ZYII")), atol=1e-14)
    fermion = nk.operator.FermionOperator2nd.parse(electrons, "0.5*0^ 1 + 2*[]")
    same = nk.operator.FermionOperator2nd(electrons, ["0^ 1"], [0.5], constant=2)
    np.testing.assert_allclose(dense(fermion), dense(same), atol=1e-14)
    OPERATORS["heisenberg_sector"](nk).check_closed()
    with pytest.raises(ValueError, match="keeps to"):
        nk.operator.Ising(spin_half(nk, total_sz=0), chain, h=1.0).check_closed()
    with pytest.raises(ValueError, match="keeps to"):
        nk.operator.Ising(spin_half(nk, total_sz=0), chain, h=1.0).to_sparse()


def test_hubbard_of_each_bond_and_site():
    hilbert = fermions(nk, n_fermions_per_spin=(1, 2))
    chain = nk.graph.Chain(3, pbc=False)
    same = nk.operator.FermiHubbardJax(hilbert, chain, t=[0.7, 0.7], U=[3.0] * 3)
    np.testing.assert_allclose(dense(same), dense(OPERATORS["hubbard"](nk)), atol=1e-13)
    # NetKet's bonds are in another order: one number for each has to follow them.
    own = nk.operator.FermiHubbardJax(hilbert, chain, t=[0.7, 0.2], U=[1.0, 2.0, 3.0])
    other_hilbert, other_chain = fermions(ref, n_fermions_per_spin=(1, 2)), ref.graph.Chain(3, pbc=False)
    strength = dict(zip(chain.edges(), [0.7, 0.2], strict=True))
    t = [strength[tuple(sorted(edge))] for edge in other_chain.edges()]
    other = ref.operator.FermiHubbardJax(other_hilbert, other_chain, t=t, U=[1.0, 2.0, 3.0])
    np.testing.assert_allclose(dense(own), dense(other), atol=1e-13)


def test_molecules(tmp_path):
    file = tmp_path / "atom.fcidump"
    file.write_text("&FCI NORB=1, NELEC=2, MS2=0 /\n 0.5 1 1 1 1\n -1.0 1 1 0 0\n 0.25 0 0 0 0\n")
    atom = nk.operator.read_fcidump(file)
    assert atom.hilbert == nk.hilbert.SpinOrbitalFermions(1, s=0.5, n_fermions_per_spin=(1, 1))
    np.testing.assert_allclose(nk.exact.full_ed(atom), [-1.25])
    with pytest.raises(FileNotFoundError):
        nk.operator.read_fcidump(tmp_path / "none")
    file.write_text("&FCI NORB=1, NELEC=2, MS2=0 /\n 0.5 1 1 1\n")
    with pytest.raises(ValueError, match="fcidump"):
        nk.operator.read_fcidump(file)


class OfOpenFermion:
    def __init__(self, terms):
        self.terms = terms


def test_openfermions_terms():
    qubits = OfOpenFermion({((0, "X"), (2, "Z")): 0.5, (): 2.0})
    own = nk.operator.PauliStrings.from_openfermion(qubits)
    np.testing.assert_allclose(dense(own), dense(nk.operator.PauliStrings(["XIZ", "III"], [0.5, 2.0])))
    hilbert = fermions(nk)
    of = OfOpenFermion({((0, 1), (3, 0)): 1.0})
    own = nk.operator.FermionOperator2nd.from_openfermion(hilbert, of, convert_spin_blocks=True)
    assert own.terms == [((0, 1), (4, 0))]
    with pytest.raises(TypeError, match="openfermion"):
        nk.operator.PauliStrings.from_openfermion(3)


HILBERT = nk.hilbert.Spin(0.5, 4)


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (lambda o: o.Ising(HILBERT, nk.graph.Chain(5), h=1.0), ValueError, "`graph`: expected 4 sites"),
        (lambda o: o.Ising(nk.hilbert.Spin(1, 4), nk.graph.Chain(4), h=1.0), ValueError, "two local states"),
        (lambda o: o.Ising(HILBERT, nk.graph.Chain(4), h="a"), TypeError, "`h`: expected a real number, got 'a'"),
        (lambda o: o.Ising(HILBERT, nk.graph.Chain(4), h=1j), ValueError, "`h`: expected a real number"),
        (lambda o: o.Ising(HILBERT, nk.graph.Chain(4), h=np.nan), ValueError, "`h`: expected a finite number"),
        (lambda o: o.Ising(HILBERT, nk.graph.Chain(4), h=[1.0, 2.0]), TypeError, "`h`"),
        (lambda o: o.Ising(HILBERT, nk.graph.Chain(4)), TypeError, "h"),
        (lambda o: o.Ising(HILBERT, nk.graph.Chain(4), h=1.0, K=2), TypeError, "K"),
        (lambda o: o.Ising(HILBERT, "chain", h=1.0), TypeError, "a graph of nk.graph, or bonds"),
        (lambda o: o.Ising(HILBERT, [(0, 4)], h=1.0), ValueError, "sites from 0 to 3"),
        (lambda o: o.Ising(HILBERT, nk.graph.Chain(4), h=1.0, dtype=str), TypeError, "`dtype`"),
        (lambda o: o.Ising(4, nk.graph.Chain(4), h=1.0), TypeError, "a space of nk.hilbert"),
        (lambda o: o.Heisenberg(HILBERT, nk.graph.Chain(4), J=[1.0, 2.0]), ValueError, "`J`"),
        (lambda o: o.Heisenberg(HILBERT, nk.graph.Chain(4), sign_rule=1), TypeError, ""),
        (
            lambda o: o.Heisenberg(nk.hilbert.Spin(0.5, 3), nk.graph.Chain(3), sign_rule=True),
            ValueError,
            "`sign_rule`",
        ),
        (lambda o: o.Heisenberg(HILBERT, [(0, 1)]), TypeError, "a graph of nk.graph"),
        (lambda o: o.Heisenberg(HILBERT, nk.graph.Chain(2), acting_on_subspace=[0]), ValueError, "2 sites"),
        (lambda o: o.Heisenberg(HILBERT, nk.graph.Chain(2), acting_on_subspace=[0, 9]), ValueError, "sites from 0"),
        (lambda o: o.BoseHubbard(HILBERT, nk.graph.Chain(4), U=1.0), TypeError, "a nk.hilbert.Fock"),
        (lambda o: o.GraphOperator(HILBERT, nk.graph.Chain(4)), ValueError, "matrices on sites or bonds"),
        (lambda o: o.GraphOperator(HILBERT, nk.graph.Chain(4), [np.eye(3)]), ValueError, r"shape \(2, 2\)"),
        (lambda o: o.LocalOperator(HILBERT, [np.eye(2)], [[4]]), ValueError, "sites from 0 to 3"),
        (lambda o: o.LocalOperator(HILBERT, [np.eye(4)], [[1, 1]]), ValueError, "different sites"),
        (lambda o: o.LocalOperator(HILBERT, [np.eye(4)], [[1]]), ValueError, r"shape \(2, 2\) for 1 sites"),
        (lambda o: o.LocalOperator(HILBERT, [np.eye(2)], [[0], [1]]), ValueError, "the sites of 1 matrices"),
        (lambda o: o.LocalOperator(HILBERT, [np.eye(2)]), ValueError, "say on which sites"),
        (lambda o: o.LocalOperator(HILBERT, [[["a", "b"]] * 2], [[0]]), TypeError, "matrices of numbers"),
        (lambda o: o.LocalOperator(HILBERT, [np.full((2, 2), np.nan)], [[0]]), ValueError, "a finite number"),
        (lambda o: o.LocalOperator(HILBERT, [np.eye(2)], [[-1]]), ValueError, "at least 0"),
        (lambda o: o.LocalOperator(HILBERT, constant="a"), TypeError, "`constant`: expected a number"),
        (lambda o: o.LocalOperator(HILBERT, mel_cutoff=-1), ValueError, "mel_cutoff"),
        (lambda o: o.spin.sigmax(HILBERT, 4), ValueError, "sites from 0 to 3"),
        (lambda o: o.spin.sigmax(HILBERT, 1.0), TypeError, "a whole number"),
        (lambda o: o.spin.sigmax(3, 1), TypeError, "a space of nk.hilbert"),
        (lambda o: o.boson.proj(HILBERT, 0, 2), ValueError, "`n`: expected 0 to 1, got 2"),
        (lambda o: o.fermion.create(HILBERT, 0), ValueError, "empty or filled"),
        (lambda o: o.fermion.create(fermions(nk), 0), ValueError, r"`sz`: expected one of \[-1, 1\], got None"),
        (lambda o: o.fermion.create(fermions(nk), 0, 2), ValueError, "`sz`"),
        (lambda o: o.fermion.create(fermions(nk), 3, 1), IndexError, "`site`: expected 0 to 2"),
        (lambda o: o.fermion.create(nk.hilbert.SpinOrbitalFermions(3), 0, 1), ValueError, "`sz`"),
        (lambda o: o.PauliStrings(HILBERT, ["XX"]), ValueError, r"operators\[0\].*4 letters"),
        (lambda o: o.PauliStrings(HILBERT, ["XXQI"]), ValueError, "letters I, X, Y or Z"),
        (lambda o: o.PauliStrings(HILBERT, ["XXII"], [1.0, 2.0]), ValueError, "1 numbers"),
        (lambda o: o.PauliStrings(HILBERT, ["XXII"], ["a"]), TypeError, "`weights`"),
        (lambda o: o.PauliStrings(HILBERT, [3]), TypeError, "expected text"),
        (lambda o: o.PauliStrings(None, ["XX"]), ValueError, "leave it out for qubits"),
        (lambda o: o.PauliStrings(nk.hilbert.Spin(1, 2), ["XX"]), ValueError, "two local states"),
        (lambda o: o.PauliStrings(HILBERT, "XIII") * o.PauliStrings(HILBERT, "XIII"), TypeError, "multiplied by @"),
        (lambda o: o.PauliStrings.parse(HILBERT, "X0 X9"), ValueError, "9"),
        (lambda o: o.FermionOperator2nd(fermions(nk), ["0^ 6"]), ValueError, "sites from 0 to 5"),
        (lambda o: o.FermionOperator2nd(fermions(nk), ["0^ a"]), ValueError, r"write '0\^ 1'"),
        (lambda o: o.FermionOperator2nd(fermions(nk), [((0, 2),)]), ValueError, "products of"),
        (lambda o: o.FermionOperator2nd(fermions(nk), ["0"], [np.inf]), ValueError, "a finite number"),
        (lambda o: o.FermiHubbardJax(fermions(nk), nk.graph.Chain(4)), ValueError, "half of the 6 sites"),
        (lambda o: o.FermiHubbardJax(HILBERT, nk.graph.Chain(4)), TypeError, "SpinOrbitalFermions"),
        (lambda o: o.xyz(HILBERT, nk.graph.Chain(4), [1.0]), ValueError, "three numbers"),
        (lambda o: o.spin.sigmax(HILBERT, 0) + "a", TypeError, ""),
        (lambda o: o.spin.sigmax(HILBERT, 0) / 0, ValueError, "not 0"),
        (lambda o: o.spin.sigmax(HILBERT, 0) / o.spin.sigmax(HILBERT, 0), TypeError, "numbers only"),
        (lambda o: o.spin.sigmax(HILBERT, 0) ** 0, ValueError, "at least 1"),
        (
            lambda o: o.spin.sigmax(HILBERT, 0) + o.spin.sigmax(nk.hilbert.Qubit(4), 0),
            ValueError,
            "build both on the same Hilbert space",
        ),
        (
            lambda o: o.spin.sigmax(HILBERT, 0) @ o.spin.sigmax(HILBERT * HILBERT, 0),
            ValueError,
            "build both on the same Hilbert space",
        ),
        (lambda o: o.spin.sigmax(HILBERT, 0) @ np.ones(3), ValueError, r"numbers of shape \(16,\)"),
        (lambda o: o.spin.sigmax(HILBERT, 0) @ np.array(["a"] * 16), ValueError, "numbers of shape"),
        (lambda o: o.spin.sigmax(HILBERT, 0).get_conn(np.ones((2, 4))), ValueError, "one state"),
        (lambda o: o.spin.sigmax(HILBERT, 0).get_conn_padded(np.ones(3)), ValueError, r"shape \(..., 4\)"),
        (lambda o: o.spin.sigmax(HILBERT, 0).get_conn_padded(np.zeros(4)), ValueError, "one of the local states"),
        (lambda o: o.spin.sigmax(HILBERT, 0).get_conn_padded("abcd"), TypeError, "an array of local states"),
        (lambda o: o.spin.sigmax(HILBERT, 0).get_conn_flattened(np.ones(4), [0]), ValueError, "reshape it"),
        (lambda o: o.spin.sigmax(HILBERT, 0).to_pauli_strings(), NotImplementedError, "PauliStrings.parse"),
        (lambda o: o.spin.sigmax(nk.hilbert.Spin(0.5, 14), 0).to_dense(), MemoryError, "8192 states"),
        (lambda o: o.LocalLiouvillian, NotImplementedError, "density matrices"),
        (lambda o: o.Adjoint, NotImplementedError, "use .H"),
        (lambda o: o.Isling, AttributeError, "Isling"),
        (lambda o: o.SumOperator(3), TypeError, "operators of nk.operator"),
    ],
)
def test_nonsense_is_refused(wrong, error, text):
    with pytest.raises(error, match=text):
        wrong(nk.operator)
