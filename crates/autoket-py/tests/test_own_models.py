"""Models that are written in Python, beside NetKet's and the library's own."""

import warnings

import flax.linen as nn
import jax
import jax.numpy as jnp
import netket as nk
import numpy as np
import pytest

import autoket as ak

SITES = 4
HILBERT = ak.hilbert.Spin(0.5, SITES)
CONSTRAINED = ak.hilbert.Spin(0.5, SITES, total_sz=0)
MASK = np.triu(np.ones((SITES, SITES)), 1)


def hamiltonian(lib, hilbert=None):
    return lib.operator.Heisenberg(hilbert or lib.hilbert.Spin(0.5, SITES), lib.graph.Chain(SITES), sign_rule=True)


class Linear(ak.models.AbstractARNN):
    """log amplitudes (σ W)_{i s} + b_{i s}, W masked: not normalised."""

    param_dtype: str = "float64"
    machine_pow: int = 2

    def kernel(self):
        normal = ak.nn.initializers.normal(0.3)
        kernel = self.param("kernel", normal, (SITES, SITES, 2), self.param_dtype)
        return kernel, self.param("bias", normal, (SITES, 2), self.param_dtype)

    def conditionals_log_psi(self, inputs):
        kernel, bias = self.kernel()
        return np.einsum("bi,ij,ijs->bjs", inputs, MASK, kernel) + bias


class LinearWithGradient(Linear):
    def conditionals_log_psi_vjp(self, inputs, cotangent):
        kernel = np.einsum("bi,ij,bjs->ijs", inputs, MASK, cotangent)
        return {"kernel": kernel, "bias": cotangent.sum(axis=0)}


class Reference(nk.models.AbstractARNN):
    param_dtype: type = float
    machine_pow: int = 2

    @nn.compact
    def conditionals_log_psi(self, inputs):
        normal = jax.nn.initializers.normal(0.3)
        kernel = self.param("kernel", normal, (SITES, SITES, 2), self.param_dtype)
        bias = self.param("bias", normal, (SITES, 2), self.param_dtype)
        y = jnp.einsum("bi,ij,ijs->bjs", inputs, MASK, kernel) + bias
        return y - 0.5 * jax.scipy.special.logsumexp(2 * y.real, axis=-1, keepdims=True)


def state(lib, model, **fields):
    hilbert = model.hilbert
    return lib.vqs.MCState(lib.sampler.ARDirectSampler(hilbert), model, n_samples=64, seed=2, **fields)


@pytest.fixture(scope="module", params=["float64", "complex128"])
def reference(request):
    model = Reference(nk.hilbert.Spin(0.5, SITES), param_dtype=np.dtype(request.param).type)
    vs = state(nk, model)
    return request.param, vs, vs.expect_and_grad(hamiltonian(nk))


@pytest.mark.filterwarnings("ignore:.*central differences")
@pytest.mark.parametrize("kind", [Linear, LinearWithGradient])
def test_models_in_numpy_have_the_numbers_of_netkets(kind, reference):
    dtype, ref, (energy, gradient) = reference
    vs = state(ak, kind(HILBERT, param_dtype=dtype))
    for name in ("kernel", "bias"):
        np.testing.assert_allclose(vs.parameters[name], ref.parameters[name], rtol=1e-12)
    vs.variables = {"params": dict(ref.parameters)}
    np.testing.assert_array_equal(vs.samples, ref.samples)
    np.testing.assert_allclose(vs.log_value(vs.samples[0]), ref.log_value(ref.samples[0]), rtol=1e-11)
    ours, own = vs.expect_and_grad(hamiltonian(ak))
    np.testing.assert_allclose(ours.mean, energy.mean, rtol=1e-10)
    for name in ("kernel", "bias"):
        np.testing.assert_allclose(own[name], gradient[name], rtol=1e-5, atol=1e-8)
    model, variables = vs.model, vs.variables
    np.testing.assert_allclose(
        model.apply(variables, vs.samples[0], method=model.conditionals),
        ref.model.apply({"params": ref.parameters}, ref.samples[0], method=ref.model.conditionals),
        rtol=1e-11,
    )
    np.testing.assert_allclose(model.bind(variables)(vs.samples[0]), vs.log_value(vs.samples[0]), rtol=1e-12)


def test_models_in_numpy_run_with_all_drivers():
    exact = ak.exact.full_ed(hamiltonian(ak))[0]
    energies = []
    for driver in (ak.VMC, ak.VMC_SR):
        sr = {"diag_shift": 0.01} if driver is ak.VMC_SR else {}
        vs = ak.vqs.FullSumState(HILBERT, LinearWithGradient(HILBERT), seed=0)
        run = driver(hamiltonian(ak), ak.optimizer.Sgd(0.05), variational_state=vs, **sr)
        run.run(40, show_progress=False)
        energies.append(vs.expect(hamiltonian(ak)).mean.real)
        assert exact - 1e-9 < energies[-1] < 0
    assert abs(energies[1] / exact - 1) < 0.1
    vs = state(ak, LinearWithGradient(HILBERT))
    run = ak.VMC_SR(hamiltonian(ak), ak.optimizer.Sgd(0.05), variational_state=vs, diag_shift=0.01)
    run.run(20, show_progress=False)
    assert vs.expect(hamiltonian(ak)).mean.real < -4


