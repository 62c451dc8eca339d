"""Golden reference data for autoket, made by running NetKet.

    python -m venv .venv
    .venv/bin/pip install -r requirements.txt
    .venv/bin/python generate.py                # everything
    .venv/bin/python generate.py model_f64_base random   # only what starts so

Each kind of data has one function; README.md says what the files hold.
"""

import json
import os
import sys
import tempfile
import warnings
from functools import partial, wraps
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("NETKET_ENABLE_X64", "1")
warnings.filterwarnings("ignore")

import flax
import flax.linen as nn
import jax
import jax.numpy as jnp
import netket as nk
import numpy as np
import operators
from flax.core.scope import LazyRng
from jax.flatten_util import ravel_pytree
from netket.optimizer.qgt import QGTJacobianDense
from netket.utils import HashableArray
from safetensors.numpy import save_file

DATA = Path(__file__).parent / "data"
VERSIONS = {
    "netket": nk.__version__,
    "jax": jax.__version__,
    "flax": flax.__version__,
    "numpy": np.__version__,
}


# Writing


def plain(value):
    """`value` as strict JSON: NaN and infinities become null, numpy types Python ones."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (np.ndarray, jax.Array)):
        return plain(np.asarray(value).tolist())
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, complex):
        return [plain(value.real), plain(value.imag)]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value


def write_json(name, value):
    """One line for each key, and for each case where a key holds a list of cases."""
    lines = []
    for key, item in plain({**value, "versions": VERSIONS}).items():
        if isinstance(item, list) and item and isinstance(item[0], dict):
            rows = ",\n".join("  " + json.dumps(row) for row in item)
            lines.append(f" {json.dumps(key)}: [\n{rows}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(item)}")
    (DATA / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def write_tensors(name, tensors):
    arrays = {}
    for key, value in tensors.items():
        value = np.asarray(value)
        if np.iscomplexobj(value):
            key, value = key + ":complex", np.stack([value.real, value.imag], axis=-1)
        arrays[key] = np.ascontiguousarray(value)
    path = DATA / f"{name}.safetensors"
    save_file(arrays, path)
    path.chmod(0o644)


def flat(tree):
    return np.asarray(ravel_pytree(tree)[0])


# Spaces, graphs, operators from their JSON descriptions


def build_hilbert(spec):
    match spec["kind"]:
        case "spin":
            return nk.hilbert.Spin(
                spec["s"], spec["n_sites"], inverted_ordering=spec["inverted_ordering"]
            )
        case "qubit":
            return nk.hilbert.Qubit(spec["n_sites"])
        case "fock":
            return nk.hilbert.Fock(spec["n_max"], spec["n_sites"])
        case "fermions":
            args = {k: v for k, v in spec.items() if k != "kind"}
            if "n_fermions_per_spin" in args:
                args["n_fermions_per_spin"] = tuple(args["n_fermions_per_spin"])
            return nk.hilbert.SpinOrbitalFermions(**args)


def describe_hilbert(spec, hilbert):
    return {**spec, "local_states": [float(x) for x in hilbert.local_states]}


def spin(s, n_sites, inverted_ordering=False):
    return dict(kind="spin", s=s, n_sites=n_sites, inverted_ordering=inverted_ordering)


def fock(n_max, n_sites):
    return dict(kind="fock", n_max=n_max, n_sites=n_sites)


def qubit(n_sites):
    return dict(kind="qubit", n_sites=n_sites)


def build_graph(spec):
    if "edges" in spec:
        return nk.graph.Graph([tuple(e) for e in spec["edges"]])
    return nk.graph.Grid(**spec)


SITE_OPERATORS = {
    "sigmax": nk.operator.spin.sigmax,
    "sigmay": nk.operator.spin.sigmay,
    "sigmaz": nk.operator.spin.sigmaz,
    "sigmap": nk.operator.spin.sigmap,
    "sigmam": nk.operator.spin.sigmam,
    "create": nk.operator.boson.create,
    "destroy": nk.operator.boson.destroy,
    "number": nk.operator.boson.number,
}


def build_expression(hilbert, expression):
    """An operator from a tree of one-key objects; README.md lists the keys."""
    ((key, value),) = expression.items()
    build = lambda e: build_expression(hilbert, e)
    if key in SITE_OPERATORS:
        return SITE_OPERATORS[key](hilbert, value)
    match key:
        case "local":
            matrix = np.asarray(value["matrix"])
            matrix = matrix[..., 0] + 1j * matrix[..., 1]
            if not matrix.imag.any():
                matrix = matrix.real
            return nk.operator.LocalOperator(hilbert, matrix, value["sites"])
        case "constant":
            return nk.operator.LocalOperator(hilbert, constant=value)
        case "sum":
            return sum((build(e) for e in value[1:]), build(value[0]))
        case "difference":
            return build(value[0]) - build(value[1])
        case "product":
            result = build(value[0])
            for factor in value[1:]:
                result = result @ build(factor)
            return result
        case "scale":
            re, im = value["by"]
            return (complex(re, im) if im else re) * build(value["of"])
        case "adjoint":
            return build(value).conjugate(concrete=True).transpose(concrete=True)
        case "conjugate":
            return build(value).conjugate(concrete=True)
        case "transpose":
            return build(value).transpose(concrete=True)


def build_operator(hilbert, spec):
    if spec["kind"] == "local":
        return build_expression(hilbert, spec["expression"])
    graph = build_graph(spec["graph"]) if "graph" in spec else None
    args = {k: v for k, v in spec.items() if k not in ("kind", "graph")}
    match spec["kind"]:
        case "ising":
            return nk.operator.Ising(hilbert, graph, **args)
        case "heisenberg":
            return nk.operator.Heisenberg(hilbert, graph, **args)
        case "bose_hubbard":
            return nk.operator.BoseHubbard(hilbert, graph, **args)
        case _:
            return operators.build(hilbert, graph, spec)


def grid(*extent, pbc=False, **more):
    return dict(extent=list(extent), pbc=pbc, **more)


def ising(graph, h=1.1, J=0.7):
    return dict(kind="ising", graph=graph, h=h, J=J)


def heisenberg(graph, J=1.0, sign_rule=None):
    return dict(kind="heisenberg", graph=graph, J=J, sign_rule=sign_rule)


def random_matrix(seed, dimension, hermitian=True, real=False):
    """A dense matrix as nested lists of [re, im], rounded so that it prints short."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(dimension, dimension, 2)).round(2)
    if real:
        matrix[..., 1] = 0
    if hermitian:
        matrix = matrix + matrix.transpose(1, 0, 2) * [1, -1]
    return matrix.tolist()


