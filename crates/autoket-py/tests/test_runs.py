"""The same script in NetKet and in autoket: parameters, samples, energies, gradients, metric, runs."""

import json
import pickle
from copy import deepcopy

import netket as nk
import numpy as np
import pytest

import autoket as ak

MODELS = {
    "dense": ("ARNNDense", {}),
    "conv1d": ("ARNNConv1D", {"kernel_size": 3}),
    "conv2d": ("ARNNConv2D", {"kernel_size": (2, 3)}),
    "fast_dense": ("FastARNNDense", {}),
    "fast_conv1d": ("FastARNNConv1D", {"kernel_size": 3}),
    "fast_conv2d": ("FastARNNConv2D", {"kernel_size": (2, 3)}),
}


def parts(lib, name="conv2d", dtype="float64", n_samples=48, seed=1, full_sum=False):
    """Hamiltonian and state, in the words that both libraries know."""
    hilbert = lib.hilbert.Spin(0.5, 9)
    graph = lib.graph.Square(3, pbc=False)
    hamiltonian = lib.operator.Ising(hilbert, graph, h=1.3, J=-1.0)
    kind, fields = MODELS[name]
    if lib is nk and kind == "FastARNNDense":
        # NetKet 3.23 cannot run its own with this JAX; it is the same network.
        kind = "ARNNDense"
    model = getattr(lib.models, kind)(hilbert=hilbert, layers=2, features=4, param_dtype=dtype, **fields)
    if full_sum:
        return hamiltonian, lib.vqs.FullSumState(hilbert, model, seed=seed)
    sampler = lib.sampler.ARDirectSampler(hilbert)
    return hamiltonian, lib.vqs.MCState(sampler, model, n_samples=n_samples, seed=seed)


def leaves(tree, path=()):
    if hasattr(tree, "items"):
        return {k: v for name, branch in tree.items() for k, v in leaves(branch, (*path, name)).items()}
    return {path: np.asarray(tree)}


def assert_trees_close(ours, theirs, **tolerance):
    ours, theirs = leaves(ours), leaves(theirs)
    assert ours.keys() == theirs.keys()
    for path, array in ours.items():
        assert array.dtype == theirs[path].dtype, path
        np.testing.assert_allclose(array, theirs[path], err_msg=str(path), **tolerance)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("name", MODELS)
def test_a_state_of_the_same_seed_has_the_same_numbers(name, dtype):
    (h, state), (h_ref, ref) = parts(ak, name, dtype), parts(nk, name, dtype)
    assert_trees_close(state.parameters, ref.parameters, rtol=1e-13, atol=1e-15)
    state.parameters = {k: dict(v) for k, v in ref.parameters.items()}
    assert state.n_parameters == ref.n_parameters
    np.testing.assert_array_equal(state.samples, ref.samples)
    assert state.samples.dtype == ref.samples.dtype
    sigma = np.asarray(ref.samples)[0]
    np.testing.assert_allclose(state.log_value(sigma), ref.log_value(sigma), rtol=1e-12, atol=1e-13)
    energy, energy_ref = state.expect(h), ref.expect(h_ref)
    np.testing.assert_allclose(energy.mean, energy_ref.mean, rtol=1e-12)
    np.testing.assert_allclose(energy.variance, energy_ref.variance, rtol=1e-10)
    _, gradient = state.expect_and_grad(h)
    _, gradient_ref = ref.expect_and_grad(h_ref)
    assert_trees_close(gradient, gradient_ref, rtol=1e-9, atol=1e-11)
    _, forces = state.expect_and_forces(h)
    _, forces_ref = ref.expect_and_forces(h_ref)
    assert_trees_close(forces, forces_ref, rtol=1e-9, atol=1e-11)
    np.testing.assert_array_equal(state.sample(), ref.sample())


@pytest.mark.parametrize("name", ["dense", "conv2d"])
def test_the_metric_is_netkets(name):
    (_, state), (_, ref) = parts(ak, name), parts(nk, name)
    metric = state.quantum_geometric_tensor().to_dense()
    theirs = ref.quantum_geometric_tensor(nk.optimizer.qgt.QGTJacobianDense(diag_shift=0.0)).to_dense()
    np.testing.assert_allclose(metric, theirs, atol=1e-11)


