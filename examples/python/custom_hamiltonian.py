"""Hamiltonians of one's own: from matrices on few sites, from Pauli strings, and as a function in Python."""

# %% Cluster Hamiltonian Σ σᶻσˣσᶻ in a field, from operators on single sites
import numpy as np

import autoket as nk
from autoket.operator.spin import sigmax, sigmaz

L = 8
STEPS = 200

hilbert = nk.hilbert.Spin(s=1 / 2, N=L)
hamiltonian = sum(
    -1.0 * sigmaz(hilbert, i) @ sigmax(hilbert, (i + 1) % L) @ sigmaz(hilbert, (i + 2) % L) - 0.4 * sigmax(hilbert, i)
    for i in range(L)
)

# %% The same from Pauli strings
strings, weights = [], []
for i in range(L):
    for pauli, weight in (({i: "Z", (i + 1) % L: "X", (i + 2) % L: "Z"}, -1.0), ({i: "X"}, -0.4)):
        strings.append("".join(pauli.get(site, "I") for site in range(L)))
        weights.append(weight)
same = nk.operator.PauliStrings(hilbert, strings, weights)
assert np.allclose(hamiltonian.to_dense(), same.to_dense())


# %% And as a function: rows of the matrix for a batch of states. It is called for every batch, and slower.
class Cluster(nk.operator.DiscreteOperator):
    """⟨σ|H|σ'⟩ in NumPy."""

    dtype = np.dtype(float)
    is_hermitian = True
    max_conn_size = 2 * L

    def get_conn_padded(self, x):
        """Connected states `(..., row, site)` and elements `(..., row)`."""
        x = np.asarray(x)
        flips = np.repeat(x[..., np.newaxis, :], L, axis=-2)
        flips[..., range(L), range(L)] *= -1
        stabilisers = -np.roll(x, 1, axis=-1) * np.roll(x, -1, axis=-1)
        elements = np.concatenate([stabilisers, np.full(x.shape, -0.4)], axis=-1)
        return np.concatenate([flips, flips], axis=-2), elements.astype(float)


assert np.allclose(Cluster(hilbert).to_dense(), hamiltonian.to_dense())

# %% Any of them can be minimised; its ground state has signs, so the network has a phase
model = nk.models.ARNNDense(hilbert=hilbert, layers=2, features=8, param_dtype=complex)
state = nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), model, n_samples=512, seed=0)
driver = nk.driver.VMC_SR(same, nk.optimizer.Sgd(0.05), diag_shift=0.01, variational_state=state)
driver.run(STEPS)

# %%
energy, exact = state.expect(hamiltonian), nk.exact.lanczos_ed(hamiltonian)[0]
print(f"energy {energy}, exact {exact:.6f}")
