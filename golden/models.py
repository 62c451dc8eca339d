"""Networks: their numbers, derivatives and estimates."""

import jax
import jax.numpy as jnp
import netket as nk
import numpy as np
from netket.optimizer.qgt import QGTJacobianDense
from netket.utils import HashableArray

from descriptions import (
    build_hilbert,
    build_operator,
    describe_hilbert,
    fock,
    grid,
    heisenberg,
    ising,
    qubit,
    random_matrix,
    spin,
    spin_bonds,
)
from writing import flat, write_json, write_tensors


def identity(x):
    return x


ACTIVATIONS = {
    "reim_selu": nk.nn.reim_selu,
    "reim_relu": nk.nn.reim_relu,
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "gelu": jax.nn.gelu,
    "silu": jax.nn.silu,
    "log_cosh": nk.nn.log_cosh,
    "identity": identity,
}

# Dense QGTs of more columns than this are stored only as a product with a probe.
DENSE_QGT_COLUMNS = 56


def model_case(
    extent=(3, 3),
    model=None,
    dtype="float64",
    sigma_dtype="int8",
    hilbert=None,
    layers=2,
    features=3,
    kernel_size=(2, 3),
    kernel_dilation=(1, 1),
    activation="reim_selu",
    use_bias=True,
    machine_pow=2,
    seed=1234,
    n_samples=64,
    n_sigma=None,
    hamiltonian=None,
    full_sum=None,
):
    n_sites = extent[0] * extent[1]
    c = dict(
        model=model,
        extent=list(extent),
        full_sum=full_sum if full_sum is not None else layers > 2 or n_sites <= 4,
        dtype=dtype,
        sigma_dtype=sigma_dtype,
        hilbert=hilbert or spin(0.5, n_sites),
        layers=layers,
        features=features,
        kernel_size=kernel_size and list(kernel_size),
        kernel_dilation=kernel_dilation and list(kernel_dilation),
        activation=activation,
        use_bias=use_bias,
        machine_pow=machine_pow,
        seed=seed,
        n_samples=n_samples,
        n_sigma=n_sigma,
        diag_shift=0.01,
        hamiltonian=hamiltonian or ising(grid(*extent)),
    )
    # Keys that say nothing are left out, as in the files written before there were other models.
    return {key: value for key, value in c.items() if value is not None}


def dense_case(n_sites, **more):
    """Every pair of sites has its own weights: few sites or few `n_sigma` keep the file small."""
    return model_case(
        **dict(
            extent=(1, n_sites),
            model="ARNNDense",
            kernel_size=None,
            kernel_dilation=None,
            hamiltonian=ising(grid(n_sites)),
        )
        | more
    )


def conv1d_case(n_sites=9, kernel_size=3, kernel_dilation=1, **more):
    return model_case(
        **dict(
            extent=(1, n_sites),
            model="ARNNConv1D",
            layers=3,
            features=4,
            kernel_size=(1, kernel_size),
            kernel_dilation=(1, kernel_dilation),
            hamiltonian=ising(grid(n_sites)),
        )
        | more
    )


def recurrent_case(model="LSTMNet", extent=(2, 3), pbc=False, ordering="chain", **more):
    """The layers of a recurrent network have no activation between them."""
    return model_case(
        **dict(
            extent=extent,
            model=model,
            kernel_size=None,
            kernel_dilation=None,
            activation=None,
            use_bias=None,
            hamiltonian=ising(grid(*extent, pbc=pbc)),
        )
        | more
    ) | dict(ordering=ordering, pbc=pbc)