def spin_bonds(graph):
    """Sum over edges of S_i . S_j, by products of twice-the-spin matrices, plus a field."""
    bond = lambda i, j: [
        {"scale": {"by": [0.25, 0], "of": {"product": [{p: i}, {p: j}]}}}
        for p in ("sigmax", "sigmay", "sigmaz")
    ]
    terms = [t for i, j in build_graph(graph).edges() for t in bond(i, j)]
    terms.append({"scale": {"by": [-0.3, 0], "of": {"sigmax": 1}}})
    return dict(kind="local", expression={"sum": terms})


# Models


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


# Runs


def run_case(
    extent, driver, optimizer, hilbert=None, hamiltonian=None, dtype="float64", **driver_args
):
    n_sites = extent[0] * extent[1]
    return dict(
        extent=list(extent),
        hilbert=hilbert or spin(0.5, n_sites),
        dtype=dtype,
        layers=3,
        features=4,
        kernel_size=[2, 3],
        kernel_dilation=[1, 1],
        activation="reim_selu",
        use_bias=True,
        machine_pow=2,
        seed=1234,
        n_samples=256,
        n_steps=6,
        hamiltonian=hamiltonian or ising(grid(*extent), h=3.04438, J=1.0),
        driver={"kind": driver, **driver_args},
        optimizer=optimizer,
    )


def run_cases():
    sgd = dict(kind="sgd", learning_rate=0.05)
    sr = dict(diag_shift=0.01)
    ntk = dict(use_ntk=True, on_the_fly=False, **sr)
    adam = dict(kind="adam", learning_rate=0.01, b1=0.9, b2=0.999, eps=1e-8)
    momentum = dict(kind="momentum", learning_rate=0.01, beta=0.9, nesterov=False)
    nesterov = dict(kind="momentum", learning_rate=0.01, beta=0.9, nesterov=True)
    cases = {}
    for extent in ((3, 3), (4, 4)):
        size = "x".join(map(str, extent))
        cases[f"{size}_sr"] = run_case(extent, "vmc_with_sr", sgd, **sr)
        cases[f"{size}_sr_ntk"] = run_case(extent, "vmc_sr", sgd, **ntk)
        cases[f"{size}_sgd"] = run_case(extent, "vmc", sgd)
        cases[f"{size}_adam"] = run_case(extent, "vmc", adam)
    cases["3x3_momentum"] = run_case((3, 3), "vmc", momentum)
    cases["3x3_nesterov"] = run_case((3, 3), "vmc", nesterov)
    cases["3x3_rmsprop"] = run_case(
        (3, 3),
        "vmc",
        dict(kind="rmsprop", learning_rate=0.01, beta=0.9, epscut=1e-7, centered=False),
    )
    cases["3x3_adagrad"] = run_case(
        (3, 3),
        "vmc",
        dict(
            kind="adagrad",
            learning_rate=0.01,
            epscut=1e-7,
            initial_accumulator_value=0.1,
        ),
    )
    cases["3x3_spring"] = run_case((3, 3), "vmc_sr", sgd, momentum=0.8, **ntk)
    cases["3x3_sr_direct_spring"] = run_case(
        (3, 3), "vmc_sr", sgd, momentum=0.8, use_ntk=False, **sr
    )
    cases["3x3_sr_scale"] = run_case((3, 3), "vmc_with_sr", sgd, diag_scale=0.02, **sr)
    cases["3x3_inverted_sr"] = run_case(
        (3, 3), "vmc_with_sr", sgd, hilbert=spin(0.5, 9, True), **sr
    )
    complex_heisenberg = dict(dtype="complex128", hamiltonian=heisenberg(grid(3, 3)))
    cases["3x3_c128_sr"] = run_case((3, 3), "vmc_with_sr", sgd, **sr, **complex_heisenberg)
    cases["3x3_c128_sr_ntk"] = run_case((3, 3), "vmc_sr", sgd, **ntk, **complex_heisenberg)
    cases["3x3_c128_adam"] = run_case((3, 3), "vmc", adam, **complex_heisenberg)
    cases["4x4_c128_sr"] = run_case(
        (4, 4),
        "vmc_with_sr",
        sgd,
        **sr,
        dtype="complex128",
        hamiltonian=heisenberg(grid(4, 4)),
    )
    return cases


def build_optimizer(spec):
    kinds = {
        "sgd": nk.optimizer.Sgd,
        "momentum": nk.optimizer.Momentum,
        "adam": nk.optimizer.Adam,
        "adagrad": nk.optimizer.AdaGrad,
        "rmsprop": nk.optimizer.RmsProp,
    }
    return kinds[spec["kind"]](**{k: v for k, v in spec.items() if k != "kind"})


def build_driver(spec, operator, optimizer, state, mode):
    args = {k: v for k, v in spec.items() if k != "kind"}
    match spec["kind"]:
        case "vmc":
            return nk.driver.VMC(operator, optimizer, variational_state=state)
        case "vmc_with_sr":
            preconditioner = nk.optimizer.SR(
                qgt=QGTJacobianDense(mode=mode),
                solver=nk.optimizer.solver.cholesky,
                **args,
            )
            return nk.driver.VMC(
                operator, optimizer, variational_state=state, preconditioner=preconditioner
            )
        case "vmc_sr":
            return nk.driver.VMC_SR(
                operator,
                optimizer,
                variational_state=state,
                linear_solver=nk.optimizer.solver.cholesky,
                mode=mode,
                **args,
            )


def start_run(c):
    hilbert = build_hilbert(c["hilbert"])
    model = build_model(hilbert, c)
    operator = build_operator(hilbert, c["hamiltonian"])
    sampler = nk.sampler.ARDirectSampler(hilbert)
    state = nk.vqs.MCState(sampler, model, n_samples=c["n_samples"], seed=c["seed"])
    mode = "complex" if c["dtype"].startswith("complex") else "real"
    optimizer = build_optimizer(c["optimizer"])
    return build_driver(c["driver"], operator, optimizer, state, mode), state, hilbert