def test_the_metric_of_complex_parameters_is_netkets():
    (_, state), (_, ref) = parts(ak, "conv2d", "complex128"), parts(nk, "conv2d", "complex128")
    metric = state.quantum_geometric_tensor().to_dense()
    qgt = nk.optimizer.qgt.QGTJacobianDense(mode="complex", diag_shift=0.0)
    np.testing.assert_allclose(metric, ref.quantum_geometric_tensor(qgt).to_dense(), atol=1e-10)


@pytest.mark.parametrize("name", MODELS)
def test_conditionals_through_apply(name):
    (_, state), (_, ref) = parts(ak, name), parts(nk, name)
    sigma = np.asarray(ref.samples)[0, :5]
    for method in ["conditionals", "conditionals_log_psi"]:
        ours = state.model.apply(state.variables, sigma, method=method)
        theirs = ref.model.apply(ref.variables, sigma, method=method)
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13)
    ours = state.model.apply(state.variables, sigma, method=state.model.conditionals)
    np.testing.assert_allclose(ours.sum(axis=-1), 1.0, rtol=1e-13)


def test_a_sum_over_all_states():
    (h, state), (h_ref, ref) = parts(ak, full_sum=True), parts(nk, full_sum=True)
    np.testing.assert_allclose(state.to_array(), ref.to_array(), rtol=1e-12)
    np.testing.assert_allclose(state.expect(h).mean, ref.expect(h_ref).mean, rtol=1e-12)
    assert_trees_close(state.expect_and_grad(h)[1], ref.expect_and_grad(h_ref)[1], rtol=1e-9, atol=1e-12)


RULES = {
    "sgd": ("Sgd", {"learning_rate": 0.02}),
    "momentum": ("Momentum", {"learning_rate": 0.01, "beta": 0.8}),
    "nesterov": ("Momentum", {"learning_rate": 0.01, "nesterov": True}),
    "adam": ("Adam", {"learning_rate": 0.01}),
    "adagrad": ("AdaGrad", {"learning_rate": 0.02}),
    "rmsprop": ("RmsProp", {"learning_rate": 0.01}),
}


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("rule", RULES)
def test_runs_of_vmc_are_netkets(rule, dtype):
    kind, fields = RULES[rule]
    energies = []
    for lib in (ak, nk):
        h, state = parts(lib, "conv2d", dtype)
        driver = lib.driver.VMC(h, getattr(lib.optimizer, kind)(**fields), variational_state=state)
        log = lib.logging.RuntimeLog()
        driver.run(6, log, show_progress=False)
        energies.append(np.asarray(log.data["Energy"]["Mean"]))
        assert driver.step_count == 6
    np.testing.assert_allclose(*energies, rtol=1e-8)


def test_amsgrad_is_optaxs():
    import optax

    energies = []
    for lib, rule in ((ak, ak.optimizer.AMSGrad(0.02)), (nk, optax.amsgrad(0.02))):
        h, state = parts(lib)
        driver = lib.driver.VMC(h, rule, variational_state=state)
        log = lib.logging.RuntimeLog()
        driver.run(8, log, show_progress=False)
        energies.append(np.asarray(log.data["Energy"]["Mean"]))
    np.testing.assert_allclose(*energies, rtol=1e-8)


@pytest.mark.parametrize("use_ntk", [True, False, None])
def test_runs_of_vmc_sr_are_netkets(use_ntk):
    energies = []
    for lib in (ak, nk):
        h, state = parts(lib)
        driver = lib.driver.VMC_SR(
            h, lib.optimizer.Sgd(0.05), diag_shift=0.01, variational_state=state, use_ntk=use_ntk
        )
        log = lib.logging.RuntimeLog()
        driver.run(6, log, obs={"h": h}, show_progress=False)
        energies.append(np.asarray(log.data["Energy"]["Mean"]))
        np.testing.assert_allclose(log.data["h"]["Mean"], log.data["Energy"]["Mean"], rtol=1e-12)
    np.testing.assert_allclose(*energies, rtol=1e-7)


def test_a_schedule_is_a_function_of_the_step():
    h, state = parts(ak)
    seen = []

    def rate(step):
        seen.append(step)
        return 0.05 / (1 + step)

    driver = ak.VMC_SR(h, ak.optimizer.Sgd(rate), diag_shift=lambda k: 0.1 * 0.9**k, variational_state=state)
    driver.run(3, show_progress=False)
    assert seen[-3:] == [0, 1, 2]