def model_cases():
    case = model_case
    base = dict(layers=3, features=4)
    square = grid(2, 2)
    bose_hubbard = dict(kind="bose_hubbard", graph=square, U=1.3, V=0.4, J=0.8, mu=0.3)
    complex_local = dict(
        kind="local",
        expression={
            "sum": [
                {"local": {"sites": [i, i + 1], "matrix": random_matrix(i, 4)}}
                for i in range(8)
            ]
        },
    )
    spin32_local = dict(
        kind="local",
        expression={
            "sum": [
                {"local": {"sites": [0, 1], "matrix": random_matrix(1, 16, real=True)}},
                {"local": {"sites": [3], "matrix": random_matrix(2, 4, real=True)}},
                {"local": {"sites": [1, 2], "matrix": random_matrix(3, 16)}},
            ]
        },
    )
    cases = {
        "f64_base": case(**base),
        "f32_base": case(dtype="float32", **base),
        "f32_sigma64": case(dtype="float32", sigma_dtype="float64", **base),
        "f64_inverted": case(hilbert=spin(0.5, 9, True), **base),
        "c128_base": case(dtype="complex128", layers=3, features=3),
        "c64_base": case(dtype="complex64", layers=3, features=3),
        "c128_heisenberg": case(
            (4, 4), dtype="complex128", hamiltonian=heisenberg(grid(4, 4))
        ),
        "c64_heisenberg": case(
            (3, 3), dtype="complex64", hamiltonian=heisenberg(grid(3, 3))
        ),
        "f64_heisenberg_pbc": case((4, 4), hamiltonian=heisenberg(grid(4, 4, pbc=True))),
        "f64_ising_pbc": case(
            (4, 4), seed=0, hamiltonian=ising(grid(4, 4, pbc=True), 3.04438, -1.0)
        ),
        "f64_complex_hamiltonian": case(hamiltonian=complex_local, full_sum=True),
        "c128_complex_hamiltonian": case(dtype="complex128", hamiltonian=complex_local, full_sum=True),
        "f64_machine_pow1": case(machine_pow=1, full_sum=True),
        "f64_machine_pow3": case(machine_pow=3, full_sum=True),
        "c128_machine_pow1": case(machine_pow=1, dtype="complex128", full_sum=True),
        "f64_dilation_2_1": case((4, 4), kernel_dilation=(2, 1)),
        "f64_dilation_1_2": case((4, 4), kernel_dilation=(1, 2)),
        "f64_dilation_2_2": case((4, 4), kernel_dilation=(2, 2), kernel_size=(2, 4)),
        "f64_no_bias": case(use_bias=False),
        "f64_features_3_5_2": case(layers=3, features=[3, 5, 2]),
        "f64_kernel_2_2": case(kernel_size=(2, 2)),
        "f64_kernel_2_4": case(kernel_size=(2, 4)),
        "f64_kernel_3_5": case(kernel_size=(3, 5), features=2),
        "f64_kernel_3_1": case(kernel_size=(3, 1)),
        "f64_kernel_1_3": case(kernel_size=(1, 3)),
        "f64_kernel_1_4": case(kernel_size=(1, 4)),
        "f64_spin1": case((2, 2), hilbert=spin(1, 4), hamiltonian=spin_bonds(square)),
        "f64_spin1_inverted": case(
            (2, 2), hilbert=spin(1, 4, True), hamiltonian=spin_bonds(square)
        ),
        "f64_spin3_2": case((2, 2), hilbert=spin(1.5, 4), hamiltonian=spin32_local),
        "f64_fock": case((2, 2), hilbert=fock(2, 4), hamiltonian=bose_hubbard),
        "c128_fock": case(
            (2, 2), dtype="complex128", hilbert=fock(2, 4), hamiltonian=bose_hubbard
        ),
        "f64_qubit": case(hilbert=qubit(9), full_sum=True),
        "f64_layers_1": case(layers=1, features=2),
        "f64_layers_12": case((2, 2), layers=12, features=[1, 2] * 6, kernel_size=(2, 2)),
        "f64_extent_1": case(
            (1, 1),
            hamiltonian=dict(
                kind="local",
                expression={"sum": [{"sigmax": 0}, {"sigmaz": 0}]},
            ),
        ),
    }
    for name in ("reim_relu", "relu", "tanh", "gelu", "silu", "log_cosh", "identity"):
        cases[f"f64_{name}"] = case(activation=name)
    for name in ("reim_relu", "tanh", "gelu", "silu", "log_cosh", "identity"):
        cases[f"c128_{name}"] = case(
            activation=name, dtype="complex128", features=2, kernel_size=(2, 2)
        )
    cases["f32_gelu"] = case(activation="gelu", dtype="float32")
    cases["f32_tanh"] = case(activation="tanh", dtype="float32")
    dense, conv1d = dense_case, conv1d_case
    deep = dict(layers=3, features=3, full_sum=False)
    chain_spins = dict(hilbert=spin(1, 4), hamiltonian=spin_bonds(grid(4)))
    cases |= {
        "lstm_f64": recurrent_case(layers=2, features=3),
        "lstm_c128_graph": recurrent_case(
            extent=(3, 3), ordering="graph", dtype="complex128", layers=2, features=2, n_sigma=6
        ),
        "lstm_f32_periodic": recurrent_case(
            extent=(3, 3), pbc=True, ordering="graph", dtype="float32", layers=1, features=2
        ),
        "lstm_f64_given": recurrent_case(
            extent=(1, 5),
            ordering="given",
            layers=2,
            features=3,
        )
        | dict(
            reorder_idx=[4, 3, 2, 1, 0],
            prev_neighbors=[[1, 3], [2, -1], [3, 4], [4, -1], [-1, -1]],
        ),
        "gru_f64": recurrent_case(model="GRUNet1D", layers=2, features=3),
        "gru_c128": recurrent_case(
            model="GRUNet1D", extent=(1, 5), dtype="complex128", layers=2, features=2
        ),
        "gru_f64_fock": recurrent_case(
            model="GRUNet1D", extent=(1, 4), hilbert=fock(2, 4), layers=2, features=3,
            hamiltonian=dict(kind="bose_hubbard", graph=grid(4), U=1.3, V=0.4, J=0.8, mu=0.3),
        ),
    }
    return cases | {
        "dense_f64": dense(6, n_sigma=3, **deep),
        "dense_f32": dense(8, n_sigma=2, dtype="float32", **deep),
        "dense_c128": dense(4, n_sigma=2, dtype="complex128", **deep),
        "dense_f64_no_bias": dense(5, use_bias=False, full_sum=True),
        "dense_f64_features": dense(5, layers=3, features=[3, 4, 2], n_sigma=4, full_sum=False),
        "dense_f64_spin1": dense(4, **chain_spins),
        "conv1d_f64": conv1d(),
        "conv1d_f32": conv1d(dtype="float32"),
        "conv1d_c128": conv1d(n_sigma=8, dtype="complex128", hamiltonian=heisenberg(grid(9))),
        "conv1d_f64_dilation": conv1d(kernel_dilation=2),
        "conv1d_f64_kernel2": conv1d(kernel_size=2),
        "conv1d_f64_spin1": conv1d(4, **chain_spins),
    }