def generate_run(name, c):
    driver, state, hilbert = start_run(c)
    out = {"init": flat(state.parameters)}
    samples = []

    def keep_samples(step, log, driver):
        states = np.asarray(driver.state.samples).reshape(-1, hilbert.size)
        samples.append(np.asarray(hilbert.states_to_local_indices(states), np.uint8))
        return True

    log = nk.logging.RuntimeLog()
    driver.run(c["n_steps"], out=log, callback=keep_samples, show_progress=False)
    energy = log.data["Energy"]
    mean = np.asarray(energy["Mean"])
    out["samples"] = np.stack(samples)
    out["final"] = flat(state.parameters)
    meta = {
        "name": f"run_{name}",
        **c,
        "hilbert": describe_hilbert(c["hilbert"], hilbert),
        "sigma_dtype": str(state.samples.dtype),
        "energy_mean": [[m.real, m.imag] for m in mean.astype(complex).tolist()],
        "energy_variance": np.asarray(energy["Variance"]).tolist(),
        "energy_error_of_mean": np.asarray(energy["Sigma"]).tolist(),
    }
    write_json(f"run_{name}", meta)
    write_tensors(f"run_{name}", out)


# Random numbers


def bits_of(x):
    """The bits of floats as hexadecimal strings, 8 or 16 digits each."""
    x = np.ascontiguousarray(np.asarray(x)).reshape(-1)
    if x.dtype.kind == "c":
        x = x.view({8: np.float32, 16: np.float64}[x.dtype.itemsize])
    unsigned = {4: np.uint32, 8: np.uint64}[x.dtype.itemsize]
    return [f"{v:0{2 * x.dtype.itemsize}x}" for v in x.view(unsigned).tolist()]


def key_words(key):
    return np.asarray(jax.random.key_data(key)).tolist()


def module_key(key, path, counter):
    """The key Flax gives to a parameter: `counter` is 1 for the first of its module."""
    return LazyRng.create(key, *path, counter).as_jax_rng()


def generate_random():
    random = jax.random
    cases = []
    for seed in (0, 1, 42, 1234, -1, -(2**40), 2**32, 2**32 + 7, 2**63 - 1):
        key = random.key(seed)
        draws = dict(
            uniform_f32=random.uniform(key, (9,), np.float32),
            uniform_f64=random.uniform(key, (9,), np.float64),
            uniform_f64_minus2_3=random.uniform(key, (9,), np.float64, -2.0, 3.0),
            normal_f32=random.normal(key, (9,), np.float32),
            normal_f64=random.normal(key, (9,), np.float64),
            normal_c64=random.normal(key, (5,), np.complex64),
            normal_c128=random.normal(key, (5,), np.complex128),
            truncated_normal_f32=random.truncated_normal(key, -2, 2, (9,), np.float32),
            truncated_normal_f64=random.truncated_normal(key, -2, 2, (9,), np.float64),
        )
        cases.append(
            {
                "seed": str(seed),
                "key": key_words(key),
                "split2": key_words(random.split(key)),
                "split5": key_words(random.split(key, 5)),
                "fold_in": [
                    {"data": d, "key": key_words(random.fold_in(key, d))}
                    for d in (0, 1, 2, 77, 2**31, 2**32 - 1)
                ],
                "bits32": np.asarray(random.bits(key, (9,), np.uint32)).tolist(),
                "bits64": [
                    f"{b:016x}" for b in np.asarray(random.bits(key, (9,), np.uint64)).tolist()
                ],
                "bits8": np.asarray(random.bits(key, (9,), np.uint8)).tolist(),
                **{k: bits_of(v) for k, v in draws.items()},
            }
        )
    # Far into the normal's tails, where erf_inv changes branch.
    many = np.asarray(random.normal(random.key(5), (200_000,), np.float64))
    at = np.concatenate([np.argsort(many)[:5], np.argsort(many)[-5:]])
    write_json(
        "random",
        {
            "seeds": cases,
            "normal_f64_tails": {
                "seed": 5,
                "shape": [200_000],
                "index": at,
                "values": bits_of(many[at]),
            },
            "init_keys": [init_keys(seed) for seed in (0, 1234)],
            "lecun_normal": [lecun_normal(seed) for seed in (0, 1234)],
            "sampler": [sampler_keys(seed) for seed in (0, 1234)],
        },
    )


def init_keys(seed):
    key = jax.random.key(seed)
    paths = [f"_layers_{i}" for i in (0, 1, 2, 9, 10, 11)]
    return {
        "seed": seed,
        "keys": {
            f"{p}/{leaf}": key_words(module_key(key, (p,), counter))
            for p in paths
            for counter, leaf in ((1, "kernel"), (2, "bias"))
        },
    }


def lecun_normal(seed):
    """The initialiser itself, before NetKet's mask and rescaling."""
    shape = (2, 3, 2, 3)
    draw = lambda dtype: jax.nn.initializers.lecun_normal()(
        jax.random.key(seed), shape, np.dtype(dtype)
    )
    dtypes = ("float32", "float64", "complex64", "complex128")
    return {"seed": seed, "shape": shape, **{d: bits_of(draw(d)) for d in dtypes}}


def sampler_keys(seed):
    """The chain of keys from a seed to the first uniforms of ARDirectSampler."""
    hilbert = nk.hilbert.Spin(0.5, 4)
    model = nk.models.ARNNConv2D(hilbert=hilbert, layers=2, features=2, kernel_size=(2, 3))
    sampler = nk.sampler.ARDirectSampler(hilbert)
    state = nk.vqs.MCState(sampler, model, n_samples=8, seed=seed)
    key = state.sampler_state.key
    state.sample()
    after_one = state.sampler_state.key
    state.sample()
    after_two = state.sampler_state.key
    new_key, key_init, key_scan = jax.random.split(key, 3)
    assert key_words(new_key) == key_words(after_one)
    sites, carry = [], key_scan
    for _ in range(4):
        carry, site_key = jax.random.split(carry)
        uniforms = jax.random.uniform(site_key, (8, 1))
        sites.append({"key": key_words(site_key), "uniforms": bits_of(uniforms)})
    return {
        "seed": seed,
        "state_key": key_words(key),
        "state_key_after_1": key_words(after_one),
        "state_key_after_2": key_words(after_two),
        "key_init": key_words(key_init),
        "key_scan": key_words(key_scan),
        "sites": sites,
    }


