"""Exact diagonalisation beside NetKet's."""

import netket as ref
import numpy as np
import pytest

import autoket as nk


def ising(lib, n=8):
    return lib.operator.Ising(lib.hilbert.Spin(0.5, n), lib.graph.Chain(n), h=0.9)


def heisenberg(lib, **kwargs):
    return lib.operator.Heisenberg(lib.hilbert.Spin(0.5, 8, **kwargs), lib.graph.Chain(8))


def bosons(lib):
    hilbert = lib.hilbert.Fock(3, 4, n_particles=4)
    return lib.operator.BoseHubbard(hilbert, lib.graph.Chain(4), U=3.0)


def complex_one(lib):
    hilbert = lib.hilbert.Spin(0.5, 4)
    return ising(lib, 4) + 0.3 * lib.operator.spin.sigmay(hilbert, 1)


@pytest.mark.parametrize("build", [ising, heisenberg, bosons, complex_one, lambda lib: heisenberg(lib, total_sz=0)])
def test_spectra_are_netkets(build):
    own, other = build(nk), build(ref)
    energies = ref.exact.full_ed(other)
    np.testing.assert_allclose(nk.exact.full_ed(own), energies, atol=1e-11)
    for matrix_free in (False, True):
        lowest = nk.exact.lanczos_ed(own, k=4, matrix_free=matrix_free)
        np.testing.assert_allclose(lowest, energies[:4], atol=1e-10)
        w, v = nk.exact.lanczos_ed(own, k=3, compute_eigenvectors=True, matrix_free=matrix_free)
        assert v.shape == (own.hilbert.n_states, 3)
        assert v.dtype == own.dtype
        np.testing.assert_allclose(own @ v, v * w, atol=1e-7)
        np.testing.assert_allclose(v.conj().T @ v, np.eye(3), atol=1e-7)
    w, v = nk.exact.full_ed(own, compute_eigenvectors=True)
    np.testing.assert_allclose(own @ v, v * w, atol=1e-11)


def test_sectors_make_up_the_spectrum():
    chain = nk.graph.Chain(8)
    hamiltonian = heisenberg(nk)
    found = []
    for m in range(8):
        # Translations alone: all their representations are one-dimensional.
        translations = chain.translation_group()
        phase = np.exp(-2j * np.pi * m * np.asarray([p[0] for p in translations]) / 8)
        sector = nk.graph.Sector(translations, phase)
        found += nk.exact.full_ed(hamiltonian, sector=sector).tolist()
        lowest = nk.exact.lanczos_ed(hamiltonian, sector=sector)
        np.testing.assert_allclose(lowest, nk.exact.full_ed(hamiltonian, sector=sector)[:1], atol=1e-10)
    np.testing.assert_allclose(sorted(found), nk.exact.full_ed(hamiltonian), atol=1e-10)
    even, odd = (chain.sectors([0])[0].with_spin_flip(sign) for sign in (True, False))
    n = [len(nk.exact.full_ed(hamiltonian, sector=sector)) for sector in (even, odd)]
    assert sum(n) == len(nk.exact.full_ed(hamiltonian, sector=chain.sectors([0])[0]))
    w, v = nk.exact.lanczos_ed(hamiltonian, sector=even, compute_eigenvectors=True)
    assert v.shape == (n[0], 1)
    assert w[0] == pytest.approx(nk.exact.lanczos_ed(hamiltonian)[0])


def test_free_fermions():
    for n in (4, 7, 8):
        for pbc in (True, False):
            hilbert = nk.hilbert.Spin(0.5, n)
            hamiltonian = nk.operator.Ising(hilbert, nk.graph.Chain(n, pbc=pbc), h=0.6, J=-1.2)
            exact = nk.exact.ising_chain_energy(n, h=0.6, J=-1.2, pbc=pbc)
            assert exact == pytest.approx(nk.exact.lanczos_ed(hamiltonian)[0])


def test_options_of_scipy():
    lowest = nk.exact.lanczos_ed(ising(nk), scipy_args={"tol": 1e-11, "maxiter": 400})
    assert lowest[0] == pytest.approx(nk.exact.full_ed(ising(nk))[0], abs=1e-12)
    with pytest.raises(RuntimeError, match="did not converge in 3 iterations"):
        nk.exact.lanczos_ed(ising(nk), scipy_args={"maxiter": 3})


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (lambda e: e.full_ed(3), TypeError, "an operator of nk.operator"),
        (lambda e: e.full_ed(nk.operator.spin.sigmap(nk.hilbert.Spin(0.5, 2), 0)), ValueError, "a Hermitian operator"),
        (
            lambda e: e.full_ed(nk.operator.spin.sigmap(nk.hilbert.Spin(0.5, 2), 0), compute_eigenvectors=True),
            ValueError,
            "a Hermitian operator",
        ),
        (lambda e: e.full_ed(ising(nk, 14)), MemoryError, "8192 states"),
        (lambda e: e.full_ed(ising(nk), 3), TypeError, ""),
        (lambda e: e.full_ed(ising(nk), sector=3), TypeError, "nk.graph.Sector"),
        (lambda e: e.full_ed(ising(nk), sector=nk.graph.Chain(4).sectors([0])[0]), ValueError, "permutations of 8"),
        (lambda e: e.lanczos_ed(ising(nk), k=0), ValueError, "`k`: expected at least 1"),
        (lambda e: e.lanczos_ed(ising(nk), k=1.5), TypeError, "`k`"),
        (lambda e: e.lanczos_ed(ising(nk), k=257), ValueError, "number of basis states"),
        (lambda e: e.lanczos_ed(ising(nk), scipy_args={"ncv": 3}), TypeError, "expected tol and maxiter"),
        (lambda e: e.lanczos_ed(ising(nk), memory=100), MemoryError, "raise `memory`"),
        (lambda e: e.lanczos_ed(ising(nk), k=1, which="SA"), TypeError, "which"),
        (
            lambda e: e.lanczos_ed(nk.operator.Ising(nk.hilbert.Spin(0.5, 4, total_sz=0), nk.graph.Chain(4), h=1.0)),
            ValueError,
            "keeps to",
        ),
        (lambda e: e.steady_state, NotImplementedError, "density matrices"),
        (lambda e: e.ising_chain_energy(1, 1.0), ValueError, "at least 3"),
    ],
)
def test_nonsense_is_refused(wrong, error, text):
    with pytest.raises(error, match=text):
        wrong(nk.exact)
