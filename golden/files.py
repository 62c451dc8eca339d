"""Files of variables and logs, as Flax and NetKet write them."""

import tempfile
from pathlib import Path

import flax
import netket as nk
import numpy as np

from descriptions import build_hilbert
from models import (
    build_model,
    conv1d_case,
    dense_case,
    leaves,
    model_case,
    perturb,
    recurrent_case,
)
from runs import run_case, start_run
from writing import DATA, write_json, write_tensors


def generate_mpack():
    """What Flax and NetKet write of tiny networks, and log psi of all states."""
    small = dict(layers=2, features=2, full_sum=False)
    cases = []
    for dtype in ("float64", "complex128"):
        nets = {
            "dense": dense_case(3, dtype=dtype, **small),
            "conv1d": conv1d_case(4, kernel_size=2, dtype=dtype, **small),
            "lstm": recurrent_case(extent=(2, 2), ordering="graph", dtype=dtype, **small),
            "gru": recurrent_case(model="GRUNet1D", extent=(1, 3), dtype=dtype, **small),
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