# Hilbert spaces and graphs


def generate_hilbert():
    specs = [
        spin(s, n, inverted) for s in (0.5, 1, 1.5) for n in (2, 3) for inverted in (False, True)
    ]
    specs += [qubit(2), qubit(3), fock(1, 3), fock(2, 3), fock(3, 2)]
    cases = []
    for spec in specs:
        hilbert = build_hilbert(spec)
        states = np.asarray(hilbert.all_states())
        cases.append(
            {
                **describe_hilbert(spec, hilbert),
                "local_size": hilbert.local_size,
                "n_states": hilbert.n_states,
                "dtype": str(states.dtype),
                "all_states": states.astype(float),
                "numbers": hilbert.states_to_numbers(states),
                "local_indices": hilbert.states_to_local_indices(states),
            }
        )
    constrained = []
    for label, hilbert in (
        ("spin 1/2, 4 sites, total_sz 0", nk.hilbert.Spin(0.5, 4, total_sz=0)),
        (
            "spin 1/2, 4 sites, total_sz 1, inverted",
            nk.hilbert.Spin(0.5, 4, total_sz=1, inverted_ordering=True),
        ),
        ("fock 2, 3 sites, 2 particles", nk.hilbert.Fock(2, 3, n_particles=2)),
    ):
        constrained.append(
            {
                "label": label,
                "n_states": hilbert.n_states,
                "all_states": np.asarray(hilbert.all_states()).astype(float),
            }
        )
    write_json("hilbert", {"cases": cases, "constrained": constrained})


def describe_graph(call, **spec):
    """What NetKet makes of a constructor call, or the error it raises."""
    constructor = getattr(nk.graph, call)
    entry = {"constructor": call, "arguments": spec}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            graph = constructor(**spec)
        except Exception as error:
            return {**entry, "error": f"{type(error).__name__}: {str(error).strip()}"}
    colors = list(graph.edge_colors)
    return {
        **entry,
        "n_nodes": graph.n_nodes,
        "edges": [list(map(int, e)) for e in graph.edges()],
        "edge_colors": [int(c) for c in colors],
        "is_bipartite": graph.is_bipartite(),
        "is_connected": graph.is_connected(),
        "warnings": sorted({type(w.message).__name__ for w in caught}),
    }


def generate_graph():
    cases = []
    for length in (1, 2, 3, 4, 5):
        for pbc in (False, True):
            cases.append(describe_graph("Chain", length=length, pbc=pbc))
    for length in (1, 2, 3, 4):
        for pbc in (False, True):
            cases.append(describe_graph("Square", length=length, pbc=pbc))
            cases.append(describe_graph("Hypercube", length=length, n_dim=2, pbc=pbc))
    for pbc in (False, True):
        cases.append(describe_graph("Hypercube", length=3, n_dim=3, pbc=pbc))
        cases.append(describe_graph("Hypercube", length=2, n_dim=3, pbc=pbc))
        for extent in ([2, 3], [1, 4], [4, 1], [2, 2], [3, 4], [2, 2, 3], [1, 1], [5]):
            for color_edges in (False, True):
                cases.append(
                    describe_graph("Grid", extent=extent, pbc=pbc, color_edges=color_edges)
                )
    for extent, pbc in (([3, 4], [True, False]), ([3, 2], [False, True]), ([4, 3], [False, True])):
        cases.append(describe_graph("Grid", extent=extent, pbc=pbc, color_edges=True))
    for order in (2, 3):
        for pbc in (False, True):
            cases.append(
                describe_graph("Grid", extent=[4, 4], pbc=pbc, max_neighbor_order=order)
            )
        cases.append(describe_graph("Chain", length=6, pbc=True, max_neighbor_order=order))
    for length, pbc in ((2, False), (3, True)):
        cases.append(describe_graph("Triangular", extent=[length, length], pbc=pbc))
        cases.append(describe_graph("Honeycomb", extent=[length, length], pbc=pbc))
        cases.append(describe_graph("Kagome", extent=[length, length], pbc=pbc))
    write_json("graph", {"cases": cases})


# Operators


def write_operators(name, cases):
    """`cases`: name -> (hilbert spec, operator spec)."""
    described, tensors = [], {}
    for key, (hilbert_spec, spec) in cases.items():
        hilbert = build_hilbert(hilbert_spec)
        operator = build_operator(hilbert, spec)
        matrix = np.asarray(operator.to_dense())
        hermitian = bool(np.allclose(matrix, matrix.conj().T))
        entry = {
            "name": key,
            "hilbert": describe_hilbert(hilbert_spec, hilbert),
            "operator": spec,
            "dtype": str(np.dtype(operator.dtype)),
            "is_hermitian": hermitian,
            "netket_is_hermitian": bool(operator.is_hermitian),
            "max_conn_size": int(operator.max_conn_size),
        }
        if hermitian:
            entry["lowest"] = np.linalg.eigvalsh(matrix)[:3]
        described.append(entry)
        tensors[f"{key}.matrix"] = matrix
    write_json(f"operator_{name}", {"cases": described})
    write_tensors(f"operator_{name}", tensors)


def generate_operator_ising():
    cases = {}
    for inverted in (False, True):
        suffix = "_inverted" if inverted else ""
        cases |= {
            "chain4_open" + suffix: (spin(0.5, 4, inverted), ising(grid(4))),
            "chain4_pbc" + suffix: (spin(0.5, 4, inverted), ising(grid(4, pbc=True))),
            "square2x2_open" + suffix: (spin(0.5, 4, inverted), ising(grid(2, 2), 3.04438, 1.0)),
            "square2x3_open" + suffix: (spin(0.5, 6, inverted), ising(grid(2, 3), 0.9, -1.2)),
        }
    cases["square2x2_pbc"] = (spin(0.5, 4), ising(grid(2, 2, pbc=True), 1.0, 1.0))
    cases["chain2_pbc"] = (spin(0.5, 2), ising(grid(2, pbc=True), 1.0, 1.0))
    cases["square2x3_pbc"] = (spin(0.5, 6), ising(grid(2, 3, pbc=True)))
    cases["qubit3_open"] = (qubit(3), ising(grid(3)))
    cases["no_field"] = (spin(0.5, 3), ising(grid(3), 0.0, 1.0))
    write_operators("ising", cases)


