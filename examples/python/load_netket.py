"""A state trained by NetKet goes on here, and back: parameters and samples by the same bytes.

The first cells need NetKet; `state.mpack` may as well come from another machine.
"""

# %% There: a state of NetKet's, trained a little and saved as its users do
from pathlib import Path

import flax
import netket

import autoket as nk

STEPS = 100


def parts(lib):
    """A Hamiltonian and a state, in the words that both libraries know."""
    hilbert = lib.hilbert.Spin(s=1 / 2, N=6)
    hamiltonian = lib.operator.Ising(hilbert, lib.graph.Chain(6), h=1.0)
    model = lib.models.ARNNDense(hilbert=hilbert, layers=2, features=6)
    return hamiltonian, lib.vqs.MCState(lib.sampler.ARDirectSampler(hilbert), model, n_samples=64, seed=2)


hamiltonian, theirs = parts(netket)
driver = netket.driver.VMC(hamiltonian, netket.optimizer.Sgd(0.02), variational_state=theirs)
driver.run(5, show_progress=False)
Path("state.mpack").write_bytes(flax.serialization.to_bytes(theirs))

# %% Here: the same samples, the same energy
hamiltonian, state = parts(nk)
state = nk.serialization.from_bytes(state, Path("state.mpack").read_bytes())
assert (state.samples == theirs.samples).all()
print(f"NetKet's {theirs.expect(parts(netket)[0])}, autoket's {state.expect(hamiltonian)}")

# %% More of them, and on to the ground state
state.n_samples = 1024
driver = nk.driver.VMC_SR(hamiltonian, nk.optimizer.Sgd(0.05), diag_shift=0.01, variational_state=state)
driver.run(STEPS)
energy, exact = state.expect(hamiltonian), nk.exact.lanczos_ed(hamiltonian)[0]
print(f"energy {energy}, exact {exact:.6f}")

# %% And back
state.save("trained.mpack")
theirs.variables = flax.serialization.from_bytes(theirs.variables, Path("trained.mpack").read_bytes())
print(f"NetKet's {theirs.expect(parts(netket)[0])}")