def build_model(hilbert, c):
    if c.get("model") in ("LSTMNet", "GRUNet1D"):
        order = {}
        if c["ordering"] == "graph":
            order["graph"] = nk.graph.Grid(c["extent"], pbc=c["pbc"])
        if c["ordering"] == "given":
            for key in ("reorder_idx", "prev_neighbors"):
                order[key] = HashableArray(np.array(c[key]))
        return getattr(nk.experimental.models, c["model"])(
            hilbert=hilbert,
            layers=c["layers"],
            features=c["features"],
            **order,
            param_dtype=np.dtype(c["dtype"]),
            machine_pow=c["machine_pow"],
        )
    features = c["features"]
    model = c.get("model", "ARNNConv2D")
    kernel = {k: tuple(c[k]) for k in ("kernel_size", "kernel_dilation") if k in c}
    if model == "ARNNConv1D":
        kernel = {k: width for k, (_, width) in kernel.items()}
    return getattr(nk.models, model)(
        hilbert=hilbert,
        layers=c["layers"],
        features=features if isinstance(features, int) else tuple(features),
        **kernel,
        activation=ACTIVATIONS[c["activation"]],
        use_bias=c["use_bias"],
        param_dtype=np.dtype(c["dtype"]),
        machine_pow=c["machine_pow"],
    )


def leaves(parameters):
    """(name, array) of each leaf, in the order of `ravel_pytree`."""
    found, _ = jax.tree_util.tree_flatten_with_path(parameters)
    return [(".".join(k.key for k in path), np.asarray(x)) for path, x in found]


def perturb(parameters, seed):
    """Moves every free entry, so that no bias is zero; masked entries stay zero."""
    rng = np.random.default_rng(seed)

    def move(path, x):
        x = np.asarray(x)
        step = rng.normal(size=x.shape)
        if np.iscomplexobj(x):
            step = step + 1j * rng.normal(size=x.shape)
        if path[-1].key == "kernel":
            step = step * (x != 0)
        return jnp.asarray((x + 0.1 * step).astype(x.dtype))

    return jax.tree_util.tree_map_with_path(move, parameters)


