"""Models beside NetKet's: parameters of the same key, log ψ, conditionals, caches, texts."""

import copy
import pickle
import re

import jax
import netket as nk
import netket.experimental.models as nkm
import numpy as np
import pytest
from test_runs import assert_trees_close

import autoket as ak

KEY = jax.random.PRNGKey(3)
SITES = 6


def both(make):
    """A model of each library, and states of both."""
    ours, theirs = make(ak), make(nk)
    states = np.asarray(nk.hilbert.Spin(0.5, SITES).random_state(KEY, 5))
    return ours, theirs, states


def networks(lib):
    """Where NetKet keeps its networks of cells."""
    return nkm if lib is nk else ak.experimental.models


def grid(lib):
    return lib.graph.Grid([2, 3], pbc=False)


PREVIOUS = [[-1], [0], [1], [2], [3], [4]]

MODELS = {
    "dense": lambda lib, h: lib.models.ARNNDense(h, 2, 3),
    "list": lambda lib, h: lib.models.ARNNDense(hilbert=h, layers=2, features=[4, 2], use_bias=False),
    "complex": lambda lib, h: lib.models.ARNNConv1D(h, 2, 3, 3, 2, param_dtype=np.complex128),
    "single": lambda lib, h: lib.models.ARNNDense(h, layers=1, features=3, param_dtype=np.float32),
    "fast_conv1d": lambda lib, h: lib.models.FastARNNConv1D(h, layers=2, features=3, kernel_size=2),
    "lstm": lambda lib, h: networks(lib).LSTMNet(h, layers=2, features=3),
    "lstm_graph": lambda lib, h: networks(lib).LSTMNet(h, layers=2, features=3, graph=grid(lib)),
    "gru": lambda lib, h: networks(lib).GRUNet1D(h, layers=2, features=3, param_dtype=np.complex128),
    "gru_order": lambda lib, h: networks(lib).GRUNet1D(
        h,
        layers=1,
        features=2,
        reorder_idx=ordered(lib, range(SITES)),
        prev_neighbors=ordered(lib, PREVIOUS),
    ),
    "fast_lstm": lambda lib, h: networks(lib).FastLSTMNet(h, layers=2, features=3),
    "fast_gru": lambda lib, h: networks(lib).FastGRUNet1D(h, layers=2, features=3),
}


def ordered(lib, values):
    array = np.asarray(values)
    return nk.utils.HashableArray(array) if lib is nk else array


def made(name):
    return both(lambda lib: MODELS[name](lib, lib.hilbert.Spin(0.5, SITES)))


def told(text):
    """A text without what is said of initializers and hashes, which are named otherwise here."""
    text = re.sub(r"(kernel_init|bias_init) = .*", r"\1", text)
    text = re.sub(r", hash=-?\d+", "", text)
    return re.sub(r"graph = (.|\n)*?\n    param", "param", text)


@pytest.mark.parametrize("name", MODELS)
def test_the_same_key_gives_the_same_model(name):
    ours, theirs, states = made(name)
    variables, expected = ours.init(KEY, states), theirs.init(KEY, states)
    tolerance = {"rtol": 1e-5, "atol": 1e-7} if name == "single" else {"rtol": 1e-12, "atol": 1e-14}
    assert_trees_close(variables, expected, **tolerance)
    # Of the very same parameters all numbers are the same.
    np.testing.assert_allclose(ours.apply(expected, states), theirs.apply(expected, states), **tolerance)
    bound = ours.bind(expected)
    for method in ("conditionals", "conditionals_log_psi", "reshape_inputs"):
        np.testing.assert_allclose(
            ours.apply(expected, states, method=getattr(ours, method)),
            theirs.apply(expected, states, method=method),
            **tolerance,
        )
        np.testing.assert_array_equal(
            getattr(bound, method)(states), ours.apply(expected, states, method=method), err_msg=method
        )
    sites = np.arange(SITES)
    np.testing.assert_array_equal(ours.reorder(sites), theirs.reorder(sites))
    np.testing.assert_array_equal(ours.inverse_reorder(states, axis=1), theirs.inverse_reorder(states, axis=1))
    assert told(repr(ours)) == told(repr(theirs))