def test_a_callback_stops_a_run_before_its_update():
    h, state = parts(ak)
    driver = ak.VMC(h, ak.optimizer.Sgd(0.01), variational_state=state)
    log = ak.logging.RuntimeLog()
    driver.run(10, log, show_progress=False, callback=lambda step, data, _: step < 3)
    assert driver.step_count == 3
    assert list(log["Energy"].iters) == [0, 1, 2]


def test_a_json_log_is_netkets(tmp_path):
    logs = []
    for lib in (ak, nk):
        h, state = parts(lib)
        driver = lib.driver.VMC(h, lib.optimizer.Sgd(0.01), variational_state=state)
        driver.run(4, str(tmp_path / lib.__name__), show_progress=False)
        logs.append(json.loads((tmp_path / f"{lib.__name__}.log").read_text()))
    assert logs[0].keys() == logs[1].keys()
    assert logs[0]["Energy"].keys() == logs[1]["Energy"].keys()
    assert logs[0]["Energy"]["iters"] == logs[1]["Energy"]["iters"]
    np.testing.assert_allclose(logs[0]["Energy"]["Mean"], logs[1]["Energy"]["Mean"], rtol=1e-10)
    h, state = parts(ak, seed=7)
    for lib in (ak, nk):
        state.load(tmp_path / f"{lib.__name__}.mpack")


def test_parameters_from_a_netket_mpack(tmp_path):
    import flax

    _, ref = parts(nk, seed=3)
    (tmp_path / "state.mpack").write_bytes(flax.serialization.to_bytes(ref.variables))
    _, state = parts(ak, seed=4)
    state.load(tmp_path / "state.mpack")
    assert_trees_close(state.parameters, ref.parameters, rtol=0)


def test_a_state_is_copied_and_pickled():
    h, state = parts(ak)
    twins = [deepcopy(state), pickle.loads(pickle.dumps(state))]
    energy = state.expect(h)
    for twin in twins:
        np.testing.assert_array_equal(twin.samples, state.samples)
        assert twin.expect(h) == energy or twin.expect(h).mean == energy.mean
        twin.parameters = {k: {n: 0 * a for n, a in v.items()} for k, v in twin.parameters.items()}
    assert state.expect(h).mean == energy.mean


def test_samples_are_kept_until_parameters_change():
    h, state = parts(ak)
    many = state.sample(n_samples=300)
    assert many.shape == (1, 300, 9) and state.n_samples == 48
    np.testing.assert_array_equal(state.samples, many)
    np.testing.assert_allclose(state.expect(h).mean, state.local_estimators(h).mean(), rtol=1e-13)
    assert len(state.local_estimators(h)) == 300
    state.parameters = state.parameters
    assert state.samples.shape == (1, 48, 9)
    # A step that fails leaves no samples of the parameters it gave up.
    driver = ak.VMC(h, ak.optimizer.Sgd(0.01), variational_state=state)
    driver.advance()
    good = state.parameters
    state.parameters = {k: {n: np.full_like(a, np.nan) for n, a in v.items()} for k, v in good.items()}
    broken = state.samples
    with pytest.raises(FloatingPointError):
        driver.advance()
    assert not np.array_equal(state.samples, broken)
    assert np.isfinite(state.expect(h).mean)


def test_another_power_is_warned_of():
    _, state = parts(ak)
    with pytest.warns(UserWarning, match="machine_pow"):
        ak.vqs.MCState(state.sampler, state.model.clone(machine_pow=1))


def test_an_operator_written_in_python_is_minimised():
    h, _ = parts(ak)

    class Same(ak.operator.DiscreteOperator):
        dtype = np.dtype(float)
        is_hermitian = True

        def get_conn_padded(self, x):
            return h.get_conn_padded(x)

    energies = []
    for hamiltonian in (h, Same(h.hilbert)):
        driver = ak.VMC_SR(hamiltonian, ak.optimizer.Sgd(0.05), diag_shift=0.01, variational_state=parts(ak)[1])
        log = driver.run(2, ak.logging.RuntimeLog(), show_progress=False)[0]
        energies.append(log["Energy"]["Mean"])
    np.testing.assert_allclose(*energies, rtol=1e-11)


