"""Networks of one's own: a list of layers with a function between them, and a layer written in NumPy."""

# %% The problem: an Ising chain at its critical field
import numpy as np

import autoket as nk

L = 10
STEPS = 100

hilbert = nk.hilbert.Spin(s=1 / 2, N=L)
hamiltonian = nk.operator.Ising(hilbert, nk.graph.Chain(L), h=1.0)
exact = nk.exact.lanczos_ed(hamiltonian)[0]


# %% Masked layers of nk.nn in an order of one's own. They run as fast as the models that have names.
class Mixed(nk.models.ARNNSequential):
    """A convolution, then a dense layer over all sites before."""

    features: int = 4
    machine_pow: int = 2
    # A function of Python's with its derivative; functions of JAX work as well.
    activation: object = nk.nn.activation.tanh

    def setup(self):
        """Layers, the first of which must not see its own site."""
        self._layers = [
            nk.nn.MaskedConv1D(self.features, kernel_size=3, kernel_dilation=1, exclusive=True),
            nk.nn.MaskedDense1D(self.hilbert.local_size, exclusive=False),
        ]


mixed = Mixed(hilbert)
print(mixed.tabulate(0, hilbert.random_state(0, 1)))


# %% A layer of one's own: what a site knows of those before it fades with the distance, at rates that are learnt.
class Memory(nk.nn.Module):
    """h[b, i, k] = Σ_{j<i} exp(-rate[k] (i - j)) σ[b, j]."""

    features: int

    def distances(self, n_sites):
        """i - j for j < i, and where that is."""
        i, j = np.indices((n_sites, n_sites))
        return np.maximum(i - j, 0), j < i

    def __call__(self, x):
        """From `(batch, site)` to `(batch, site, feature)`."""
        rates = self.param(
            "rates", lambda key, shape, dtype: np.linspace(0.2, 2.0, *shape), (self.features,), "float64"
        )
        distance, earlier = self.distances(x.shape[-1])
        weights = np.exp(-rates * distance[..., np.newaxis]) * earlier[..., np.newaxis]
        return np.einsum("ijk,bj->bik", weights, x, optimize=True)


# %% In a model of one's own. The library normalises its amplitudes, draws from it, and minimises its energy.
class Fading(nk.models.AbstractARNN):
    """log ψ(σ_i | earlier) = Σ_k tanh(h[i, k]) kernel[k, σ_i] + bias[i, σ_i], normalised."""

    features: int = 3

    def conditionals_log_psi(self, inputs):
        """Any logarithms, `(batch, site, local state)`."""
        hidden = np.tanh(Memory(self.features, name="memory")(np.asarray(inputs, float)))
        kernel = self.param("kernel", nk.nn.initializers.normal(0.1), (self.features, 2), "float64")
        bias = self.param("bias", nk.nn.initializers.zeros, (self.hilbert.size, 2), "float64")
        return hidden @ kernel + bias

    def conditionals_log_psi_vjp(self, inputs, cotangent):
        """Σ_batch cotangent ∂conditionals_log_psi/∂parameter. Without it derivatives are differences, and slower."""
        memory = self.variables["params"]["memory"]
        x, kernel = np.asarray(inputs, float), self.variables["params"]["kernel"]
        hidden = np.tanh(Memory(self.features).apply({"params": memory}, x))
        distance, earlier = Memory(self.features).distances(x.shape[-1])
        slopes = -distance[..., np.newaxis] * np.exp(-memory["rates"] * distance[..., np.newaxis])
        by_hidden = (cotangent @ kernel.T) * (1 - hidden**2)
        by_rates = by_hidden * np.einsum("ijk,bj->bik", slopes * earlier[..., np.newaxis], x, optimize=True)
        return {
            "memory": {"rates": by_rates.sum(axis=(0, 1))},
            "kernel": np.tensordot(hidden, cotangent, axes=([0, 1], [0, 1])),
            "bias": cotangent.sum(axis=0),
        }


# %% Both find the ground state
for model in (mixed, Fading(hilbert)):
    state = nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), model, n_samples=256, seed=0)
    driver = nk.driver.VMC_SR(hamiltonian, nk.optimizer.Sgd(0.05), diag_shift=0.01, variational_state=state)
    driver.run(STEPS)
    energy = state.expect(hamiltonian)
    print(f"{type(model).__name__}: energy {energy}, exact {exact:.6f}")
