"""The same state and driver in NetKet and in autoket: compiled once, for all tests that only look at what is around."""

from functools import cache

import netket as nk

import autoket as ak


def parts(lib, seed=1, n_samples=32):
    """A Hamiltonian and a state on it, in the words that both libraries know."""
    hilbert, graph, model = spaces(lib)
    hamiltonian = lib.operator.Ising(hilbert, graph, h=1.3, J=-1.0)
    state = lib.vqs.MCState(lib.sampler.ARDirectSampler(hilbert), model, n_samples=n_samples, seed=seed)
    return hamiltonian, state


@cache
def spaces(lib):
    """Equal objects: what JAX compiles for one state serves the next."""
    hilbert = lib.hilbert.Spin(0.5, 4)
    model = lib.models.ARNNDense(hilbert=hilbert, layers=2, features=3)
    return hilbert, lib.graph.Chain(4), model


def driver(lib, optimizer=None, seed=1):
    """A driver of that state."""
    hamiltonian, state = parts(lib, seed)
    return lib.driver.VMC(hamiltonian, optimizer or lib.optimizer.Sgd(0.02), variational_state=state)


BOTH = (ak, nk)


def leaves(tree, path=()):
    """Arrays by their paths."""
    if hasattr(tree, "items"):
        return {k: v for name, branch in tree.items() for k, v in leaves(branch, (*path, name)).items()}
    return {path: tree}
