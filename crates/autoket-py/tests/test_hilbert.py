"""Spaces beside NetKet's."""

import copy
import pickle

import jax
import netket as ref
import numpy as np
import pytest

import autoket as nk

SPACES = [
    ("Spin", (0.5, 5), {}),
    ("Spin", (0.5, 5), {"inverted_ordering": True}),
    ("Spin", (1, 3), {}),
    ("Spin", (1.5, 2), {"inverted_ordering": True}),
    ("Spin", (0.5, 6), {"total_sz": 0}),
    ("Spin", (0.5, 5), {"total_sz": 0.5, "inverted_ordering": True}),
    ("Spin", (0.5, 5), {"total_sz": -1.5}),
    ("Spin", (1, 4), {"total_sz": 1}),
    ("Spin", (1.5, 3), {"total_sz": 0.5}),
    ("Qubit", (4,), {}),
    ("Fock", (3, 3), {}),
    ("Fock", (2, 4), {"n_particles": 3}),
    ("Fock", (), {"N": 3, "n_particles": 4}),
    ("SpinOrbitalFermions", (4,), {}),
    ("SpinOrbitalFermions", (5,), {"n_fermions": 2}),
    ("SpinOrbitalFermions", (3, 0.5), {}),
    ("SpinOrbitalFermions", (3, 0.5), {"n_fermions": 3}),
    ("SpinOrbitalFermions", (3, 0.5), {"n_fermions_per_spin": (1, 2)}),
    ("SpinOrbitalFermions", (2, 1), {"n_fermions_per_spin": (1, 2, 0)}),
]


def pair(name, args, kwargs):
    return getattr(nk.hilbert, name)(*args, **kwargs), getattr(ref.hilbert, name)(*args, **kwargs)


@pytest.mark.parametrize(("name", "args", "kwargs"), SPACES)
def test_spaces_are_netkets(name, args, kwargs):
    own, other = pair(name, args, kwargs)
    names = ("size", "shape", "n_states", "local_size", "local_states", "is_finite", "is_indexable", "constrained")
    for attribute in names:
        assert getattr(own, attribute) == getattr(other, attribute), attribute
    assert repr(own) == repr(other)
    states = own.all_states()
    np.testing.assert_array_equal(states, other.all_states())
    assert states.dtype == other.all_states().dtype
    numbers = own.states_to_numbers(states)
    np.testing.assert_array_equal(numbers, np.arange(own.n_states))
    assert numbers.dtype == other.states_to_numbers(other.all_states()).dtype
    np.testing.assert_array_equal(own.numbers_to_states(numbers), states)
    np.testing.assert_array_equal(own.numbers_to_states(1), other.numbers_to_states(1))
    assert own.states_to_numbers(states[1]) == 1
    assert own.states_to_numbers(states[1]).shape == ()
    assert own.states_to_numbers(states[:2].reshape(2, 1, -1)).shape == (2, 1)
    indices = own.states_to_local_indices(states)
    np.testing.assert_array_equal(indices, other.states_to_local_indices(other.all_states()))
    assert indices.dtype == other.states_to_local_indices(other.all_states()).dtype
    back = own.local_indices_to_states(indices)
    np.testing.assert_array_equal(back, other.local_indices_to_states(np.asarray(indices)))
    np.testing.assert_array_equal(back, states)
    assert own.local_indices_to_states(indices, dtype=np.float32).dtype == np.float32
    np.testing.assert_array_equal(np.stack(list(own.states())), states)
    assert own.size_at_index(0) == other.size_at_index(0)
    assert own.states_at_index(0) == other.states_at_index(0)


@pytest.mark.parametrize(("name", "args", "kwargs"), SPACES)
def test_random_states_are_states(name, args, kwargs):
    own, other = pair(name, args, kwargs)
    key = jax.random.PRNGKey(7)
    for size, shape in ((None, ()), (3, (3,)), ((2, 4), (2, 4))):
        states = own.random_state(key, size)
        assert states.shape == (*shape, own.size)
        assert states.dtype == other.random_state(key, 2).dtype
        own.states_to_numbers(states)
    if not own.constrained:
        np.testing.assert_array_equal(own.random_state(key, 20), other.random_state(key, 20))
    np.testing.assert_array_equal(own.random_state(key, 5), own.random_state(7, 5))
    np.testing.assert_array_equal(own.random_state(jax.random.key(7), 5), own.random_state(7, 5))
    assert own.random_state(key, 5, dtype=np.float64).dtype == np.float64
    assert own.random_state().shape == (own.size,)
    counts = np.bincount(own.states_to_numbers(own.random_state(1, 200 * own.n_states)), minlength=own.n_states)
    # Six standard deviations of a Poisson distribution.
    assert np.all(np.abs(counts - 200) < 6 * 200**0.5)


