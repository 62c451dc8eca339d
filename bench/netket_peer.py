"""The phases of a variational Monte Carlo step, timed on demand: NetKet's side of `cargo xtask bench`.

The argument is a workload as JSON. Each line read is the name of a phase; the answer is a line with
the seconds one call took, ready results included. `about` asks for versions instead. The settings are
the fastest stock NetKet has for these nets on a CPU; README.md gives the reasons.
"""

import json
import os
import sys
import time

# Answers go to the real output; whatever libraries print must not mix with them.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

import jax
import jax.numpy as jnp
import netket as nk
from netket._src.ngd.sr import _compute_sr_update
from netket._src.ngd.sr_srt_common import _prepare_input
from netket._src.ngd.srt import _compute_srt_update

DIAG_SHIFT = 0.01
ENERGY_CHUNK = 1024
JACOBIAN_CHUNK = 1


class Bench:
    def __init__(self, w):
        self.energy_chunk, self.jacobian_chunk = ENERGY_CHUNK, JACOBIAN_CHUNK
        rows, columns = w["extent"]
        if rows == 1:
            graph = nk.graph.Chain(columns, pbc=w["pbc"])
        else:
            graph = nk.graph.Grid([rows, columns], pbc=w["pbc"])
        hilbert = nk.hilbert.Spin(0.5, N=graph.n_nodes)
        if w["hamiltonian"] == "ising":
            self.hamiltonian = nk.operator.Ising(hilbert, graph, h=3.04438)
        else:
            self.hamiltonian = nk.operator.Heisenberg(hilbert, graph)
        match w["model"]:
            case "ARNNDense":  # FastARNNDense cannot be compiled
                model, kernel = nk.models.ARNNDense, {}
            case "ARNNConv1D":
                model, kernel = nk.models.FastARNNConv1D, {"kernel_size": w["kernel_size"][1]}
            case "ARNNConv2D":
                model, kernel = nk.models.FastARNNConv2D, {"kernel_size": tuple(w["kernel_size"])}
            case "LSTMNet" | "GRUNet1D" as name:
                model, kernel = getattr(nk.experimental.models, f"Fast{name}"), {}
                # NetKet's chunks do not compile over recurrent nets.
                self.energy_chunk = self.jacobian_chunk = None
        model = model(
            hilbert=hilbert,
            layers=w["layers"],
            features=w["features"],
            param_dtype=w["dtype"],
            **kernel,
        )
        sampler = nk.sampler.ARDirectSampler(hilbert, dtype=jnp.int8)
        self.state = nk.vqs.MCState(sampler, model, n_samples=w["n_samples"], seed=1)
        self.sr = w["netket_sr"]
        self.mode = "complex" if w["dtype"].startswith("complex") else "real"
        self.calls = {}

    def call(self, phase):
        """The call of a phase, made once; None where NetKet has no such phase."""
        if phase not in self.calls:
            make = getattr(self, phase, None)
            self.calls[phase] = make and make()
        return self.calls[phase]

    def seconds(self, phase):
        call = self.call(phase)
        if call is None:
            return None
        # Only the passes over connected states gain by chunks.
        self.state.chunk_size = self.energy_chunk if phase in ("local_energies", "step") else None
        jax.block_until_ready(self.state.samples)
        start = time.perf_counter()
        jax.block_until_ready(call())
        return time.perf_counter() - start

    def flat_samples(self):
        return self.state.samples.reshape(-1, self.state.hilbert.size)

    def sampling(self):
        def call():
            self.state.reset()
            return self.state.samples

        return call

    def log_psi(self):
        samples = self.flat_samples()
        return lambda: self.state.log_value(samples)

    def local_energies(self):
        return lambda: self.state.expect(self.hamiltonian).mean

    def log_derivatives(self):
        """The centred, scaled Jacobian, as `VMC_SR` and `QGTJacobianDense` make it."""
        if self.sr == "otf":  # makes no Jacobian
            return None
        state, samples = self.state, self.flat_samples()
        local_values = jax.random.normal(jax.random.key(0), samples.shape[:1])

        @jax.jit
        def rows(parameters):
            jacobian = nk.jax.jacobian(
                state._apply_fun,
                parameters,
                samples,
                state.model_state,
                mode=self.mode,
                dense=True,
                center=True,
                chunk_size=self.jacobian_chunk,
            )
            return _prepare_input(
                jacobian, local_values, mode=self.mode, scaling_factor=1 / samples.shape[0]
            )

        return lambda: rows(state.parameters)

    def solve(self):
        """`VMC_SR`'s matrix and Cholesky solution, given the rows."""
        if self.sr == "otf":
            return None
        rows, values = self.call("log_derivatives")()
        update = _compute_sr_update if self.sr == "qgt" else _compute_srt_update

        @jax.jit
        def solution(rows, values):
            return update(
                rows,
                values,
                diag_shift=DIAG_SHIFT,
                solver_fn=nk.optimizer.solver.cholesky,
                mode=self.mode,
                params_structure=self.state.parameters,
            )[0]

        return lambda: solution(rows, values)

    def step(self):
        optimizer = nk.optimizer.Sgd(1e-4)
        if self.sr in ("jdense", "otf"):
            if self.sr == "jdense":
                qgt = nk.optimizer.qgt.QGTJacobianDense(chunk_size=self.jacobian_chunk)
            else:
                qgt = nk.optimizer.qgt.QGTOnTheFly()
            preconditioner = nk.optimizer.SR(qgt=qgt, diag_shift=DIAG_SHIFT)
            driver = nk.driver.VMC(
                self.hamiltonian,
                optimizer,
                variational_state=self.state,
                preconditioner=preconditioner,
            )
        else:
            driver = nk.driver.VMC_SR(
                self.hamiltonian,
                optimizer,
                variational_state=self.state,
                diag_shift=DIAG_SHIFT,
                use_ntk=self.sr == "ntk",
                on_the_fly=False if self.sr == "ntk" else None,
                chunk_size_bwd=self.jacobian_chunk,
            )

        def call():
            driver.run(1, out=None, show_progress=False)
            return self.state.parameters

        return call


def about():
    return {
        "netket": nk.__version__,
        "jax": jax.__version__,
        "python": sys.version.split()[0],
        "devices": jax.device_count(),
    }


if __name__ == "__main__":
    bench = Bench(json.loads(sys.argv[1]))
    for line in sys.stdin:
        phase = line.strip()
        answer = about() if phase == "about" else bench.seconds(phase)
        print(json.dumps(answer), file=answers, flush=True)