def test_constrained_spaces_are_kept():
    vs = state(ak, LinearWithGradient(CONSTRAINED))
    assert not vs.samples.sum(axis=-1).any()
    states = HILBERT.all_states()
    psi = np.exp(vs.log_value(states))
    np.testing.assert_allclose((abs(psi) ** 2).sum(), 1, rtol=1e-12)
    assert not psi[states.sum(axis=-1) != 0].any()
    np.testing.assert_allclose(vs.model.apply(vs.variables, states), vs.log_value(states), rtol=1e-12)
    full = ak.vqs.FullSumState(CONSTRAINED, vs.model, variables=vs.variables)
    step = 1e-6
    h = hamiltonian(ak, CONSTRAINED)
    _, gradient = full.expect_and_grad(h)
    moved = []
    for sign in (1, -1):
        parameters = vs.parameters
        parameters["bias"][2, 1] += sign * step
        moved.append(ak.vqs.FullSumState(CONSTRAINED, vs.model, variables={"params": parameters}).expect(h).mean.real)
    np.testing.assert_allclose(gradient["bias"][2, 1], (moved[0] - moved[1]) / (2 * step), rtol=1e-6)


def test_differences_are_told():
    vs = state(ak, Linear(HILBERT))
    with pytest.warns(UserWarning, match="central differences"):
        vs.expect_and_grad(hamiltonian(ak))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        state(ak, LinearWithGradient(HILBERT)).expect_and_grad(hamiltonian(ak))


def raw(params, x):
    """A function of JAX: as `Linear`, and complex of real parameters where there are phases."""
    y = jnp.einsum("bi,ij,ijs->bjs", x, MASK, params["kernel"]) + params["bias"]
    return y + 1j * params["phase"] * y**2 if "phase" in params else y


class FlaxModule(nn.Module):
    @nn.compact
    def __call__(self, x):
        normal = jax.nn.initializers.normal(0.3)
        params = {"kernel": self.param("kernel", normal, (SITES, SITES, 2), float)}
        return raw({**params, "bias": self.param("bias", normal, (SITES, 2), float)}, x)


def tree(dtype=float):
    rng = np.random.default_rng(0)
    return {
        "kernel": rng.normal(size=(SITES, SITES, 2)).astype(dtype),
        "bias": rng.normal(size=(SITES, 2)).astype(dtype),
    }


@pytest.mark.filterwarnings("ignore:.*central differences")
@pytest.mark.parametrize("parameters", [tree(), tree(complex), {**tree(), "phase": np.asarray([0.3, 0.2])}])
def test_functions_of_jax_are_models(parameters):
    jaxed = ak.models.WrappedARNN(HILBERT, jax.jit(raw), parameters)
    assert jaxed.framework == "jax"
    plain = ak.models.WrappedARNN(HILBERT, lambda p, x: np.asarray(raw(p, x)), parameters, framework="numpy")
    states = [ak.vqs.FullSumState(HILBERT, model, seed=0) for model in (jaxed, plain)]
    (energy, gradient), (same, differences) = (vs.expect_and_grad(hamiltonian(ak)) for vs in states)
    np.testing.assert_allclose(energy.mean, same.mean, rtol=1e-12)
    for name in parameters:
        np.testing.assert_allclose(gradient[name], differences[name], rtol=1e-6, atol=1e-8)
    metric, same = (np.asarray(vs.quantum_geometric_tensor()) for vs in states)
    np.testing.assert_allclose(metric, same, rtol=1e-5, atol=1e-8)


@pytest.fixture
def compilations():
    """Names of XLA's compilations as they come."""
    found = []
    jax.monitoring.register_event_duration_secs_listener(lambda event, *_, **__: found.append(event))
    yield lambda: [event for event in found if "backend_compile" in event]
    jax.monitoring.clear_event_listeners()


def test_jax_compiles_for_few_numbers_of_states(compilations):
    """Values and derivatives are padded, and cut without a compilation."""
    model = ak.models.WrappedARNN(HILBERT, raw, tree(), framework="jax")
    states = np.resize(HILBERT.all_states(), (1023, SITES))
    full = ak.vqs.FullSumState(HILBERT, model, seed=0)

    def gradient(n_samples):
        vs = ak.vqs.MCState(ak.sampler.ARDirectSampler(HILBERT), model, n_samples=n_samples, seed=0)
        return vs.expect_and_grad(hamiltonian(ak))[1]["kernel"]

    alone, kernel = full.log_value(states), gradient(1000)
    before = len(compilations())
    assert before > 0
    for n in (961, 1000, 1022):
        np.testing.assert_allclose(full.log_value(states[:n]), alone[:n], rtol=1e-12)
    assert gradient(993).shape == kernel.shape == (SITES, SITES, 2)
    assert len(compilations()) == before