def local_energies(operator, apply, parameters, sigma):
    """sum over sigma' of <sigma|H|sigma'> psi(sigma') / psi(sigma)."""
    connected, elements = operator.get_conn_padded(sigma)
    n, k, sites = connected.shape
    apply = jax.jit(apply)
    log_psi = apply({"params": parameters}, sigma)
    log_connected = apply({"params": parameters}, connected.reshape(-1, sites))
    ratios = jnp.exp(log_connected.reshape(n, k) - log_psi[:, None])
    return jnp.sum(elements * ratios, axis=1).astype(complex)


def generate_model(name, c):
    hilbert = build_hilbert(c["hilbert"])
    model = build_model(hilbert, c)
    operator = build_operator(hilbert, c["hamiltonian"])
    sigma_dtype = np.dtype(c["sigma_dtype"])
    is_complex = c["dtype"].startswith("complex")
    mode = "complex" if is_complex else "real"
    rng = np.random.default_rng(c["seed"] + 1)

    def new_state():
        sampler = nk.sampler.ARDirectSampler(hilbert, dtype=sigma_dtype)
        return nk.vqs.MCState(sampler, model, n_samples=c["n_samples"], seed=c["seed"])

    def indices(states):
        states = np.asarray(states).reshape(-1, hilbert.size)
        return np.asarray(hilbert.states_to_local_indices(states)).astype(np.uint8)

    # The initial state of the seed and what it draws first.
    state = new_state()
    initial = state.parameters
    out = {f"init.{k}": v for k, v in leaves(initial)}
    samples = state.samples.reshape(-1, hilbert.size)
    out["samples"] = indices(samples)
    out["samples_log_psi"] = state.log_value(samples)

    # The model at other parameters, on a few states.
    parameters = perturb(initial, c["seed"])
    out |= {f"params.{k}": v for k, v in leaves(parameters)}
    n = min(c.get("n_sigma", 12), hilbert.n_states)
    numbers = rng.choice(hilbert.n_states, size=n, replace=False)
    sigma = jnp.asarray(hilbert.numbers_to_states(numbers), dtype=sigma_dtype)
    variables = {"params": parameters}
    run = lambda method: jax.jit(lambda v, x: model.apply(v, x, method=method))
    log_psi = run(model.__call__)(variables, sigma)
    out["sigma"] = np.asarray(sigma, np.float64)
    out["index"] = indices(sigma)
    out["conditionals_log_psi"] = run(model.conditionals_log_psi)(variables, sigma)
    out["conditionals"] = run(model.conditionals)(variables, sigma)
    out["log_psi"] = log_psi
    out["local_energies"] = local_energies(operator, model.apply, parameters, sigma)

    # Derivatives.
    jacobian = nk.jax.jacobian(model.apply, parameters, sigma, mode=mode, dense=True)
    out["jacobian"] = jacobian
    cotangent = rng.normal(size=n) + (1j * rng.normal(size=n) if is_complex else 0)
    cotangent = jnp.asarray(cotangent, dtype=log_psi.dtype)
    out["cotangent"] = cotangent
    _, pullback = jax.vjp(lambda p: model.apply({"params": p}, sigma), parameters)
    out["vjp"] = flat(pullback(cotangent)[0])
    check_vjp(np.asarray(jacobian), np.asarray(cotangent), out["vjp"], c["dtype"])

    # Monte Carlo estimates: a fresh state of the same seed, so its first draw.
    state = new_state()
    state.parameters = parameters
    samples = state.samples.reshape(-1, hilbert.size)
    out["mc_samples"] = indices(samples)
    out["mc_samples_log_psi"] = state.log_value(samples)
    out["mc_local_energies"] = state.local_estimators(operator).reshape(-1).astype(complex)
    energy, gradient = state.expect_and_grad(operator)
    out["mc_grad"] = flat(gradient)
    n_columns = jacobian.shape[-1]
    probe = np.random.default_rng(7).normal(size=n_columns).astype(jacobian.dtype)
    out["probe"] = probe
    qgt = np.asarray(QGTJacobianDense(state, mode=mode).to_dense())
    out["mc_qgt_probe"] = qgt @ probe
    if n_columns <= DENSE_QGT_COLUMNS:
        out["mc_qgt"] = qgt
    preconditioner = nk.optimizer.SR(
        qgt=QGTJacobianDense(mode=mode),
        solver=nk.optimizer.solver.cholesky,
        diag_shift=c["diag_shift"],
    )
    out["mc_sr_update"] = flat(preconditioner(state, gradient))
    check_sr(qgt, out["mc_grad"], out["mc_sr_update"], c)
    check_gradient(state, model, operator, out, mode)

    meta = {
        "name": f"model_{name}",
        **c,
        "hilbert": describe_hilbert(c["hilbert"], hilbert),
        "jacobian_mode": mode,
        "n_parameters": int(sum(x.size for _, x in leaves(initial))),
        "leaves": [
            {"name": k, "shape": x.shape, "dtype": str(x.dtype)}
            for k, x in leaves(initial)
        ],
        "log_psi_dtype": str(log_psi.dtype),
        "mc_energy": describe_stats(energy),
    }

    # Sums over the whole space, where it is small and the case asks for them.
    if c["full_sum"]:
        state = nk.vqs.FullSumState(hilbert, model, variables=variables)
        energy, gradient = state.expect_and_grad(operator)
        meta["fs_energy"] = describe_stats(energy)
        out["fs_grad"] = flat(gradient)
        qgt = QGTJacobianDense(state, mode=mode).to_dense()
        out["fs_qgt_probe"] = np.asarray(qgt) @ probe
        # The whole wave function pins the numbering of the basis too.
        out["fs_log_psi"] = state.log_value(hilbert.all_states().astype(sigma_dtype))

    write_json(f"model_{name}", meta)
    write_tensors(f"model_{name}", out)


