"""Solvers, the metric's names and optax beside NetKet; samples by their numbers."""

import netket as nk
import numpy as np
import optax
import pytest
from beside import BOTH, driver, leaves, parts

import autoket as ak

SOLVERS = ["LU", "cholesky", "cholesky_with_fallback", "pinv", "pinv_smooth", "solve", "svd"]


@pytest.fixture(scope="module")
def tensors():
    """The metric of both, and a tree shaped as the parameters."""
    states = [parts(lib)[1] for lib in BOTH]
    kinds = (ak.optimizer.qgt.QGTJacobianDense(diag_shift=0.02), nk.optimizer.qgt.QGTJacobianDense(diag_shift=0.02))
    tensors = [state.quantum_geometric_tensor(kind) for state, kind in zip(states, kinds, strict=True)]
    return tensors, states[1].parameters


@pytest.mark.parametrize("name", SOLVERS)
def test_solvers_are_netkets(tensors, name):
    (ours, theirs), tree = tensors
    x, _ = ours.solve(getattr(ak.optimizer.solver, name), tree)
    y, _ = theirs.solve(getattr(nk.optimizer.solver, name), tree)
    assert list(leaves(x)) == list(leaves(y))
    for path, array in leaves(x).items():
        np.testing.assert_allclose(array, leaves(y)[path], rtol=1e-8, atol=1e-10, err_msg=str(path))


def test_products_and_sums_of_the_metric_are_netkets(tensors):
    (ours, theirs), tree = tensors
    np.testing.assert_allclose(ours.to_dense(), theirs.to_dense(), atol=1e-11)
    np.testing.assert_allclose((ours + 0.5).to_dense(), (theirs + 0.5).to_dense(), atol=1e-11)
    for path, array in leaves(ours @ tree).items():
        np.testing.assert_allclose(array, leaves(theirs @ tree)[path], atol=1e-11)
    vector = np.arange(len(ours.to_dense()), dtype=float)
    np.testing.assert_allclose(ours @ vector, np.asarray(theirs @ vector), rtol=1e-9)


@pytest.mark.parametrize("b", [np.array([1.0, -2.0, 0.5]), np.array([1.0, 2j, -0.5])])
@pytest.mark.parametrize("keywords", [{}, {"rtol": 0.2}, {"rtol": 1e-14, "rtol_smooth": 0.3}])
def test_cuts_of_the_smooth_pseudo_inverse_are_netkets(keywords, b):
    import jax.numpy as jnp

    a = np.array([[2.0, 0.3, 0.0], [0.3, 1.0, -0.2], [0.0, -0.2, 0.1]])
    x, info = ak.optimizer.solver.pinv_smooth(return_eigvals=True, **keywords)(a, b)
    y, other = nk.optimizer.solver.pinv_smooth(return_eigvals=True, **keywords)(jnp.asarray(a), jnp.asarray(b))
    np.testing.assert_allclose(x, y, rtol=1e-11)
    assert info.keys() == other.keys()
    for name in info:
        np.testing.assert_allclose(info[name], other[name], rtol=1e-11, err_msg=name)


def test_a_solver_falls_back_where_numbers_are_not_finite():
    solvers = ak.optimizer.solver
    singular, b = np.diag([1.0, 0.0]), np.array([1.0, 0.0])
    assert np.isnan(solvers.cholesky(singular, b)[0]).all()
    for solver in (solvers.cholesky_with_fallback, solvers.nan_fallback(solvers.cholesky, solvers.pinv)):
        x, info = solver(singular, b)
        assert info["solver_fallback"]
        np.testing.assert_allclose(x, [1.0, 0.0])
        assert not solver(np.eye(2), b)[1]["solver_fallback"]


def test_complex_parameters_are_solved_by_their_parts():
    hilbert = ak.hilbert.Spin(0.5, 4)
    model = ak.models.ARNNDense(hilbert, layers=1, features=2, param_dtype=complex)
    state = ak.vqs.FullSumState(hilbert, model, seed=0)
    tensor = state.quantum_geometric_tensor() + 0.1
    x, _ = tensor.solve(ak.optimizer.solver.cholesky, state.parameters)
    for path, array in leaves(tensor @ x).items():
        np.testing.assert_allclose(array, leaves(state.parameters)[path], atol=1e-12)