def test_modules_of_flax_are_models():
    model = ak.models.WrappedARNN(HILBERT, FlaxModule())
    assert model.framework == "flax"
    vs, same = state(ak, model), state(ak, LinearWithGradient(HILBERT))
    for name in ("kernel", "bias"):
        np.testing.assert_allclose(vs.parameters[name], same.parameters[name], rtol=1e-12)
    np.testing.assert_array_equal(vs.samples, same.samples)
    gradients = [it.expect_and_grad(hamiltonian(ak))[1] for it in (vs, same)]
    for name in ("kernel", "bias"):
        np.testing.assert_allclose(gradients[0][name], gradients[1][name], rtol=1e-9)


class Ahead(Linear):
    def conditionals_log_psi(self, inputs):
        kernel, bias = self.kernel()
        return np.einsum("bi,ijs->bjs", inputs, kernel) + bias


class Broken(Linear):
    def conditionals_log_psi(self, inputs):
        self.kernel()
        raise RuntimeError("out of luck")


class Flat(Linear):
    def conditionals_log_psi(self, inputs):
        return np.zeros(len(inputs))


class Backwards(LinearWithGradient):
    """Sites are drawn from the last to the first."""

    def reorder(self, inputs, axis=0):
        return np.flip(inputs, axis)

    inverse_reorder = reorder

    def conditionals_log_psi(self, inputs):
        kernel, bias = self.kernel()
        return np.einsum("bi,ji,ijs->bjs", inputs, MASK, kernel) + bias


def test_orders_of_ones_own():
    vs = state(ak, Backwards(HILBERT))
    psi = np.exp(vs.log_value(HILBERT.all_states()))
    np.testing.assert_allclose((abs(psi) ** 2).sum(), 1, rtol=1e-12)
    np.testing.assert_array_equal(vs.model.reorder(np.arange(4)), [3, 2, 1, 0])


@pytest.mark.parametrize(
    ("kind", "error", "says"),
    [
        (Ahead, ValueError, "drawn before"),
        (Broken, RuntimeError, "out of luck"),
        (Flat, ValueError, "local state"),
        (ak.models.AbstractARNN, NotImplementedError, "conditionals_log_psi"),
    ],
)
def test_mistakes_are_told(kind, error, says):
    with pytest.raises(error, match=says):
        state(ak, kind(HILBERT))


def test_tables_of_models_in_python():
    table = Linear(HILBERT).tabulate(0, HILBERT.all_states())
    assert "Linear Summary" in table
    assert "Total Parameters: 40 (320 B)" in table
    assert "Total Parameters" in Linear(HILBERT)._repr_html_()


def torch_module(torch, *, is_complex, phase):
    class Module(torch.nn.Module):
        def __init__(self):
            super().__init__()
            parameters = {
                name: torch.as_tensor(value) for name, value in tree(complex if is_complex else float).items()
            }
            self.kernel, self.bias = (torch.nn.Parameter(value) for value in parameters.values())

        def forward(self, x):
            x, mask = x.to(self.kernel.dtype), torch.as_tensor(MASK).to(self.kernel.dtype)
            y = torch.einsum("bi,ij,ijs->bjs", x, mask, self.kernel) + self.bias
            return y + 1j * torch.tanh(y) if phase else y

    return Module()


@pytest.mark.filterwarnings("ignore:.*central differences")
@pytest.mark.parametrize(("is_complex", "phase"), [(False, False), (True, False), (False, True)])
def test_modules_of_torch_are_models(is_complex, phase):
    torch = pytest.importorskip("torch")
    module = torch_module(torch, is_complex=is_complex, phase=phase)
    model = ak.models.WrappedARNN(HILBERT, module)
    assert model.framework == "torch"

    def function(params, x):
        tensors = {name: torch.as_tensor(value) for name, value in params.items()}
        return torch.func.functional_call(module, tensors, (torch.as_tensor(x),)).detach().numpy()

    plain = ak.models.WrappedARNN(HILBERT, function, tree(complex if is_complex else float), framework="numpy")
    states = [ak.vqs.FullSumState(HILBERT, it, seed=0) for it in (model, plain)]
    (energy, gradient), (same, differences) = (vs.expect_and_grad(hamiltonian(ak)) for vs in states)
    np.testing.assert_allclose(energy.mean, same.mean, rtol=1e-12)
    for name in gradient:
        np.testing.assert_allclose(gradient[name], differences[name], rtol=1e-6, atol=1e-8)