def generate_operator_heisenberg():
    chain, ring, square = grid(4), grid(4, pbc=True), grid(2, 3)
    colored = grid(2, 3, color_edges=True)
    triangle = dict(edges=[[0, 1], [1, 2], [0, 2]])
    s4, s6 = spin(0.5, 4), spin(0.5, 6)
    cases = {
        "chain4_default": (s4, heisenberg(chain)),
        "chain4_sign_rule_true": (s4, heisenberg(chain, sign_rule=True)),
        "chain4_sign_rule_false": (s4, heisenberg(chain, sign_rule=False)),
        "chain4_inverted": (spin(0.5, 4, True), heisenberg(chain)),
        "ring4_default": (s4, heisenberg(ring, J=0.8)),
        "ring3_default": (spin(0.5, 3), heisenberg(grid(3, pbc=True))),
        "triangle_default": (spin(0.5, 3), heisenberg(triangle)),
        "square2x3_default": (s6, heisenberg(square, J=1.3)),
        "square2x3_color_default": (s6, heisenberg(colored, J=[1.0, 0.5])),
        "square2x3_color_sign_rule": (
            s6,
            heisenberg(colored, J=[1.0, 0.5], sign_rule=[True, False]),
        ),
        "next_nearest": (
            s6,
            heisenberg(grid(2, 3, max_neighbor_order=2), J=[1.0, 0.4]),
        ),
    }
    write_operators("heisenberg", cases)


def generate_operator_bose_hubbard():
    arguments = dict(U=1.3, V=0.4, J=0.8, mu=0.3)
    make = lambda graph, **more: dict(kind="bose_hubbard", graph=graph, **(arguments | more))
    write_operators(
        "bose_hubbard",
        {
            "chain3": (fock(2, 3), make(grid(3))),
            "ring3": (fock(2, 3), make(grid(3, pbc=True))),
            "square2x2": (fock(1, 4), make(grid(2, 2))),
            "plain": (fock(3, 2), dict(kind="bose_hubbard", graph=grid(2), U=4.0)),
        },
    )


def generate_operator_local():
    local = lambda sites, matrix: {"local": {"sites": sites, "matrix": matrix}}
    scale = lambda re, im, of: {"scale": {"by": [re, im], "of": of}}
    make = lambda expression: dict(kind="local", expression=expression)
    cases = {}
    for label, space in (
        ("spin1_2", spin(0.5, 1)),
        ("spin1_2_inverted", spin(0.5, 1, True)),
        ("spin1", spin(1, 1)),
        ("spin1_inverted", spin(1, 1, True)),
        ("spin3_2", spin(1.5, 1)),
        ("qubit", qubit(1)),
    ):
        for name in ("sigmax", "sigmay", "sigmaz", "sigmap", "sigmam"):
            cases[f"{label}_{name}"] = (space, make({name: 0}))
    for name in ("create", "destroy", "number"):
        cases[f"fock3_{name}"] = (fock(3, 1), make({name: 0}))
    two9 = local([0, 1], random_matrix(11, 9, hermitian=False))
    two9b = local([1, 2], random_matrix(12, 9, hermitian=False))
    skewed = local([2, 0], random_matrix(13, 9, hermitian=False))
    one3 = local([2], random_matrix(14, 3))
    three27 = local([0, 1, 2], random_matrix(15, 27, real=True))
    for label, space in (("spin1", spin(1, 3)), ("fock2", fock(2, 3))):
        cases |= {
            f"{label}_two_site": (space, make(two9)),
            f"{label}_reversed_sites": (space, make(skewed)),
            f"{label}_three_site": (space, make(three27)),
            f"{label}_sum": (space, make({"sum": [two9, two9b, one3]})),
            f"{label}_difference": (space, make({"difference": [two9, skewed]})),
            f"{label}_scaled": (space, make(scale(0.5, -1.5, two9b))),
            f"{label}_constant": (space, make({"sum": [one3, {"constant": 2.5}]})),
            f"{label}_product": (space, make({"product": [two9, two9b]})),
            f"{label}_product_reversed": (space, make({"product": [two9b, two9]})),
            f"{label}_product_same_site": (space, make({"product": [one3, skewed]})),
            f"{label}_adjoint": (space, make({"adjoint": two9})),
            f"{label}_conjugate": (space, make({"conjugate": two9})),
            f"{label}_transpose": (space, make({"transpose": two9})),
            f"{label}_hermitian": (
                space,
                make({"sum": [two9, {"adjoint": two9}, scale(0.3, 0, three27)]}),
            ),
        }
    for label in ("difference", "scaled", "constant", "conjugate", "transpose", "three_site"):
        del cases[f"fock2_{label}"]  # nothing new over spin 1
    half, half_inverted = spin(0.5, 3), spin(0.5, 3, True)
    pauli = {
        "sum": [
            {"product": [{"sigmax": 0}, {"sigmay": 1}]},
            scale(0.5, 0, {"product": [{"sigmaz": 1}, {"sigmaz": 2}]}),
            scale(0, 1.0, {"sigmap": 0}),
            {"product": [{"sigmap": 1}, {"sigmam": 2}]},
            {"constant": -0.75},
        ]
    }
    cases["spin1_2_pauli"] = (half, make(pauli))
    cases["spin1_2_pauli_inverted"] = (half_inverted, make(pauli))
    cases["spin1_2_reversed_sites"] = (
        half,
        make(local([2, 0, 1], random_matrix(16, 8, hermitian=False))),
    )
    hopping = {"product": [{"create": 0}, {"destroy": 2}]}
    cases["fock2_hopping"] = (
        fock(2, 3),
        make({"sum": [hopping, {"adjoint": hopping}, {"number": 1}]}),
    )
    write_operators("local", cases)


# Files of variables


