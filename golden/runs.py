"""The first steps of seeded runs."""

import netket as nk
import numpy as np
from netket.optimizer.qgt import QGTJacobianDense

from descriptions import (
    build_hilbert,
    build_operator,
    describe_hilbert,
    grid,
    heisenberg,
    ising,
    spin,
)
from models import build_model
from writing import flat, write_json, write_tensors


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