@pytest.mark.parametrize("name", ["fast_conv1d", "fast_lstm", "fast_gru"])
def test_caches_are_netkets(name):
    ours, theirs, states = made(name)
    variables = theirs.init(KEY, states, 0, method=theirs.conditional)
    own = ours.init(KEY, states, index=0, method=ours.conditional)
    assert_trees_close(own, variables, rtol=1e-12, atol=1e-14)
    params, cache, expected = variables["params"], variables["cache"], variables["cache"]
    for site in range(3):
        p, changed = ours.apply(
            {"params": params, "cache": cache}, states, site, method=ours.conditional, mutable=["cache"]
        )
        q, ref = theirs.apply(
            {"params": params, "cache": expected}, states, site, method=theirs.conditional, mutable=["cache"]
        )
        cache, expected = changed["cache"], ref["cache"]
        np.testing.assert_allclose(p, q, rtol=1e-12)
        assert_trees_close(cache, expected, rtol=1e-12, atol=1e-14)


def own_list(lib, base, fast):
    prefix = "Fast" if fast else ""
    conv, dense = getattr(lib.nn, f"{prefix}MaskedConv1D"), getattr(lib.nn, f"{prefix}MaskedDense1D")

    class Mixed(base):
        features: int
        machine_pow: int = 2

        def setup(self):
            size = {"size": self.hilbert.size} if fast else {}
            self._layers = [
                conv(features=self.features, kernel_size=3, kernel_dilation=1, exclusive=True),
                dense(features=2, exclusive=False, **size),
            ]

        def activation(self, x):
            return lib.nn.activation.reim_selu(x)

    return Mixed


@pytest.mark.parametrize("fast", [False, True])
def test_lists_of_layers_of_ones_own(fast):
    kind = "FastARNNSequential" if fast else "ARNNSequential"
    theirs = own_list(nk, getattr(nk.models, kind), fast)(nk.hilbert.Spin(0.5, SITES), 4)

    class Ours(own_list(ak, getattr(ak.models, kind), fast)):
        activation: object = ak.nn.reim_selu

    ours = Ours(ak.hilbert.Spin(0.5, SITES), 4)
    states = np.asarray(theirs.hilbert.random_state(KEY, 5))
    expected = theirs.init(KEY, states)
    assert_trees_close(ours.init(KEY, states), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(ours.apply(expected, states), theirs.apply(expected, states), rtol=1e-12)
    state = ak.vqs.MCState(ak.sampler.ARDirectSampler(ours.hilbert), ours, n_samples=16, seed=1)
    ref = nk.vqs.MCState(nk.sampler.ARDirectSampler(theirs.hilbert), theirs, n_samples=16, seed=1) if not fast else None
    if ref is not None:
        np.testing.assert_array_equal(state.samples, ref.samples)
    if fast:
        assert set(ours.init(KEY, states, 0, method=ours.conditional)) == {"params", "cache"}


def test_lattices_of_ones_own():
    class Rectangle(ak.models.ARNNSequential):
        def setup(self):
            fields = {"kernel_size": (2, 3), "kernel_dilation": (1, 1)}
            self._layers = [ak.nn.MaskedConv2D(features=2, exclusive=True, **fields)]

        def reshape_inputs(self, inputs):
            return np.reshape(inputs, (-1, 2, 3))

    hilbert = ak.hilbert.Spin(0.5, 6)
    known = ak.models.ARNNConv2D(hilbert, layers=1, features=2, kernel_size=(2, 3), extent=(2, 3))
    states = hilbert.all_states()
    variables = known.init(0, states)
    np.testing.assert_array_equal(Rectangle(hilbert).apply(variables, states), known.apply(variables, states))


LIBRARY = {
    "gated": lambda h: ak.models.ARNNGatedConv2D(h, layers=2, features=3, kernel_size=(2, 3), extent=(2, 3)),
    "tensor": lambda h: ak.models.TensorGRU2D(h, extent=(2, 3), features=3),
    "tensor, spiral": lambda h: ak.models.TensorGRU2D(h, extent=(2, 3), features=3, order=[0, 3, 4, 5, 2, 1]),
    "phase": lambda h: ak.models.ARNNDense(h, layers=2, features=3, phase=True, order=[5, 4, 3, 2, 1, 0]),
}


@pytest.mark.parametrize("name", LIBRARY)
def test_models_that_netket_lacks(name):
    hilbert = ak.hilbert.Spin(0.5, SITES)
    model = LIBRARY[name](hilbert)
    states = hilbert.all_states()
    variables = model.init(0, states)
    log_psi = model.apply(variables, states)
    np.testing.assert_allclose((np.abs(np.exp(log_psi)) ** 2).sum(), 1, rtol=1e-12)
    p = model.bind(variables).conditionals(states)
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-12)
    order = model.reorder(np.arange(SITES))
    # A site knows only what is drawn before it.
    for k, site in enumerate(order):
        changed = states.copy()
        changed[:, order[k:]] *= -1
        np.testing.assert_array_equal(model.bind(variables).conditionals(changed)[:, site], p[:, site])
    state = ak.vqs.FullSumState(hilbert, model, variables=variables)
    np.testing.assert_allclose(state.log_value(states), log_psi, rtol=1e-12)