def generate_mpack():
    """What Flax and NetKet write of tiny networks, and log psi of all states."""
    small = dict(layers=2, features=2, full_sum=False)
    cases = []
    for dtype in ("float64", "complex128"):
        nets = {
            "dense": dense_case(3, dtype=dtype, **small),
            "conv1d": conv1d_case(4, kernel_size=2, dtype=dtype, **small),
            "conv2d": model_case((2, 2), kernel_size=(2, 2), dtype=dtype, **small),
        }
        for kind, c in nets.items():
            hilbert = build_hilbert(c["hilbert"])
            state = nk.vqs.MCState(
                nk.sampler.ARDirectSampler(hilbert), build_model(hilbert, c), n_samples=8, seed=3
            )
            state.parameters = perturb(state.parameters, 5)
            state.sample()
            name = f"mpack_{kind}_{dtype}"
            (DATA / f"{name}.mpack").write_bytes(flax.serialization.to_bytes(state.variables))
            (DATA / f"{name}_state.mpack").write_bytes(flax.serialization.to_bytes(state))
            sigma = hilbert.all_states()
            cases.append(
                dict(
                    name=name,
                    **c,
                    index=hilbert.states_to_local_indices(sigma),
                    log_psi=np.asarray(state.log_value(sigma), dtype=complex),
                )
            )
    # The last ones again, in pieces as Flax writes what is above 1 GiB.
    whole, flax.serialization.MAX_CHUNK_SIZE = flax.serialization.MAX_CHUNK_SIZE, 64
    (DATA / "mpack_chunked.mpack").write_bytes(flax.serialization.to_bytes(state.variables))
    flax.serialization.MAX_CHUNK_SIZE = whole
    scalars = {"a": np.float64(1.5), "b": np.complex128(2 - 1j), "c": 3.25, "d": 1 + 4j}
    scalars |= {"e": np.float32(0.1), "f": np.ones((2, 0)), "g": np.array(7.0)}
    (DATA / "mpack_scalars.mpack").write_bytes(
        flax.serialization.to_bytes({"params": {"m": scalars}})
    )
    write_json("mpack", {"cases": cases})


# Activations


def activation_cases():
    """(name in a run file, function, whether it acts on complex numbers)."""
    nn, reim = jax.nn, nk.nn.activation.reim
    analytic = {
        "gelu": nn.gelu,
        "silu": nn.silu,
        "softplus": nn.softplus,
        "sigmoid": nn.sigmoid,
        "tanh": jnp.tanh,
        "log_cosh": nk.nn.log_cosh,
        "sin": jnp.sin,
        "identity": nn.identity,
    }
    for name, f in analytic.items():
        yield name, f, True
    split = [
        ("selu", nn.selu),
        ("relu", nn.relu),
        ("elu", nn.elu),
        ({"elu": 0.3}, partial(nn.elu, alpha=0.3)),
        ("celu", nn.celu),
        ({"celu": 0.3}, partial(nn.celu, alpha=0.3)),
        ("leaky_relu", nn.leaky_relu),
        ({"leaky_relu": 0.2}, partial(nn.leaky_relu, negative_slope=0.2)),
        ("gelu_exact", partial(nn.gelu, approximate=False)),
    ]
    for name, f in split:
        yield name, f, False
    # `reim` wants a function with a name; of a real number it is the function itself.
    for name, f in split + [("tanh", jnp.tanh), ("softplus", nn.softplus), ("sin", jnp.sin)]:
        if isinstance(name, dict):
            ((name, parameter),) = name.items()
            name = {f"reim_{name}": parameter}
        else:
            name = f"reim_{name}"
        yield name, reim(wraps(nn.relu)(f)), True


def generate_activation():
    rng = np.random.default_rng(7)
    reals = np.concatenate(
        [[0.0, 1e-9, -1e-9, 1e-3, -1e-3, 20, -20, 60, -60], np.linspace(-8, 8, 33), rng.normal(size=8)]
    )
    complexes = np.concatenate(
        [
            rng.normal(size=16) + 1j * rng.normal(size=16),
            3 * rng.normal(size=16) + 5j * rng.normal(size=16),
            [1e-5 - 2e-5j, 30 + 1j, -30 + 1j, 1e-3 + 7j, -2 - 40j, 0.5j],
        ]
    )
    cases, out = [], {}
    for dtype in ("float32", "float64", "complex64", "complex128"):
        is_complex = dtype.startswith("complex")
        x = jnp.asarray(complexes if is_complex else reals, dtype=dtype)
        out[f"{dtype}.x"] = x
        for name, f, on_complex in activation_cases():
            if is_complex and not on_complex:
                continue
            text = json.dumps(name)
            is_reim = "reim_" in text
            if is_reim and not is_complex:
                continue
            key = f"{dtype}.{len(cases)}"
            # Of the parts apart, both slopes as one complex number; else the derivative.
            tangent = jnp.full_like(x, 1 + 1j if is_reim else 1)
            value, slope = jax.jvp(f, (x,), (tangent,))
            out[f"{key}.value"], out[f"{key}.slope"] = value, slope
            cases.append(dict(key=key, dtype=dtype, activation=name))
    write_json("activation", {"cases": cases})
    write_tensors("activation", out)


# Modules and initialisers


def generate_initializers():
    init = jax.nn.initializers
    scaling = init.variance_scaling
    cases = {
        "zeros": init.zeros,
        "ones": init.ones,
        "constant": init.constant(-1.5),
        "normal": init.normal(0.3),
        "uniform": init.uniform(0.7),
        "truncated_normal": init.truncated_normal(0.3, lower=-1.0, upper=2.5),
        "lecun_normal": init.lecun_normal(),
        "lecun_uniform": init.lecun_uniform(),
        "he_normal": init.he_normal(),
        "he_uniform": init.he_uniform(),
        "glorot_normal": init.glorot_normal(),
        "glorot_uniform": init.glorot_uniform(),
        "orthogonal": init.orthogonal(1.3),
        "delta_orthogonal": init.delta_orthogonal(0.7),
        "truncated_above": init.truncated_normal(0.3, lower=0.0, upper=1.5),
        "fan_out_normal": scaling(0.5, "fan_out", "normal"),
        "fan_avg_normal": scaling(2.0, "fan_avg", "normal"),
        "fan_geo_avg_uniform": scaling(1.0, "fan_geo_avg", "uniform"),
        "fan_in_normal_axes": scaling(1.0, "fan_in", "normal", in_axis=0, out_axis=1),
        "embed": scaling(1.0, "fan_in", "normal", out_axis=0),
    }
    rows = []
    for name, initializer in cases.items():
        for shape in ((2, 3, 2, 3), (5, 4), (4, 5), (4, 3, 3), (3,)):
            for dtype in ("float32", "float64", "complex64", "complex128"):
                row = {"name": name, "shape": shape, "dtype": dtype}
                try:
                    row["values"] = bits_of(initializer(jax.random.key(7), shape, np.dtype(dtype)))
                except Exception as error:
                    row["error"] = type(error).__name__
                rows.append(row)
    write_json("initializers", {"seed": 7, "cases": rows})