def energies(lib, optimizer, steps=5, **extra):
    hamiltonian, state = parts(lib)
    run = lib.driver.VMC(hamiltonian, optimizer, variational_state=state, **extra)
    log = lib.logging.RuntimeLog()
    run.run(steps, log, show_progress=False)
    return np.asarray(log.data["Energy"]["Mean"])


OPTAX = {
    "adam": lambda: optax.adam(0.02),
    "schedule": lambda: optax.sgd(optax.exponential_decay(0.1, 2, 0.5)),
    "chain": lambda: optax.chain(optax.clip_by_global_norm(0.3), optax.adamw(0.02, weight_decay=0.1)),
}


@pytest.mark.parametrize("name", OPTAX)
def test_optimizers_of_optax_are_taken(name):
    np.testing.assert_allclose(energies(ak, OPTAX[name]()), energies(nk, OPTAX[name]()), rtol=1e-9)


def test_an_optimizer_of_optax_is_the_rule_of_the_same_name():
    plain = energies(ak, ak.optimizer.Sgd(0.05), preconditioner=ak.optimizer.SR(diag_shift=0.1, momentum=0.5))
    foreign = energies(ak, optax.sgd(0.05), preconditioner=ak.optimizer.SR(diag_shift=0.1, momentum=0.5))
    np.testing.assert_allclose(plain, foreign, rtol=1e-12)


def test_an_optimizer_written_here():
    class Halves:
        def init(self, params):
            return 0

        def update(self, gradient, memory, params):
            return {k: {n: -(0.5**memory) * g for n, g in v.items()} for k, v in gradient.items()}, memory + 1

    rates = lambda step: 0.5**step  # noqa: E731
    np.testing.assert_allclose(energies(ak, Halves()), energies(ak, ak.optimizer.Sgd(rates)), rtol=1e-12)


def test_changes_of_too_little_precision_are_refused():
    class Single:
        def init(self, params):
            return None

        def update(self, gradient, memory, params):
            return {k: {n: g.astype(np.float32) for n, g in v.items()} for k, v in gradient.items()}, None

    run = driver(ak, Single())
    with pytest.raises(TypeError, match="jax_enable_x64"):
        run.advance()


@pytest.mark.parametrize("name", SOLVERS)
def test_every_solver_gives_one_update(name):
    solver = getattr(ak.optimizer.solver, name)
    sr = ak.optimizer.SR(ak.optimizer.qgt.QGTJacobianDense, solver, diag_shift=0.05)
    theirs = nk.optimizer.SR(
        qgt=nk.optimizer.qgt.QGTJacobianDense, solver=nk.optimizer.solver.cholesky, diag_shift=0.05
    )
    if name == "LU":
        reference = energies(nk, nk.optimizer.Sgd(0.05), preconditioner=theirs)
        np.testing.assert_allclose(energies(ak, ak.optimizer.Sgd(0.05), preconditioner=sr), reference, rtol=1e-8)
    plain = energies(ak, ak.optimizer.Sgd(0.05), preconditioner=ak.optimizer.SR(diag_shift=0.05))
    np.testing.assert_allclose(energies(ak, ak.optimizer.Sgd(0.05), preconditioner=sr), plain, rtol=1e-12)
    hamiltonian, state = parts(ak)
    run = ak.VMC_SR(hamiltonian, ak.optimizer.Sgd(0.05), diag_shift=0.05, linear_solver=solver, variational_state=state)
    log = run.run(5, ak.logging.RuntimeLog(), show_progress=False)[0]
    np.testing.assert_allclose(log["Energy"].Mean, plain, rtol=1e-12)