def averaged(phase=True):
    hilbert = ak.hilbert.Spin(0.5, SITES)
    network = ak.models.ARNNConv2D(hilbert, layers=2, features=3, kernel_size=(2, 3), extent=(2, 3), phase=phase)
    group = ak.graph.Grid((2, 3), pbc=(False, True)).space_group()
    return network, group, ak.models.Symmetrized(network, group, spin_flip=True)


def test_averages_over_symmetries():
    network, group, model = averaged()
    hilbert = model.hilbert
    states = hilbert.all_states()
    variables = model.init(3, states)
    log_psi = model.apply(variables, states)
    images = [sign * states[:, g] for g in group.to_array() for sign in (1, -1)]
    parts = np.stack([network.apply(variables, image) for image in images])
    size = np.mean(np.abs(np.exp(parts)) ** 2, axis=0)
    phase = np.angle(np.sum(np.exp(1j * parts.imag), axis=0))
    np.testing.assert_allclose(log_psi, np.log(size) / 2 + 1j * phase, rtol=1e-12)
    np.testing.assert_allclose(size.sum(), 1, rtol=1e-12)
    assert network.init(3, states)["params"].keys() == variables["params"].keys()
    state = ak.vqs.FullSumState(hilbert, model, variables=variables)
    np.testing.assert_allclose(state.log_value(states), log_psi, rtol=1e-12)
    np.testing.assert_allclose(model.apply(variables, states.reshape(8, 8, SITES)), log_psi.reshape(8, 8), rtol=1e-12)
    h = ak.operator.Heisenberg(hilbert, ak.graph.Grid((2, 3), pbc=(False, True)), sign_rule=False)
    energy = np.vdot(np.exp(log_psi), h.to_dense() @ np.exp(log_psi)).real
    np.testing.assert_allclose(state.expect(h).mean.real, energy, rtol=1e-12)
    assert "12 permutations" in repr(model)
    assert "Total Parameters" in model.tabulate(0, states)
    assert "Total Parameters" in model._repr_html_()
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model)):
        assert other == model
        assert repr(other) == repr(model)
        np.testing.assert_array_equal(other.apply(variables, states), log_psi)


def test_an_average_is_trained_and_drawn_from():
    _, _, model = averaged(phase=False)
    hilbert = model.hilbert
    h = ak.operator.Ising(hilbert, ak.graph.Grid((2, 3), pbc=(False, True)), h=1.0)
    state = ak.vqs.MCState(ak.sampler.ARDirectSampler(hilbert), model, n_samples=128, seed=1)
    driver = ak.driver.VMC_SR(h, ak.optimizer.Sgd(0.1), variational_state=state, diag_shift=0.01)
    driver.run(100, show_progress=False)
    exact = ak.exact.lanczos_ed(h)[0]
    full = ak.vqs.FullSumState(hilbert, model, variables=state.variables)
    assert exact - 1e-9 < full.expect(h).mean.real < exact + 2e-3 * abs(exact)
    # Draws and their probabilities.
    p = np.abs(full.to_array()) ** 2
    numbers = hilbert.states_to_numbers(state.sample(n_samples=4000).reshape(-1, SITES))
    counts = np.bincount(numbers, minlength=p.size)
    large = p * 4000 > 5
    chi2 = ((counts - 4000 * p)[large] ** 2 / (4000 * p)[large]).sum()
    assert abs(chi2 - large.sum()) < 5 * np.sqrt(2 * large.sum())