class Foo(nn.Module):
    @nn.compact
    def __call__(self, x):
        h = nn.Dense(4)(x)
        return nn.Dense(2)(h)


class Inner(nn.Module):
    features: int

    @nn.compact
    def __call__(self, x):
        gain = self.param("gain", nn.initializers.normal(0.5), (x.shape[-1],), jnp.float64)
        x = nn.LayerNorm(param_dtype=jnp.float64, name="norm")(x * gain)
        return nn.Dense(self.features, param_dtype=jnp.float64)(x)


class Outer(nn.Module):
    @nn.compact
    def __call__(self, x):
        twice = Inner(x.shape[-1])
        x = twice(jnp.tanh(twice(x)))
        x = Inner(3)(x)
        offset = self.param("offset", nn.initializers.uniform(0.1), (3,), jnp.float64)
        self.sow("intermediates", "h", x)
        x = self.perturb("h_offset", x)
        count = self.variable("stats", "scale", lambda: jnp.full((1,), 2.0))
        return nn.Dense(2, param_dtype=jnp.float64)(x + offset) * count.value


def module_cases():
    real = lambda *shape: jax.random.normal(jax.random.key(11), shape, jnp.float64)
    f64 = {"param_dtype": jnp.float64}
    wave = real(2, 7, 4)
    image = real(2, 5, 6, 2)
    return {
        "dense_f32": (nn.Dense(4), real(3, 5).astype(jnp.float32)),
        "dense_f64": (nn.Dense(4, **f64), real(2, 3, 5)),
        "dense_c128": (nn.Dense(4, use_bias=False, param_dtype=complex), real(3, 5)),
        "dense_int": (nn.Dense(2), jnp.asarray([[1, -1, 1], [-1, -1, 1]], jnp.int8)),
        "dense_biased": (nn.Dense(2, bias_init=nn.initializers.normal(1.0), **f64), real(3, 5)),
        "conv_same": (nn.Conv(3, (3,), bias_init=nn.initializers.normal(1.0), **f64), wave),
        "conv_f32": (nn.Conv(3, (4,)), wave.astype(jnp.float32)),
        "conv_valid": (nn.Conv(3, (3,), padding="VALID", strides=2, **f64), wave),
        "conv_same_strides": (nn.Conv(3, (4,), strides=3, kernel_dilation=2, **f64), wave),
        "conv_circular": (nn.Conv(3, (4,), padding="CIRCULAR", kernel_dilation=2, **f64), wave),
        "conv_reflect": (nn.Conv(3, (5,), padding="REFLECT", **f64), wave),
        "conv_causal": (nn.Conv(3, (3,), padding="CAUSAL", kernel_dilation=2, **f64), wave),
        "conv_explicit": (nn.Conv(3, (3,), padding=[(0, 2)], input_dilation=2, **f64), wave),
        "conv_groups": (nn.Conv(6, (3,), feature_group_count=2, **f64), wave),
        "conv_one": (nn.Conv(3, (3,), **f64), wave[0]),
        "conv_batches": (nn.Conv(3, (3,), **f64), wave.reshape(1, 2, 7, 4)),
        "conv_2d": (nn.Conv(3, (2, 3), strides=(1, 2), **f64), image),
        "conv_2d_circular": (nn.Conv(3, (3, 2), padding="CIRCULAR", **f64), image),
        "conv_c128": (nn.Conv(3, (2, 3), param_dtype=complex), image),
        "embed": (nn.Embed(5, 3, **f64), jnp.asarray([[0, 1, 4], [-1, -2, 2]], jnp.int32)),
        "embed_one": (nn.Embed(1, 3), jnp.asarray([0, 0], jnp.int32)),
        "layer_norm_f32": (nn.LayerNorm(), real(3, 5).astype(jnp.float32)),
        "layer_norm_f64": (
            nn.LayerNorm(
                scale_init=nn.initializers.normal(1.0), bias_init=nn.initializers.normal(1.0), **f64
            ),
            real(2, 3, 5),
        ),
        "layer_norm_plain": (nn.LayerNorm(use_scale=False, use_bias=False), real(3, 5)),
        "layer_norm_axes": (
            nn.LayerNorm(
                reduction_axes=(1, 2),
                feature_axes=(1, 2),
                scale_init=nn.initializers.normal(1.0),
                **f64,
            ),
            real(2, 3, 5),
        ),
        "layer_norm_c128": (
            nn.LayerNorm(param_dtype=complex),
            real(3, 5) + 1j * real(3, 5)[::-1],
        ),
        "foo": (Foo(), jnp.ones((16, 9), jnp.float32)),
        "outer": (Outer(), real(4, 5)),
    }


def generate_module():
    tensors, cases = {}, []
    for name, (module, x) in module_cases().items():
        output, variables = module.init_with_output(jax.random.key(3), x)
        _, captured = module.apply(
            variables, x, capture_intermediates=True, mutable=["intermediates"]
        )
        tensors[f"{name}.x"] = np.asarray(x, np.float64) if x.dtype.kind == "i" else x
        tensors[f"{name}.y"] = output
        described = {}
        for collection, tree in {**variables, **captured}.items():
            described[collection] = {}
            for path, value in flax.traverse_util.flatten_dict(tree, sep="/").items():
                values = value if isinstance(value, tuple) else (value,)
                for i, array in enumerate(values):
                    tensors[f"{name}.{collection}.{path}.{i}"] = array
                described[collection][path] = [f"{a.dtype}{list(a.shape)}" for a in values]
        cases.append(
            {
                "name": name,
                "x_dtype": str(x.dtype),
                "x_shape": x.shape,
                "y_dtype": str(output.dtype),
                "y_shape": output.shape,
                "variables": described,
                "module_paths": {
                    path: type(m).__name__
                    for path, m in module.module_paths(jax.random.key(3), x).items()
                },
            }
        )
    write_tensors("module", tensors)
    write_json("module", {"seed": 3, "cases": cases})