def test_conjugate_gradients_are_taken_by_their_name():
    import jax
    import scipy.sparse.linalg

    for cg in (jax.scipy.sparse.linalg.cg, scipy.sparse.linalg.cg):
        assert ak.optimizer.SR(solver=cg).form == "cg"
    plain = energies(ak, ak.optimizer.Sgd(0.05), preconditioner=ak.optimizer.SR(diag_shift=0.05))
    cg = ak.optimizer.SR(solver=jax.scipy.sparse.linalg.cg, diag_shift=0.05)
    np.testing.assert_allclose(energies(ak, ak.optimizer.Sgd(0.05), preconditioner=cg), plain, rtol=1e-5)


def test_samples_by_number_are_netkets():
    for seed in (0, 3):
        states = []
        for lib in BOTH:
            hilbert = lib.hilbert.Spin(0.5, 4)
            model = lib.models.ARNNDense(hilbert=hilbert, layers=2, features=3)
            states.append(lib.vqs.MCState(lib.sampler.ExactSampler(hilbert), model, n_samples=300, seed=seed))
        ours, theirs = states
        ours.parameters = theirs.parameters
        for _ in range(2):
            np.testing.assert_array_equal(ours.sample(), np.asarray(theirs.sample()).reshape(1, 300, 4))
        np.testing.assert_array_equal(
            ours.sampler_key, np.asarray(nk.jax.PRNGKey(theirs.sampler_state.rng)._base_array)
        )


def test_a_run_with_samples_by_number():
    hilbert = ak.hilbert.Spin(0.5, 6, total_sz=0)
    model = ak.models.ARNNDense(hilbert, layers=1, features=2)
    state = ak.vqs.MCState(ak.sampler.ExactSampler(hilbert), model, n_samples=500, seed=0)
    assert not state.samples.sum(axis=-1).any()
    hamiltonian = ak.operator.Heisenberg(hilbert, ak.graph.Chain(6), sign_rule=True)
    exact = ak.exact.lanczos_ed(hamiltonian)[0]
    run = ak.VMC_SR(hamiltonian, ak.optimizer.Sgd(0.05), diag_shift=1e-3, variational_state=state)
    run.run(60, show_progress=False)
    assert abs(state.expect(hamiltonian).mean / exact - 1) < 0.02


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: ak.optimizer.SR(solver=3), TypeError, "solver"),
        (lambda: ak.optimizer.SR(solver=len), NotImplementedError, "nk.optimizer.solver"),
        (lambda: ak.optimizer.SR(solver=ak.optimizer.solver.pinv_smooth(rtol=1e-6)), ValueError, "diag_shift"),
        (lambda: ak.optimizer.SR(qgt=3), TypeError, "qgt"),
        (lambda: ak.optimizer.SR(diag_scale=0.1), ValueError, "diag_shift"),
        (lambda: ak.optimizer.SR(diag_shift=-1), ValueError, "diag_shift"),
        (lambda: ak.optimizer.SR(form=["cg"]), TypeError, "form"),
        (lambda: ak.optimizer.solver.cholesky(np.ones((2, 3)), np.ones(2)), ValueError, "square"),
        (lambda: ak.optimizer.solver.cholesky(np.eye(3), np.ones(2)), ValueError, "3 numbers"),
        (lambda: ak.optimizer.solver.cholesky(np.eye(2), ["a", "b"]), TypeError, "numbers"),
        (lambda: ak.optimizer.solver.nan_fallback(3, len), TypeError, "primary_solver"),
        (lambda: ak.optimizer.solver.cholesky_distributed, NotImplementedError, "cholesky"),
        (lambda: driver(ak, optax.adam), TypeError, "optimizer"),
        (lambda: parts(ak)[1].quantum_geometric_tensor(3), TypeError, "qgt"),
        (lambda: ak.sampler.ExactSampler(ak.hilbert.Spin(0.5, 100)), RuntimeError, "states"),
        (lambda: ak.sampler.ExactSampler(ak.hilbert.Spin(0.5, 4), machine_pow=1), ValueError, "machine_pow"),
    ],
)
def test_mistakes_are_told(make, error, says):
    with pytest.raises(error, match=says):
        make()