def test_products_are_netkets():
    for name, args in (("Spin", (0.5, 3)), ("Spin", (1, 2)), ("Qubit", (2,)), ("Fock", (3, 2))):
        own, other = pair(name, args, {})
        assert repr(own * own) == repr(other * other)
        assert repr(own**3) == repr(other**3)
        assert repr(own.ptrace(0)) == repr(other.ptrace(0))
        assert own**1 == own
    old = nk.hilbert.Spin(0.5, 2, inverted_ordering=True)
    assert (old * old).local_states == [-1, 1]
    assert nk.hilbert.Qubit(1).ptrace([0]) is None
    spin, fock = nk.hilbert.Spin(0.5, 2), nk.hilbert.Fock(2, 2)
    for product in (lambda: spin * fock, lambda: spin * old, lambda: nk.hilbert.Spin(0.5, 2, total_sz=0) * spin):
        with pytest.raises(NotImplementedError, match="the same local states; multiply spaces of one kind"):
            product()
    with pytest.raises(NotImplementedError, match="SumOnPartitionConstraint"):
        nk.hilbert.Spin(0.5, 2, total_sz=0) ** 2
    with pytest.raises(TypeError):
        spin * 3
    with pytest.raises(TypeError, match="partial trace"):
        nk.hilbert.Spin(0.5, 2, total_sz=0).ptrace(0)


def test_equality_is_netkets():
    spaces = [getattr(nk.hilbert, name)(*args, **kwargs) for name, args, kwargs in SPACES]
    others = [getattr(ref.hilbert, name)(*args, **kwargs) for name, args, kwargs in SPACES]
    for i, a in enumerate(spaces):
        for j, b in enumerate(spaces):
            assert (a == b) == (others[i] == others[j]), (a, b)
            assert (a == b) == (i == j)
    for space in spaces:
        for twin in (copy.deepcopy(space), pickle.loads(pickle.dumps(space))):
            assert twin == space
            assert hash(twin) == hash(space)
            assert repr(twin) == repr(space)
            assert twin._native == space._native
    assert nk.hilbert.Qubit(2) != "Qubit(N=2)"


class Blockade(nk.hilbert.constraint.DiscreteHilbertConstraint):
    def __call__(self, x):
        return ~np.any((x[..., 1:] == 1) & (x[..., :-1] == 1), axis=-1)

    def __eq__(self, other):
        return isinstance(other, Blockade)

    def __hash__(self):
        return hash("Blockade")


class BlockadeBySteps(Blockade):
    start = (0,)

    def step(self, memory, site, state):
        return None if memory[0] == 1 and state == 1 else (state,)


class BlockadeOfNetket(ref.hilbert.constraint.DiscreteHilbertConstraint):
    def __call__(self, x):
        import jax.numpy as jnp

        return ~jnp.any((x[..., 1:] == 1) & (x[..., :-1] == 1), axis=-1)

    def __eq__(self, other):
        return isinstance(other, BlockadeOfNetket)

    def __hash__(self):
        return hash("BlockadeOfNetket")


def test_rules_of_ones_own():
    for build in (
        lambda h, rule: h.Spin(0.5, 7, constraint=rule),
        lambda h, rule: h.Fock(2, 5, constraint=rule),
        lambda h, rule: h.SpinOrbitalFermions(4, n_fermions=2, constraint=rule),
    ):
        other = build(ref.hilbert, BlockadeOfNetket())
        for rule in (Blockade(), BlockadeBySteps()):
            own = build(nk.hilbert, rule)
            np.testing.assert_array_equal(own.all_states(), other.all_states())
            assert own.n_states == other.n_states
            own.states_to_numbers(own.random_state(3, 50))
            assert build(nk.hilbert, type(rule)()) == own
            twin = pickle.loads(pickle.dumps(own))
            assert twin == own
            # The library's spaces too: operators on both can be added up.
            assert twin._native == own._native
    large = nk.hilbert.Fock(1, 60, constraint=BlockadeBySteps())
    assert large.n_states == 4052739537881
    with pytest.raises(MemoryError, match="`start` and `step`"):
        nk.hilbert.Fock(1, 61, constraint=Blockade())


