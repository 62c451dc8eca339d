"""Every public object is pickled, copied and copied in depth; what comes is equal, and works."""

import copy
import pickle

import numpy as np
import pytest

import autoket as nk

HILBERT = nk.hilbert.Spin(0.5, 4, total_sz=0)
SPINS = nk.hilbert.Spin(0.5, 4)
FERMIONS = nk.hilbert.SpinOrbitalFermions(2, s=0.5, n_fermions_per_spin=(1, 1))
CHAIN = nk.graph.Chain(4)
ISING = nk.operator.Ising(SPINS, CHAIN, h=1.0)
MODEL = nk.models.ARNNDense(SPINS, layers=2, features=2)

GRAPHS = [
    CHAIN,
    nk.graph.Square(3),
    nk.graph.Kagome([2, 2], pbc=False),
    nk.graph.Graph([(0, 1), (1, 2)]),
    nk.graph.Lattice([[1.0, 0.0], [0.5, 1.0]], [3, 3]),
]
SPACES = [
    HILBERT,
    SPINS,
    FERMIONS,
    nk.hilbert.Qubit(3),
    nk.hilbert.Fock(2, 3, n_particles=2),
    nk.hilbert.Spin(1, 2, inverted_ordering=False),
]
OPERATORS = [
    ISING,
    nk.operator.Heisenberg(HILBERT, CHAIN),
    nk.operator.PauliStrings(SPINS, ["XXII", "IZZI"], [1.0, 0.5j]),
    nk.operator.LocalOperator(SPINS, [np.array([[0, 1], [1, 0]])], [[2]]),
    nk.operator.spin.sigmap(SPINS, 1),
    nk.operator.fermion.create(FERMIONS, 0, 1) @ nk.operator.fermion.destroy(FERMIONS, 1, 1),
    nk.operator.BoseHubbard(nk.hilbert.Fock(2, 4), CHAIN, U=1.0),
]
# Those that are equal to what they were made from.
FIELDS = [
    MODEL,
    nk.models.FastARNNConv1D(SPINS, layers=2, features=3, kernel_size=2, param_dtype=complex),
    nk.sampler.ARDirectSampler(SPINS),
    nk.sampler.ExactSampler(SPINS),
    nk.optimizer.Sgd(0.1),
    nk.optimizer.Adam(),
    nk.optimizer.SR(diag_shift=0.1, momentum=0.5),
    nk.callbacks.EarlyStopping(patience=3),
    nk.callbacks.Timeout(2.0),
    nk.callbacks.ConvergenceStopping(-1.0),
    nk.callbacks.InvalidLossStopping(),
    nk.nn.activation.selu,
    nk.nn.activation.elu(0.5),
    nk.stats.Stats(-1.0, 0.1, 2.0, 0.0, 1.0),
]
AGAIN = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda it: pickle.loads(pickle.dumps(it))}


def shown(thing):
    return f"{type(thing).__name__}: {str(thing)[:40]}"


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
@pytest.mark.parametrize("thing", GRAPHS, ids=shown)
def test_graphs(thing, again):
    twin = again(thing)
    assert type(twin) is type(thing) and repr(twin) == repr(thing)
    assert twin.edges(return_color=True) == thing.edges(return_color=True)
    assert twin.to_svg() == thing.to_svg()


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
@pytest.mark.parametrize("thing", SPACES, ids=shown)
def test_spaces(thing, again):
    twin = again(thing)
    assert twin == thing and hash(twin) == hash(thing)
    np.testing.assert_array_equal(twin.all_states(), thing.all_states())


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
@pytest.mark.parametrize("thing", OPERATORS, ids=shown)
def test_operators(thing, again):
    twin = again(thing)
    assert type(twin) is type(thing) and twin.hilbert == thing.hilbert and twin.dtype == thing.dtype
    np.testing.assert_array_equal(twin.to_dense(), thing.to_dense())


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
@pytest.mark.parametrize("thing", FIELDS, ids=shown)
def test_objects_of_fields(thing, again):
    twin = again(thing)
    assert type(twin) is type(thing) and twin == thing and repr(twin) == repr(thing)


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
def test_groups_and_sectors(again):
    group = CHAIN.space_group()
    np.testing.assert_array_equal(again(group).to_array(), group.to_array())
    sector = CHAIN.sectors([0])[0]
    energies = nk.exact.full_ed(ISING, sector=sector)
    np.testing.assert_allclose(nk.exact.full_ed(ISING, sector=again(sector)), energies, atol=1e-12)


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
def test_states_and_tensors(again):
    state = nk.vqs.FullSumState(SPINS, MODEL, seed=0)
    np.testing.assert_array_equal(again(state).to_array(), state.to_array())
    tensor = state.quantum_geometric_tensor() + 0.1
    np.testing.assert_array_equal(again(tensor).to_dense(), tensor.to_dense())
    exact = nk.vqs.MCState(nk.sampler.ExactSampler(SPINS), MODEL, n_samples=20, seed=3)
    exact.sample()
    np.testing.assert_array_equal(again(exact).samples, exact.samples)
    np.testing.assert_array_equal(again(exact).sample(), exact.sample())


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
def test_logs(tmp_path, again):
    logs = [
        nk.logging.RuntimeLog(),
        nk.logging.JsonLog(tmp_path / "json"),
        nk.logging.StateLog(tmp_path / "states"),
        nk.logging.HDF5Log(tmp_path / "hdf5"),
        nk.logging.TensorBoardLog(str(tmp_path / "board")),
    ]
    state = nk.vqs.FullSumState(SPINS, MODEL, seed=0)
    run = nk.VMC(ISING, nk.optimizer.Sgd(0.1), variational_state=state)
    run.run(2, logs, show_progress=False)
    twins = [again(log) for log in logs]
    np.testing.assert_array_equal(twins[0]["Energy"].Mean, logs[0]["Energy"].Mean)
    run.run(1, twins, show_progress=False)
    assert list(twins[1]["Energy"].iters) == [0, 1, 2]
    assert {path.name for path in (tmp_path / "states").iterdir()} == {"0.mpack", "1.mpack", "2.mpack"}


@pytest.mark.parametrize("again", AGAIN.values(), ids=AGAIN)
def test_a_driver_says_what_to_copy(again):
    state = nk.vqs.FullSumState(SPINS, MODEL, seed=0)
    with pytest.raises(TypeError, match="copy its state"):
        again(nk.VMC(ISING, nk.optimizer.Momentum(0.05), variational_state=state))