def generate_fast():
    """The cached networks: `conditional` site by site, with its cache."""
    hilbert = nk.hilbert.Spin(0.5, 9)
    common = dict(hilbert=hilbert, layers=2, features=3, bias_init=jax.nn.initializers.ones)
    models = {
        "dense": nk.models.FastARNNDense(**common),
        "conv1d": nk.models.FastARNNConv1D(kernel_size=3, kernel_dilation=2, **common),
        "conv2d": nk.models.FastARNNConv2D(
            kernel_size=(2, 3), kernel_dilation=(2, 1), param_dtype=complex, **common
        ),
        "conv2d_f32": nk.models.FastARNNConv2D(
            kernel_size=(3, 3), param_dtype=jnp.float32, **common
        ),
    }
    sigma = hilbert.random_state(jax.random.key(0), 4, dtype=jnp.int8)
    tensors = {"sigma": np.asarray(sigma, np.float64)}
    for name, model in models.items():
        variables = model.init(jax.random.key(3), sigma, 0, method=model.conditional)
        for layer in (0, 1):
            for leaf in ("kernel", "bias"):
                tensors[f"{name}.params._layers_{layer}.{leaf}"] = variables["params"][
                    f"_layers_{layer}"
                ][leaf]
        for index in range(9):
            p, changed = model.apply(
                variables, sigma, index, method=model.conditional, mutable=["cache"]
            )
            variables = {**variables, **changed}
            tensors[f"{name}.p.{index}"] = p
            for layer in (0, 1):
                tensors[f"{name}.cache.{index}._layers_{layer}"] = variables["cache"][
                    f"_layers_{layer}"
                ]["inputs"]
    write_tensors("fast", tensors)


# Text


def generate_tabulate():
    hilbert = nk.hilbert.Spin(0.5, 16)
    model = nk.models.ARNNConv2D(hilbert=hilbert, layers=3, features=8, kernel_size=(2, 3))
    sigma = hilbert.random_state(jax.random.key(0), 4)
    console = {"width": 120, "force_terminal": False, "color_system": None}
    table = lambda m=model, **args: m.tabulate(
        jax.random.key(0), sigma, console_kwargs=console, **args
    )
    complex_model = model.clone(param_dtype=complex, use_bias=False)
    for name, text in (
        ("tabulate", table(compute_flops=False)),
        ("tabulate_depth0", table(depth=0)),
        ("tabulate_depth1", table(depth=1)),
        ("tabulate_flops", table(compute_flops=True, compute_vjp_flops=True)),
        ("tabulate_complex_no_bias", table(complex_model)),
    ):
        (DATA / f"{name}.txt").write_text(text)
    # Flax shows collections in the order of a set, which changes from run to run.
    table_init = flax.linen.summary.Table.__init__
    flax.linen.summary.Table.__init__ = lambda self, module, collections, rows: table_init(
        self, module, sorted(collections), rows
    )
    key, x = jax.random.key(0), jnp.ones((16, 9), jnp.float32)
    console = {**console, "width": 200}
    outer = jnp.ones((4, 5), jnp.float64)
    fast = nk.models.FastARNNConv2D(hilbert=hilbert, layers=2, features=3, kernel_size=(2, 3))
    for name, text in (
        ("foo", Foo().tabulate(key, x, console_kwargs=console)),
        ("outer_depth0", Outer().tabulate(key, outer, depth=0, console_kwargs=console)),
        ("outer_depth1", Outer().tabulate(key, outer, depth=1, console_kwargs=console)),
        ("outer_params", Outer().tabulate(key, outer, mutable=["params", "stats"], console_kwargs=console)),
        (
            "outer_repeated",
            Outer().tabulate(key, outer, show_repeated=True, console_kwargs=console),
        ),
        ("conditional", fast.tabulate(key, sigma, 3, method="conditional", console_kwargs=console)),
        ("conditionals", fast.tabulate(key, sigma, method="conditionals", console_kwargs=console)),
        ("reorder", fast.tabulate(key, sigma, method="reorder", console_kwargs=console)),
    ):
        (DATA / f"tabulate_{name}.txt").write_text(text)


def generate_jsonlog():
    for name, dtype in (("jsonlog_example", "float64"), ("jsonlog_complex", "complex128")):
        c = run_case((3, 3), "vmc", dict(kind="sgd", learning_rate=0.05), dtype=dtype)
        driver, state, _ = start_run(c)
        with tempfile.TemporaryDirectory() as folder:
            prefix = f"{folder}/run"
            log = nk.logging.JsonLog(prefix, save_params=True)
            driver.run(5, out=log, show_progress=False)
            log.flush(state)
            (DATA / f"{name}.json").write_bytes(Path(f"{prefix}.log").read_bytes())
            (DATA / f"{name}.mpack").write_bytes(Path(f"{prefix}.mpack").read_bytes())
        write_tensors(f"{name}_params", dict(leaves(state.parameters)))


def jobs():
    yield "random", generate_random
    yield "hilbert", generate_hilbert
    yield "graph", generate_graph
    yield "operator_ising", generate_operator_ising
    yield "operator_heisenberg", generate_operator_heisenberg
    yield "operator_bose_hubbard", generate_operator_bose_hubbard
    yield "operator_local", generate_operator_local
    for name, cases in (
        ("pauli", operators.pauli_cases(spin, qubit)),
        ("fermion", operators.fermion_cases()),
        ("graph", operators.graph_cases(spin, fock)),
    ):
        yield f"operator_{name}", partial(write_operators, name, cases)
    yield "activation", generate_activation
    yield "mpack", generate_mpack
    yield "tabulate", generate_tabulate
    yield "jsonlog", generate_jsonlog
    yield "initializers", generate_initializers
    yield "module", generate_module
    yield "fast", generate_fast
    for name, c in model_cases().items():
        yield f"model_{name}", lambda name=name, c=c: generate_model(name, c)
    for name, c in run_cases().items():
        yield f"run_{name}", lambda name=name, c=c: generate_run(name, c)


def main():
    DATA.mkdir(exist_ok=True)
    wanted = tuple(sys.argv[1:])
    failed = []
    for name, generate in jobs():
        if wanted and not name.startswith(wanted):
            continue
        try:
            generate()
            print(name, flush=True)
        except Exception as error:
            failed.append(name)
            print(f"{name}: {type(error).__name__}: {str(error)[:600]}", flush=True)
    if failed:
        sys.exit(f"failed: {' '.join(failed)}")


if __name__ == "__main__":
    main()
