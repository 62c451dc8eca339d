"""Nonsense at every entry of graphs, spaces and operators: an exception of Python's, or an answer."""

from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import autoket as nk

HILBERT = nk.hilbert.Spin(0.5, 3, total_sz=0.5)
FERMIONS = nk.hilbert.SpinOrbitalFermions(2, s=0.5)
CHAIN = nk.graph.Chain(3)
ISING = nk.operator.Ising(nk.hilbert.Spin(0.5, 3), CHAIN, h=1.0)
PAULI = nk.operator.PauliStrings(nk.hilbert.Spin(0.5, 3), "XYZ")
HOP = nk.operator.fermion.create(FERMIONS, 0, 1)

SPINS = nk.hilbert.Spin(0.5, 3)

# Numbers small enough that what is asked for is, too.
numbers = st.one_of(
    st.integers(-3, 6),
    st.floats(-3, 6),
    st.sampled_from([float("nan"), float("inf"), 1j, True, None, 2**70, -(2**70)]),
)
values = st.one_of(
    numbers,
    st.text(max_size=4),
    st.binary(max_size=4),
    st.lists(numbers, max_size=4),
    st.lists(st.lists(numbers, max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=2), numbers, max_size=2),
    arrays.arrays(st.sampled_from([float, complex, int, bool, "U2"]), arrays.array_shapes(max_dims=3, max_side=4)),
    st.sampled_from([HILBERT, FERMIONS, CHAIN, ISING, PAULI, HOP, object(), len, float]),
)

# The first arguments right, and the next ones not.
HALF_RIGHT = [
    partial(nk.graph.Graph, [(0, 1), (1, 2)]),
    partial(nk.graph.Grid, [3, 2]),
    partial(nk.graph.Lattice, [[1.0, 0.0], [0.5, 1.0]], [3, 3]),
    partial(nk.graph.Sector, CHAIN.space_group()),
    partial(nk.hilbert.Spin, 0.5, 3),
    partial(nk.hilbert.Fock, 2, 3),
    partial(nk.hilbert.SpinOrbitalFermions, 2, 0.5),
    partial(nk.operator.Ising, SPINS),
    partial(nk.operator.Ising, SPINS, CHAIN),
    partial(nk.operator.Heisenberg, SPINS, CHAIN),
    partial(nk.operator.BoseHubbard, nk.hilbert.Fock(2, 3), CHAIN),
    partial(nk.operator.GraphOperator, SPINS, CHAIN),
    partial(nk.operator.LocalOperator, SPINS),
    partial(nk.operator.LocalOperator, SPINS, [[[0, 1], [1, 0]]]),
    partial(nk.operator.PauliStrings, SPINS),
    partial(nk.operator.PauliStrings, SPINS, ["XYZ", "IIZ"]),
    partial(nk.operator.PauliStrings.parse, SPINS),
    partial(nk.operator.FermionOperator2nd, FERMIONS),
    partial(nk.operator.FermionOperator2nd, FERMIONS, ["0^ 1", "2"]),
    partial(nk.operator.FermionOperator2nd.parse, FERMIONS),
    partial(nk.operator.FermiHubbardJax, FERMIONS, nk.graph.Chain(2, pbc=False)),
    partial(nk.operator.t_v, nk.hilbert.SpinOrbitalFermions(3), CHAIN),
    partial(nk.operator.xyz, SPINS, CHAIN),
    partial(nk.operator.total_spin, SPINS),
    partial(nk.operator.spin.sigmay, SPINS),
    partial(nk.operator.boson.proj, SPINS, 0),
    partial(nk.operator.fermion.create, FERMIONS),
    partial(nk.exact.full_ed, ISING),
    partial(nk.exact.lanczos_ed, ISING),
]

ENTRIES = {
    **{f"{k}.{entry.func.__name__}": entry for k, entry in enumerate(HALF_RIGHT)},
    **{f"graph.{name}": getattr(nk.graph, name) for name in nk.graph.__all__ if not name.startswith("Abstract")},
    **{f"hilbert.{name}": getattr(nk.hilbert, name) for name in ("Spin", "Qubit", "Fock", "SpinOrbitalFermions")},
    **{f"constraint.{name}": getattr(nk.hilbert.constraint, name) for name in nk.hilbert.constraint.__all__[1:]},
    **{
        f"operator.{name}": getattr(nk.operator, name)
        for name in nk.operator.__all__
        if callable(getattr(nk.operator, name)) and not name.startswith(("Abstract", "Discrete", "read"))
    },
    **{
        f"{module.__name__}.{name}": getattr(module, name)
        for module in (nk.operator.spin, nk.operator.boson, nk.operator.fermion)
        for name in module.__all__
    },
    **{f"exact.{name}": getattr(nk.exact, name) for name in nk.exact.__all__},
    **{
        f"{type(thing).__name__}.{name}": getattr(thing, name)
        for thing in (HILBERT, CHAIN, CHAIN.space_group(), ISING, PAULI, HOP)
        for name in dir(type(thing))
        if callable(getattr(type(thing), name))
        and (not name.startswith("_") or name in ("__mul__", "__pow__", "__add__"))
    },
}


NAMES = """pbc N s h J U t dtype key k sector scipy_args constraint total_sz n_fermions_per_spin site_offsets
custom_edges max_neighbor_order acting_on constant weights cutoff sign_rule bond_ops site_ops sz""".split()


@pytest.mark.parametrize("entry", ENTRIES)
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(args=st.lists(values, max_size=4), keywords=st.dictionaries(st.sampled_from(NAMES), values, max_size=2))
def test_no_panic_crosses_the_border(entry, args, keywords):
    try:
        ENTRIES[entry](*args, **keywords)
    except (TypeError, ValueError, IndexError, NotImplementedError, ImportError, RuntimeError, MemoryError, OSError):
        pass
    except OverflowError as error:
        # Of Python's own numbers, before anything is built.
        assert "too large" in str(error) or "convert" in str(error) or "negative" in str(error)
