"""The Ising chain in a transverse field: ground state, observables, and the exact answer beside them.

Cells begin with `# %%`; editors show them as a notebook. The same script runs with `import netket as nk`.
"""

# %% A lattice, a space, a Hamiltonian
import numpy as np

import autoket as nk

L = 10
STEPS = 200

graph = nk.graph.Chain(L, pbc=True)
hilbert = nk.hilbert.Spin(s=1 / 2, N=graph.n_nodes)
hamiltonian = nk.operator.Ising(hilbert, graph, h=1.0)
graph

# %% An autoregressive network, and a state that samples it
model = nk.models.ARNNDense(hilbert=hilbert, layers=2, features=8)
state = nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), model, n_samples=512, seed=1)
print(f"{state.n_parameters} parameters, energy at first {state.expect(hamiltonian)}")

# %% Descent by stochastic reconfiguration, with an observable logged on the way
magnetisation = sum(nk.operator.spin.sigmax(hilbert, i) for i in range(L)) * (1 / L)
log = nk.logging.RuntimeLog()
driver = nk.driver.VMC_SR(hamiltonian, nk.optimizer.Sgd(0.05), diag_shift=0.01, variational_state=state)
driver.run(STEPS, out=log, obs={"mx": magnetisation})

# %% The end beside the exact ground state
energy = state.expect(hamiltonian)
exact = nk.exact.lanczos_ed(hamiltonian)[0]
print(f"energy {energy}, exact {exact:.6f}, off by {abs(energy.mean / exact - 1):.1e}")

# %% How it got there
for step in range(0, STEPS, max(STEPS // 10, 1)):
    print(f"{log['Energy'].iters[step]:5d}  {log['Energy'].Mean[step]:+.5f}  mx {np.real(log['mx'].Mean[step]):+.4f}")
