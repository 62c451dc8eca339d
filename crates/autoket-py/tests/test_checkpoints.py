"""Drivers that go on from a file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autoket as nk


def driver(rule: Any, full: bool = False, dtype: Any = float, momentum: float | None = 0.8) -> Any:
    """A run of a small model."""
    graph = nk.graph.Chain(5)
    hilbert = nk.hilbert.Spin(0.5, 5)
    model = nk.models.ARNNDense(hilbert, layers=2, features=3, param_dtype=dtype)
    sampler = nk.sampler.ARDirectSampler(hilbert)
    state: Any = nk.vqs.MCState(sampler, model, n_samples=50, seed=1)
    if full:
        state = nk.vqs.FullSumState(hilbert, model, seed=1)
    hamiltonian = nk.operator.Ising(hilbert, graph, h=1.0)
    return nk.driver.VMC_SR(hamiltonian, rule, diag_shift=0.01, momentum=momentum, variational_state=state)


def energies(run: Any, steps: int) -> list[Any]:
    """Of so many steps."""
    log = nk.logging.RuntimeLog()
    run.run(steps, log, show_progress=False)
    found: list[Any] = log["Energy"]["Mean"].tolist()
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("rule", [nk.optimizer.Sgd(0.02), nk.optimizer.Adam(0.01), nk.optimizer.Momentum(0.01)])
def test_a_run_goes_on_to_the_last_bit(rule: Any, full: bool, dtype: Any, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    run, again = driver(rule, full, dtype), driver(rule, full, dtype)
    energies(run, 3)
    run.save(path)
    again.load(path)
    assert again.step_count == 3
    assert energies(run, 3) == energies(again, 3)
    for one, other in zip(run.state.parameters.values(), again.state.parameters.values(), strict=True):
        for name in one:
            assert np.array_equal(one[name], other[name])


def test_a_file_is_saved_at_the_end_of_a_step(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"

    class Saves(nk.callbacks.AbstractCallback):
        def on_step_end(self, step: int, log_data: dict[str, Any], driver: Any) -> None:
            driver.save(path)

    run, again = driver(nk.optimizer.Sgd(0.02)), driver(nk.optimizer.Sgd(0.02))
    run.run(2, callback=Saves(), show_progress=False)
    again.load(path)
    assert energies(run, 2) == energies(again, 2)
    half = run.iter(1)
    next(half)
    with pytest.raises(ValueError, match="between two steps"):
        run.save(path)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    run = driver(nk.optimizer.Sgd(0.02))
    energies(run, 1)
    run.save(path)
    with pytest.raises(ValueError, match="mean"):
        driver(nk.optimizer.Adam(0.02)).load(path)
    with pytest.raises(ValueError, match="float32"):
        driver(nk.optimizer.Sgd(0.02), dtype=np.float32).load(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        run.load(path)
    with pytest.raises(FileNotFoundError):
        run.load(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError):
        run.save(tmp_path / "nowhere" / "run.safetensors")
    optax = pytest.importorskip("optax")
    foreign = driver(optax.sgd(0.02))
    with pytest.raises(TypeError, match="optax"):
        foreign.save(path)