def test_rules_are_netkets():
    own, other = nk.hilbert.constraint, ref.hilbert.constraint
    for build in (
        lambda c: c.SumConstraint(3),
        lambda c: c.SumOnPartitionConstraint((1, 2), (2, 3)),
        lambda c: c.ExtraConstraint(c.SumConstraint(3), c.SumOnPartitionConstraint((1, 2), (2, 3))),
    ):
        spaces = nk.hilbert.Fock(2, 5, constraint=build(own)), ref.hilbert.Fock(2, 5, constraint=build(other))
        np.testing.assert_array_equal(spaces[0].all_states(), spaces[1].all_states())
        assert repr(spaces[0]) == repr(spaces[1])
        assert build(own) == build(own)
        states = nk.hilbert.Fock(2, 5).all_states()
        np.testing.assert_array_equal(build(own)(states), build(other)(states))
    assert nk.hilbert.Spin(0.5, 4, constraint=own.SumConstraint(2)) == nk.hilbert.Spin(0.5, 4, total_sz=1)
    even = nk.hilbert.Fock(1, 4, constraint=own.ParityConstraint(True))
    assert np.all(even.all_states().sum(axis=-1) % 2 == 0)
    assert even.n_states == 8


def test_wide_local_states():
    own, other = pair("Fock", (200, 2), {})
    np.testing.assert_array_equal(own.all_states(), other.all_states())
    np.testing.assert_array_equal(own.states_to_local_indices(own.all_states()), own.all_states())


class Failing(nk.hilbert.constraint.DiscreteHilbertConstraint):
    def __call__(self, x):
        raise ZeroDivisionError("as the user wrote it")


class FailingSteps(Failing):
    start = (0,)

    def step(self, memory, site, state):
        raise ZeroDivisionError("as the user wrote it")


class WrongShape(Failing):
    def __call__(self, x):
        return True


class Unhashable(Failing):
    __hash__ = None