def test_averages_that_are_refused():
    network, group, model = averaged()
    other = ak.graph.Chain(4).space_group()
    for make, error, says in [
        (lambda: ak.models.Symmetrized(network, other), ValueError, "permutations of 6 sites"),
        (lambda: ak.models.Symmetrized(model, group), TypeError, "a network"),
        (lambda: ak.models.Symmetrized(None, group), TypeError, "a network"),
        (lambda: ak.models.Symmetrized(network, "space_group"), TypeError, "a group"),
        (lambda: ak.models.Symmetrized(network, group, "yes"), TypeError, "True or False"),
        (lambda: model.conditionals(np.ones((1, SITES))), ValueError, "average"),
        (lambda: model.apply(model.init(0, np.ones((1, SITES))), np.ones((1, 4))), ValueError, "4"),
    ]:
        with pytest.raises(error, match=says):
            make()
    magnetised = ak.models.ARNNDense(ak.hilbert.Spin(0.5, SITES, total_sz=1), layers=1, features=2)
    assert ak.models.Symmetrized(magnetised, group).spin_flip is False
    with pytest.raises(ValueError, match="constraint"):
        ak.models.Symmetrized(magnetised, group, spin_flip=True)


@pytest.mark.parametrize("name", [*LIBRARY, *MODELS])
def test_models_are_values(name):
    hilbert = ak.hilbert.Spin(0.5, SITES)
    model = LIBRARY[name](hilbert) if name in LIBRARY else MODELS[name](ak, hilbert)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), copy.copy(model), model.clone(name="x")):
        # Graphs are not compared by their sites and bonds here.
        assert other == model or name == "lstm_graph"
        assert repr(other) == repr(model)
    shown = model._repr_html_()
    assert shown.startswith("<table>")
    assert "Total Parameters" in shown
    assert "<svg" in shown
    assert model.flow_svg().startswith("<svg")
    # A site and the five others.
    assert model.to_svg((2, 3), 2).count("<circle") == SITES


def square(x):
    return x * x


def twice(x):
    return 2 * x


ACTIVATIONS = {
    "selu": (jax.nn.selu, None),
    "tanh": (jax.numpy.tanh, np.tanh),
    "log_cosh": (nk.nn.activation.log_cosh, ak.nn.log_cosh),
    "elu": (jax.nn.elu, None),
    "reim_relu": (nk.nn.activation.reim_relu, None),
    "square": (square, (square, twice)),
}


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_that_are_recognised_or_given(name, dtype):
    theirs, ours = ACTIVATIONS[name]
    if dtype is complex and name in ("selu", "elu"):
        # JAX has no such function of complex numbers.
        return
    fields = {"layers": 2, "features": 3, "param_dtype": dtype}
    model = ak.models.ARNNDense(ak.hilbert.Spin(0.5, 4), activation=theirs if ours is None else ours, **fields)
    ref = nk.models.ARNNDense(nk.hilbert.Spin(0.5, 4), activation=theirs, **fields)
    states = np.asarray(ref.hilbert.all_states())
    variables = ref.init(KEY, states)
    np.testing.assert_allclose(model.apply(variables, states), ref.apply(variables, states), rtol=1e-11)


def test_a_function_with_a_wrong_derivative_is_refused():
    with pytest.raises(ValueError, match="derivative"):
        ak.models.ARNNDense(ak.hilbert.Spin(0.5, 4), layers=2, features=3, activation=(square, square))
    with pytest.raises(TypeError, match="pair"):
        ak.models.ARNNDense(ak.hilbert.Spin(0.5, 4), layers=2, features=3, activation=square)


init = jax.nn.initializers
INITIALIZERS = {
    "lecun_normal": init.lecun_normal(),
    "glorot_uniform": init.glorot_uniform(),
    "normal": init.normal(0.3),
    "uniform": init.uniform(0.3),
    "orthogonal": init.orthogonal(2.0),
    "constant": init.constant(0.3),
    "variance": init.variance_scaling(0.7, "fan_avg", "normal"),
    "truncated": init.truncated_normal(0.3, lower=-1.0, upper=2.0),
    "own": lambda key, shape, dtype: jax.random.uniform(key, shape, dtype) - 0.5,
}


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initializers_of_jax(name):
    fields = {"layers": 2, "features": 3, "kernel_init": INITIALIZERS[name], "bias_init": init.normal(0.1)}
    model = ak.models.ARNNDense(ak.hilbert.Spin(0.5, 4), **fields)
    assert (model.kernel_init.function is None) == (name != "own")
    ref = nk.models.ARNNDense(nk.hilbert.Spin(0.5, 4), **fields)
    states = np.ones((2, 4))
    assert_trees_close(model.init(KEY, states), ref.init(KEY, states), rtol=1e-12, atol=1e-14)
    state = ak.vqs.FullSumState(model.hilbert, model, seed=3)
    assert_trees_close(state.variables, ref.init(jax.random.PRNGKey(3), states), rtol=1e-12, atol=1e-14)


