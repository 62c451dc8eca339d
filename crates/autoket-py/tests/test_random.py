"""Keys and numbers are those of JAX; keys are taken in every form that JAX gives them."""

import jax
import netket as nk
import numpy as np
import pytest

import autoket as ak


@pytest.fixture(scope="module", autouse=True)
def as_jax_compiles_by_itself():
    """Last bits are those of XLA with its optimisations: it fuses a product and a sum."""
    name = "jax_disable_most_optimizations"
    before = jax.config.read(name)
    jax.config.update(name, False)
    yield
    jax.config.update(name, before)


SEEDS = [0, 1, 42, 2**31, 2**40 + 7, -1, -(2**63), 2**63 - 1]


@pytest.mark.parametrize("seed", SEEDS)
def test_keys_are_jaxs(seed):
    key, ours = jax.random.key(seed), ak.random.key(seed)
    assert ours.dtype == np.uint32
    np.testing.assert_array_equal(ours, jax.random.key_data(key))
    np.testing.assert_array_equal(ak.random.PRNGKey(seed), jax.random.PRNGKey(seed))
    np.testing.assert_array_equal(ak.random.split(ours), jax.random.key_data(jax.random.split(key)))
    np.testing.assert_array_equal(ak.random.split(ours, (2, 3)), jax.random.key_data(jax.random.split(key, (2, 3))))
    for data in (0, 7, 2**32 - 1):
        np.testing.assert_array_equal(ak.random.fold_in(ours, data), jax.random.key_data(jax.random.fold_in(key, data)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-2.5, 0.3), (1.0, 1.0), (3.0, -1.0)])
def test_uniform_numbers_are_jaxs_to_the_last_bit(bounds, dtype):
    for seed in SEEDS:
        theirs = jax.random.uniform(jax.random.key(seed), (40, 50), dtype, *bounds)
        ours = ak.random.uniform(ak.random.key(seed), (40, 50), dtype, *bounds)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_normal_numbers_are_jaxs_but_for_the_last_bits(dtype):
    for seed in SEEDS:
        theirs = np.asarray(jax.random.normal(jax.random.key(seed), (40, 50), dtype))
        ours = ak.random.normal(ak.random.key(seed), (40, 50), dtype)
        assert ours.dtype == theirs.dtype
        ours, theirs = ours.view(ours.real.dtype), theirs.view(theirs.real.dtype)
        # XLA's log1p of -u² loses up to 128 units in the last place between -0.414 and -0.35; ours does not.
        np.testing.assert_array_max_ulp(ours, theirs, maxulp=40)
        assert np.mean(ours == theirs) > 0.8


def test_shapes_and_defaults_are_jaxs():
    key = jax.random.key(5)
    for name in ("uniform", "normal"):
        for shape in ((), (3,), (0, 2), (2, 1, 3)):
            ours, theirs = getattr(ak.random, name)(key, shape), getattr(jax.random, name)(key, shape)
            assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)


def test_every_form_of_a_key_is_one_key():
    forms = [
        jax.random.key(3),
        jax.random.PRNGKey(3),
        np.array([0, 3], np.uint32),
        nk.jax.PRNGKey(3),
        ak.jax.PRNGKey(3),
        3,
    ]
    for form in forms:
        np.testing.assert_array_equal(ak.random.key(form), [0, 3])
    hilbert = ak.hilbert.Spin(0.5, 4)
    model = ak.models.ARNNDense(hilbert, layers=2, features=2)
    sampler = ak.sampler.ARDirectSampler(hilbert)
    states = [hilbert.random_state(form, 5) for form in forms]
    chains = [ak.vqs.MCState(sampler, model, n_samples=4, seed=form, sampler_seed=form) for form in forms]
    tables = [model.init(form, hilbert.all_states()) for form in forms]
    for state, chain, table in zip(states, chains, tables, strict=True):
        np.testing.assert_array_equal(state, states[0])
        np.testing.assert_array_equal(chain.samples, chains[0].samples)
        np.testing.assert_array_equal(
            table["params"]["_layers_0"]["kernel"], tables[0]["params"]["_layers_0"]["kernel"]
        )


def test_a_sequence_of_keys_is_netkets():
    ours, theirs = ak.jax.PRNGSeq(11), nk.jax.PRNGSeq(11)
    for _ in range(3):
        np.testing.assert_array_equal(next(ours), jax.random.key_data(next(theirs)))
        np.testing.assert_array_equal(ours.next(), jax.random.key_data(theirs.next()))
        np.testing.assert_array_equal(ours.take(4), jax.random.key_data(theirs.take(4)))


def test_no_seed_is_a_new_key():
    assert not np.array_equal(ak.jax.PRNGKey(), ak.jax.PRNGKey())


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: ak.random.key(2**63), ValueError, "64 bits"),
        (lambda: ak.random.key(None), TypeError, "seed"),
        (lambda: ak.random.key("seven"), TypeError, "key"),
        (lambda: ak.random.split(jax.random.split(jax.random.key(0))), TypeError, "two words"),
        (lambda: ak.random.split(0, -1), ValueError, "num"),
        (lambda: ak.random.fold_in(0, 2**32), ValueError, "data"),
        (lambda: ak.random.uniform(0, (2, -1)), ValueError, "shape"),
        (lambda: ak.random.uniform(0, "ab"), TypeError, "shape"),
        (lambda: ak.random.uniform(0, (2**30, 2**30)), MemoryError, "shape"),
        (lambda: ak.random.uniform(0, dtype=int), TypeError, "float32, float64"),
        (lambda: ak.random.uniform(0, minval=1j), ValueError, "minval"),
        (lambda: ak.random.permutation(0, 3), NotImplementedError, "default_rng"),
        (lambda: ak.jax.vjp, NotImplementedError, "expect_and_grad"),
        (lambda: ak.jax.nonsense, AttributeError, "nonsense"),
    ],
)
def test_mistakes_are_told(make, error, says):
    with pytest.raises(error, match=says):
        make()