def test_a_constrained_run():
    hilbert = ak.hilbert.Spin(0.5, 8, total_sz=0)
    model = ak.models.ARNNDense(hilbert, layers=2, features=6)
    state = ak.vqs.MCState(ak.sampler.ARDirectSampler(hilbert), model, n_samples=512, seed=0)
    assert not state.samples.sum(axis=-1).any()
    h = ak.operator.Heisenberg(hilbert, ak.graph.Chain(8), sign_rule=True)
    exact = ak.exact.lanczos_ed(h)[0]
    driver = ak.VMC_SR(h, ak.optimizer.Sgd(0.03), diag_shift=1e-3, variational_state=state)
    driver.run(150, show_progress=False)
    assert abs(state.expect(h).mean / exact - 1) < 5e-3


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda h, s: ak.vqs.MCState(s.sampler, s.model, n_samples=0), ValueError, "n_samples"),
        (lambda h, s: ak.vqs.MCState(s.sampler, s.model, samples=3), TypeError, "samples"),
        (lambda h, s: ak.vqs.MCState(s.sampler, s.model, n_samples="many"), TypeError, "n_samples"),
        (lambda h, s: ak.vqs.MCState(s.sampler, s.model, n_discard_per_chain=5), ValueError, "n_discard"),
        (lambda h, s: s.log_value([[1, -1]]), ValueError, "9"),
        (lambda h, s: s.log_value([[0.5] * 9]), ValueError, "local states"),
        (lambda h, s: s.expect(3), TypeError, "operator"),
        (lambda h, s: ak.VMC(h, 0.1, variational_state=s), TypeError, "optimizer"),
        (lambda h, s: ak.optimizer.Sgd("fast"), TypeError, "learning_rate"),
        (lambda h, s: ak.optimizer.SR(momentum=2.0), ValueError, "momentum"),
        (lambda h, s: setattr(s, "parameters", {}), ValueError, "_layers_0"),
        (lambda h, s: s.model.clone(features=(4, 3)), ValueError, "local size"),
        (lambda h, s: s.model.clone(colour=1), TypeError, "colour"),
        (lambda h, s: s.model.clone(activation=3), TypeError, "activation"),
        (lambda h, s: s.model.conditionals(s.samples), AttributeError, "apply"),
        (lambda h, s: ak.models.RBM, NotImplementedError, "autoregressive"),
        (lambda h, s: ak.sampler.MetropolisLocal, NotImplementedError, "ARDirectSampler"),
    ],
)
def test_mistakes_are_told(make, error, says):
    h, state = parts(ak)
    with pytest.raises(error, match=says):
        make(h, state)


def test_parameters_that_are_not_finite_stop_a_run():
    h, state = parts(ak)
    driver = ak.VMC(h, ak.optimizer.Sgd(0.01), variational_state=state)
    driver.run(2, show_progress=False)
    good = state.parameters
    bad = {k: {n: np.full_like(a, np.nan) for n, a in v.items()} for k, v in good.items()}
    state.parameters = bad
    with pytest.raises(FloatingPointError, match="step 2"):
        driver.run(1, show_progress=False)


def test_a_temperature_keeps_states_alike():
    """The free energy at a high temperature is lowest where all states are drawn alike; the energy is what is told."""
    hilbert = ak.hilbert.Spin(0.5, 6)
    hamiltonian = ak.operator.Ising(hilbert, ak.graph.Chain(6), h=0.5)

    def entropy(temperature):
        state = ak.vqs.FullSumState(hilbert, ak.models.ARNNDense(hilbert, layers=2, features=3), seed=1)
        driver = ak.VMC_SR(
            hamiltonian,
            ak.optimizer.Sgd(0.01),
            diag_shift=0.01,
            variational_state=state,
            temperature=lambda step: temperature,
        )
        driver.advance(200)
        energy = state.expect(hamiltonian).mean
        driver.advance()
        assert driver.energy.mean == energy
        p = state.probability_distribution()
        return float(-(p * np.log(p)).sum())

    assert entropy(0.0) < 0.8 * np.log(64) < 0.99 * np.log(64) < entropy(20.0)