def describe_stats(stats):
    mean = complex(stats.mean)
    return {
        "mean": [mean.real, mean.imag],
        "variance": float(stats.variance),
        "error_of_mean": float(stats.error_of_mean),
    }


# README.md states these formulas; each file is checked against them as it is written.
def tolerance(dtype):
    return 2e-3 if dtype in ("float32", "complex64") else 1e-9


def rows_of_r2(jacobian):
    """d Re log psi and d Im log psi, each by (Re theta, Im theta)."""
    return jacobian[:, 0], jacobian[:, 1]


def check_vjp(jacobian, cotangent, vjp, dtype):
    if cotangent.dtype.kind == "c":
        real, imag = rows_of_r2(jacobian)
        v = cotangent.real @ real - cotangent.imag @ imag
        expected = v[: len(v) // 2] - 1j * v[len(v) // 2 :]
    else:
        expected = cotangent @ jacobian
    np.testing.assert_allclose(vjp, expected, rtol=0, atol=tolerance(dtype))


def check_gradient(state, model, operator, out, mode):
    sigma = state.samples.reshape(-1, state.hilbert.size)
    jacobian = np.asarray(
        nk.jax.jacobian(model.apply, state.parameters, sigma, mode=mode, dense=True)
    )
    energies = np.asarray(out["mc_local_energies"])
    delta = (energies - energies.mean()) / len(energies)
    if mode == "complex":
        real, imag = rows_of_r2(jacobian)
        g = 2 * (delta.real @ real + delta.imag @ imag)
        expected = g[: len(g) // 2] + 1j * g[len(g) // 2 :]
    else:
        expected = 2 * delta.real @ jacobian
    dtype = str(jax.tree.leaves(state.parameters)[0].dtype)
    np.testing.assert_allclose(out["mc_grad"], expected, rtol=0, atol=tolerance(dtype))


def check_sr(qgt, gradient, update, c):
    if gradient.dtype.kind == "c":
        gradient = np.concatenate([gradient.real, gradient.imag])
    shifted = qgt.astype(float) + c["diag_shift"] * np.eye(len(qgt))
    x = np.linalg.solve(shifted, gradient.astype(float))
    if update.dtype.kind == "c":
        update = np.concatenate([update.real, update.imag])
    scale = np.abs(x).max()
    np.testing.assert_allclose(update / scale, x / scale, rtol=0, atol=tolerance(c["dtype"]))