def test_an_initializer_that_fails_says_so():
    def broken(key, shape, dtype):
        raise RuntimeError("out of luck")

    model = ak.models.ARNNDense(ak.hilbert.Spin(0.5, 4), layers=2, features=3, kernel_init=ak.nn.initializers.ones)
    with pytest.raises(RuntimeError, match="out of luck"):
        model.clone(kernel_init=broken).init(0, np.ones((1, 4)))
    with pytest.raises(ValueError, match="shape"):
        model.clone(kernel_init=lambda key, shape, dtype: np.ones(3)).init(0, np.ones((1, 4)))


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda h: ak.models.LSTMNet(h, 2, 3, reorder_idx=[0, 1, 2, 3, 4, 5]), ValueError, "prev_neighbors"),
        (lambda h: ak.models.LSTMNet(h, 2, 3, prev_neighbors=PREVIOUS), ValueError, "reorder_idx"),
        (lambda h: ak.models.LSTMNet(h, 2, 3, reorder_idx=[0, 0, 2, 3, 4, 5], graph=grid(ak)), ValueError, "once"),
        (lambda h: ak.models.LSTMNet(h, 2, 3, graph=3), TypeError, "graph"),
        (lambda h: ak.models.GRUNet1D(h, 2, 3, graph=ak.graph.Grid([2, 3], pbc=True)), ValueError, "LSTMNet"),
        (lambda h: ak.models.RNN(h, 2, 3), NotImplementedError, "LSTMNet"),
        (lambda h: ak.models.ARNNSequential(h), TypeError, "_layers"),
        (lambda h: ak.models.ARNNDense(3, 2, 3), ValueError, "hilbert"),
        (lambda h: ak.models.ARNNDense(h, 2, 3, param_dtype=int), ValueError, "param_dtype"),
        (lambda h: ak.models.TensorGRU2D(h, extent=(2, 2), features=3), ValueError, "extent"),
        (lambda h: ak.models.TensorGRU2D(h, extent=(2, 3), features=3, order=[0, 1, 2]), ValueError, "order"),
        (lambda h: ak.models.TensorGRU2D(h, extent=(2, 3), features=3, order="spiral"), TypeError, "a list of all"),
        (lambda h: ak.models.ARNNDense(h, 2, 3, order=3), TypeError, "a list of all"),
        (lambda h: ak.models.ARNNGatedConv2D(h, 2, 3, (2, 2)), ValueError, "kernel_size|extent"),
        (lambda h: ak.models.ARNNDense(h, 2, 3, precision="best"), ValueError, "precision"),
    ],
)
def test_mistakes_are_told(make, error, says):
    with pytest.raises(error, match=says):
        make(ak.hilbert.Spin(0.5, SITES))


@pytest.mark.parametrize("dtype", [float, complex])
def test_functions_of_ones_own_run_in_all_threads(dtype):
    pair = (np.tanh, lambda x: 1 - np.tanh(x) ** 2)
    energies = []
    for activation in (pair, ak.nn.activation.tanh):
        hilbert = ak.hilbert.Spin(0.5, 8)
        model = ak.models.ARNNDense(hilbert, layers=2, features=3, activation=activation, param_dtype=dtype)
        state = ak.vqs.MCState(ak.sampler.ARDirectSampler(hilbert), model, n_samples=128, seed=0)
        hamiltonian = ak.operator.Ising(hilbert, ak.graph.Chain(8), h=1.0)
        driver = ak.VMC_SR(hamiltonian, ak.optimizer.Sgd(0.05), diag_shift=0.01, variational_state=state)
        driver.run(3, show_progress=False)
        energies.append(state.expect(hamiltonian).mean)
        assert np.isfinite(model.bind(state.variables)(state.samples[0])).all()
    np.testing.assert_allclose(*energies, rtol=1e-9)
