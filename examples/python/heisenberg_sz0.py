"""The Heisenberg chain without magnetisation: the network draws states of total Sz = 0 and no others."""

# %% The space has the constraint, and all else follows
import autoket as nk

L = 10
STEPS = 200

graph = nk.graph.Chain(L)
hilbert = nk.hilbert.Spin(s=1 / 2, N=L, total_sz=0)
print(f"{hilbert.n_states} of {2**L} states")

# By Marshall's sign rule the ground state is positive.
hamiltonian = nk.operator.Heisenberg(hilbert, graph, sign_rule=True)

# %% Every sample obeys
model = nk.models.ARNNDense(hilbert=hilbert, layers=2, features=8)
state = nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), model, n_samples=512, seed=0)
assert not state.samples.sum(axis=-1).any()

# %%
driver = nk.driver.VMC_SR(hamiltonian, nk.optimizer.Sgd(0.03), diag_shift=0.001, variational_state=state)
driver.run(STEPS, callback=nk.callbacks.InvalidLossStopping())

# %% The lowest energy of each momentum, and which of them the network found
lowest = [min(nk.exact.full_ed(hamiltonian, sector=graph.sectors([k])[0])) for k in range(3)]
energy, exact = state.expect(hamiltonian), nk.exact.lanczos_ed(hamiltonian)[0]
print(f"energy {energy}, exact {exact:.6f}, by momentum", *(f"{e:.4f}" for e in lowest))