class Nothing(Failing):
    def __call__(self, x):
        return np.zeros(x.shape[:-1], dtype=bool)


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (lambda h: h.Spin(0.3, 4), ValueError, "`s`: expected a positive integer or half-integer"),
        (lambda h: h.Spin("1/2", 4), TypeError, "`s`: expected a real number"),
        (lambda h: h.Spin(0.5, 4.0), TypeError, "`N`: expected a whole number, got 4.0"),
        (lambda h: h.Spin(0.5, 0), ValueError, "`N`: expected at least 1, got 0"),
        (lambda h: h.Spin(0.5, True), TypeError, "whole number"),
        (
            lambda h: h.Spin(0.5, 4, total_sz=0.5),
            ValueError,
            "`total_sz`: expected an integer from -2.0 to 2.0, got 0.5",
        ),
        (lambda h: h.Spin(0.5, 4, total_sz=0.3), ValueError, "an integer from"),
        (lambda h: h.Spin(0.5, 4, total_sz=7), ValueError, "`total_sz`: expected an integer from -2.0 to 2.0, got 7"),
        (lambda h: h.Spin(0.5, 4, total=7), TypeError, "total"),
        (lambda h: h.Spin(0.5, 4, total_sz=0, constraint=Nothing()), ValueError, "one constraint"),
        (lambda h: h.Spin(0.5, 4, constraint=len), TypeError, "DiscreteHilbertConstraint"),
        (lambda h: h.Spin(0.5, 4, constraint=Failing()), ZeroDivisionError, "as the user wrote it"),
        (lambda h: h.Spin(0.5, 4, constraint=FailingSteps()), ZeroDivisionError, "as the user wrote it"),
        (lambda h: h.Spin(0.5, 4, constraint=WrongShape()), TypeError, r"truth values of shape \(16,\)"),
        (lambda h: h.Spin(0.5, 4, constraint=Unhashable()), TypeError, "__hash__"),
        (lambda h: h.Spin(0.5, 4, constraint=Nothing()), ValueError, "which none does"),
        (lambda h: h.Fock(), ValueError, "`n_max`: expected the most bosons on a site"),
        (lambda h: h.Fock(300, 2), ValueError, "at most 255"),
        (lambda h: h.Fock(2, 2, n_particles=5), ValueError, "`n_particles`: expected at most 4, got 5"),
        (lambda h: h.Fock(2, 2, n_particles=2.0), TypeError, "`n_particles`"),
        (lambda h: h.Fock(2, 2, n_particles=-1), ValueError, "at least 0"),
        (lambda h: h.SpinOrbitalFermions(3, n_fermions=4), ValueError, "at most 3"),
        (lambda h: h.SpinOrbitalFermions(3, n_fermions_per_spin=(1,)), ValueError, "with a spin"),
        (lambda h: h.SpinOrbitalFermions(3, 0.5, n_fermions_per_spin=(1,)), ValueError, "2 numbers up to 3"),
        (lambda h: h.SpinOrbitalFermions(3, 0.5, n_fermions_per_spin=(1, 4)), ValueError, "2 numbers up to 3"),
        (lambda h: h.SpinOrbitalFermions(3, 0.5, n_fermions=1, n_fermions_per_spin=(1, 0)), ValueError, "one way"),
        (lambda h: h.Spin(0.5, 100).n_states, RuntimeError, "too many states"),
        (lambda h: h.Spin(0.5, 30).all_states(), MemoryError, "the limit is"),
        (lambda h: h.Spin(0.5, 4).states_to_numbers([1, 1, 1]), ValueError, r"an array of shape \(..., 4\)"),
        (lambda h: h.Spin(0.5, 4).states_to_numbers([1, 1, 1, 2]), ValueError, "one of the local states"),
        (lambda h: h.Spin(0.5, 4).states_to_numbers([1, 1, 1, np.nan]), ValueError, "one of the local states"),
        (lambda h: h.Spin(0.5, 4).states_to_numbers("abcd"), TypeError, "an array of local states"),
        (lambda h: h.Spin(0.5, 4).states_to_numbers([1j] * 4), TypeError, "an array of local states"),
        (lambda h: h.Spin(0.5, 4, total_sz=0).states_to_numbers([1, 1, 1, 1]), ValueError, "leaves this state out"),
        (lambda h: h.Spin(0.5, 4).numbers_to_states(16), ValueError, "numbers from 0 to 15"),
        (lambda h: h.Spin(0.5, 4).numbers_to_states([-1]), ValueError, "numbers from 0 to 15"),
        (lambda h: h.Spin(0.5, 4).numbers_to_states(0.5), TypeError, "whole numbers"),
        (lambda h: h.Spin(0.5, 4).local_indices_to_states([0, 2]), ValueError, "local indices from 0 to 1"),
        (lambda h: h.Spin(0.5, 4).local_indices_to_states([-1]), ValueError, "local indices from 0 to 1"),
        (lambda h: h.Spin(0.5, 4).local_indices_to_states([0.5]), TypeError, "whole numbers"),
        (lambda h: h.Spin(0.5, 4).states_to_local_indices([0]), ValueError, "one of the local states"),
        (lambda h: h.Spin(0.5, 4).random_state("a"), TypeError, "a key of two words or a seed"),
        (lambda h: h.Spin(0.5, 4).random_state(1, -1), ValueError, "`size`: expected at least 0"),
        (lambda h: h.Spin(0.5, 4).random_state(1, 2.5), TypeError, "`size`: expected a whole number"),
        (lambda h: h.Spin(0.5, 4) ** 0, ValueError, "at least 1"),
        (lambda h: h.Spin(0.5, 4) ** 0.5, TypeError, "whole number"),
        (lambda h: h.DoubledHilbert, NotImplementedError, "density matrices"),
        (lambda h: h.Spins, AttributeError, "no attribute 'Spins'"),
        (lambda h: h.constraint.SumConstraint(None), TypeError, "a number"),
        (lambda h: h.constraint.SumOnPartitionConstraint([1], [2]), TypeError, "tuples"),
        (lambda h: h.constraint.SumOnPartitionConstraint((1,), (2, 3)), ValueError, "1 numbers"),
        (
            lambda h: h.Fock(2, 3, constraint=h.constraint.SumOnPartitionConstraint((1, 1), (2, 3))),
            ValueError,
            "sites from 0 to 2",
        ),
    ],
)
def test_nonsense_is_refused(wrong, error, text):
    with pytest.raises(error, match=text):
        wrong(nk.hilbert)
