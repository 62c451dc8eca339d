"""States as bytes: Flax's, of which NetKet makes states, and the other way."""

import copy
import pickle

import flax
import jax
import netket as nk
import numpy as np
import pytest
from beside import BOTH, leaves, parts

import autoket as ak


@pytest.mark.parametrize("drawn", [False, True])
def test_bytes_of_a_state_are_netkets(drawn):
    (_, ours), (_, theirs) = parts(ak), parts(nk)
    ours.parameters = theirs.parameters
    if drawn:
        np.testing.assert_array_equal(ours.samples, theirs.samples)
    expected = flax.serialization.to_bytes(theirs)
    assert ak.serialization.to_bytes(ours) == expected
    # A script of NetKet's asks Flax.
    assert flax.serialization.to_bytes(ours) == expected


@pytest.mark.parametrize("drawn", [False, True])
def test_a_state_goes_on_in_the_other_library(drawn):
    for mine, other in (BOTH, BOTH[::-1]):
        (_, state), (_, target) = parts(mine, seed=3, n_samples=20), parts(other, seed=8)
        if drawn:
            state.samples  # noqa: B018
        read = flax.serialization.from_bytes(target, flax.serialization.to_bytes(state))
        assert type(read) is type(target) and read.n_samples == 20
        for _ in range(2):
            np.testing.assert_array_equal(read.samples, state.samples)
            read.sample()
            state.sample()
        for path, array in leaves(state.variables).items():
            np.testing.assert_array_equal(leaves(read.variables)[path], array)
        # The target is as it was.
        assert target.n_samples == 32


def test_a_sum_over_all_states_goes_on_too():
    hilbert = ak.hilbert.Spin(0.5, 4)
    ours = ak.vqs.FullSumState(hilbert, ak.models.ARNNDense(hilbert, layers=2, features=3), seed=1)
    other = nk.hilbert.Spin(0.5, 4)
    theirs = nk.vqs.FullSumState(other, nk.models.ARNNDense(hilbert=other, layers=2, features=3), seed=2)
    read = flax.serialization.from_bytes(ours, flax.serialization.to_bytes(theirs))
    np.testing.assert_allclose(read.to_array(), theirs.to_array(), rtol=1e-12)
    read = flax.serialization.from_bytes(theirs, ak.serialization.to_bytes(ours))
    np.testing.assert_allclose(read.to_array(), ours.to_array(), rtol=1e-12)


def test_a_file_of_a_whole_state_is_read(tmp_path):
    (_, ours), (_, theirs) = parts(ak, seed=3), parts(nk, seed=8)
    (tmp_path / "state.mpack").write_bytes(flax.serialization.to_bytes(theirs))
    ours.load(tmp_path / "state.mpack")
    for path, array in leaves(theirs.variables).items():
        np.testing.assert_array_equal(leaves(ours.variables)[path], array)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
@pytest.mark.parametrize("n_drawn", [0, 1, 3])
def test_copies_have_the_samples_of_the_state(again, n_drawn):
    _, state = parts(ak)
    for _ in range(n_drawn):
        state.sample()
    twin = again(state)
    np.testing.assert_array_equal(twin.samples, state.samples)
    np.testing.assert_array_equal(twin.sample(), state.sample())


TREES = [
    {"a": np.arange(6, dtype=np.int8).reshape(2, 3), "b": {"c": np.float32(1.5), "d": 2, "e": None}},
    {"z": 1 - 2j, "w": np.complex128(3j), "u": np.zeros((0, 3)), "t": np.array(1.0), "s": "text", "f": True, "x": 0.5},
    {"j": jax.numpy.arange(3.0)},
]


@pytest.mark.parametrize("tree", TREES)
def test_trees_are_flaxs(tree):
    content = ak.serialization.to_bytes(tree)
    assert content == flax.serialization.to_bytes(tree)
    ours, theirs = (
        leaves(ak.serialization.msgpack_restore(content)),
        leaves(flax.serialization.msgpack_restore(content)),
    )
    assert list(ours) == list(theirs)
    for path, value in ours.items():
        assert type(value) is type(theirs[path]), path
        np.testing.assert_array_equal(value, theirs[path])


def test_arrays_in_pieces_are_flaxs(monkeypatch):
    for module, name in ((ak.serialization, "_LARGEST"), (flax.serialization, "MAX_CHUNK_SIZE")):
        monkeypatch.setattr(module, name, 40)
    tree = {"a": np.arange(12.0).reshape(3, 4), "b": np.arange(3.0)}
    content = ak.serialization.to_bytes(tree)
    assert content == flax.serialization.to_bytes(tree)
    np.testing.assert_array_equal(ak.serialization.msgpack_restore(content)["a"], tree["a"])


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda s: ak.serialization.to_bytes({"a": object()}), TypeError, "target"),
        (lambda s: ak.serialization.from_bytes(s, b"\xc1nonsense"), ValueError, "wrote"),
        (lambda s: ak.serialization.from_bytes(s, "text"), TypeError, "bytes"),
        (lambda s: ak.serialization.from_bytes(s, ak.serialization.to_bytes({})), ValueError, "variables"),
        (lambda s: ak.serialization.from_bytes(s, ak.serialization.to_bytes(3)), ValueError, "variables"),
        (lambda s: ak.serialization.from_bytes({"a": 1}, ak.serialization.to_bytes({"b": 1})), ValueError, "'a'"),
    ],
)
def test_mistakes_are_told(make, error, says):
    with pytest.raises(error, match=says):
        make(parts(ak)[1])
