"""Runs with a checkpoint: whatever ends a script, started again it ends as if it had run once."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autoket as nk

STEPS = 40

SCRIPT = """
import sys, time
import autoket as nk

graph = nk.graph.Chain(6)
hilbert = nk.hilbert.Spin(0.5, 6)
model = nk.models.ARNNDense(hilbert, layers=2, features=3)
state = nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), model, n_samples=100, seed=1)
hamiltonian = nk.operator.Ising(hilbert, graph, h=1.0)
driver = nk.driver.VMC_SR(hamiltonian, nk.optimizer.Adam(0.01), diag_shift=0.01, momentum=0.5, variational_state=state)
slowly = lambda step, log_data, driver: time.sleep(float(sys.argv[1])) or True
obs = {"x": nk.operator.spin.sigmax(hilbert, 0)}
driver.run(int(sys.argv[2]), "run", obs, 3, False, callback=slowly, checkpoint="run.ckpt", checkpoint_every=2)
state.save("end.mpack")
print("ended", flush=True)
"""


def start(folder: Path, pause: float = 0.0, steps: int = STEPS, launcher: tuple[str, ...] = ()) -> Any:
    (folder / "script.py").write_text(SCRIPT)
    command = [*launcher, sys.executable, "script.py", str(pause), str(steps)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=folder, **pipes)


def outcome(folder: Path) -> tuple[Any, bytes]:
    """The log but for the clock, and the parameters."""
    log = json.loads((folder / "run.log").read_text())
    del log["wallclock"]
    return log, (folder / "end.mpack").read_bytes()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, bytes]:
    folder = tmp_path_factory.mktemp("once")
    _, errors = (run := start(folder)).communicate()
    assert run.returncode == 0, errors
    found = outcome(folder)
    assert found[0]["Energy"]["iters"] == list(range(STEPS))
    return found


def wait_for(path: Path) -> None:
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until, f"no {path}"
        time.sleep(0.01)


def test_a_killed_script_goes_on_to_the_last_bit(undisturbed: tuple[Any, bytes], tmp_path: Path) -> None:
    chance = random.Random(5)
    kills = 0
    while True:
        run = start(tmp_path, 0.1 if kills < 8 else 0.0)
        if kills < 8:
            # At some instant after it has begun to go on.
            wait_for(tmp_path / "run.log")
            time.sleep(chance.uniform(0.3, 1.5))
            run.send_signal(signal.SIGKILL)
        output, errors = run.communicate()
        if output == "ended\n":
            break
        assert run.returncode == -signal.SIGKILL, errors
        kills += 1
    assert kills > 2
    assert "going on after step" in errors
    assert outcome(tmp_path) == undisturbed
    # Once more there is nothing to do.
    output, errors = start(tmp_path).communicate()
    assert output == "ended\n"
    assert outcome(tmp_path) == undisturbed


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)])
def test_a_stopped_script_saves(
    number: signal.Signals, status: int, undisturbed: tuple[Any, bytes], tmp_path: Path
) -> None:
    run = start(tmp_path, 0.1)
    wait_for(tmp_path / "run.ckpt.before")
    run.send_signal(number)
    output, errors = run.communicate(timeout=30)
    assert (output, run.returncode) == ("", status), errors
    done = json.loads((tmp_path / "run.log").read_text())["Energy"]["iters"]
    assert 3 <= len(done) < STEPS
    output, errors = start(tmp_path).communicate()
    assert f"going on after step {len(done)}," in errors
    assert outcome(tmp_path) == undisturbed


def test_a_full_disk_loses_nothing(undisturbed: tuple[Any, bytes], tmp_path: Path) -> None:
    """Files that may not grow beyond some kB: checkpoints are longer, and then logs as well."""
    start(tmp_path, steps=6).communicate()
    for limit in (8, 1):
        run = start(tmp_path, launcher=("bash", "-c", f'ulimit -f {limit}; exec "$@"', "_"))
        _, errors = run.communicate(timeout=60)
        assert run.returncode == 1 and "File too large" in errors, errors
    output, errors = start(tmp_path).communicate()
    assert output == "ended\n", errors
    assert "going on after step 6" in errors
    assert outcome(tmp_path) == undisturbed


def test_sigusr1_asks_for_a_checkpoint(tmp_path: Path) -> None:
    driver, path = small_driver(), tmp_path / "run.ckpt"
    saved = []

    def asks(step: int, log_data: dict[str, Any], driver: Any) -> bool:
        if step == 3:
            assert not path.exists()
            os.kill(os.getpid(), signal.SIGUSR1)
        if step == 4:
            saved.append(path.exists())
        return True

    driver.run(6, callback=asks, show_progress=False, checkpoint=path, checkpoint_every=100)
    assert saved == [True]


def small_driver(seed: int = 1) -> Any:
    hilbert = nk.hilbert.Spin(0.5, 4)
    model = nk.models.ARNNDense(hilbert, layers=2, features=2)
    state = nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), model, n_samples=50, seed=seed)
    hamiltonian = nk.operator.Ising(hilbert, nk.graph.Chain(4), h=1.0)
    return nk.driver.VMC(hamiltonian, nk.optimizer.Sgd(0.05), variational_state=state)


def energies(driver: Any, steps: int, path: Path | None = None, **options: Any) -> list[float]:
    log = nk.logging.RuntimeLog()
    driver.run(steps, log, show_progress=False, checkpoint=path, **options)
    return log["Energy"]["Mean"].tolist() if "Energy" in log.data else []


def test_steps_are_counted_from_the_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.ckpt"
    whole = energies(small_driver(), 9)
    first = small_driver()
    assert energies(first, 4, path) == whole[:4]
    assert first.step_count == 4
    # The same driver, and another.
    assert energies(first, 6, path) == whole[4:6]
    second = small_driver(seed=7)
    assert energies(second, 9, path) == whole[6:]
    assert second.step_count == 9
    assert "RuntimeLog begins with step 6" in capsys.readouterr().err
    # The file is further than is asked for, or not as far as the driver.
    assert energies(small_driver(), 3, path) == []
    ahead = small_driver()
    ahead.advance(11)
    before = ahead.state.parameters
    with pytest.raises(ValueError, match=r"`checkpoint`: expected a file of step 11 or later.*step 9"):
        ahead.run(20, show_progress=False, checkpoint=path)
    assert ahead.step_count == 11
    for name, array in before.items():
        assert all(np.array_equal(array[k], ahead.state.parameters[name][k]) for k in array)


def test_a_damaged_file_is_named_and_the_one_before_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, before = tmp_path / "run.ckpt", tmp_path / "run.ckpt.before"
    energies(small_driver(), 3, path)
    energies(small_driver(), 5, path)
    assert before.exists()
    whole = energies(small_driver(), 6)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert energies(small_driver(), 6, path) == whole[3:]
    said = capsys.readouterr().err
    assert "is damaged" in said and "trying" in said and "after step 3" in said
    assert (tmp_path / "run.ckpt.damaged").read_bytes() == bytes(content)
    # Killed between the two motions of a write: one file is there.
    path.unlink()
    assert len(energies(small_driver(), 6, path)) in (1, 3)
    for file in (path, before):
        file.write_bytes(bytes(content))
    with pytest.raises(ValueError, match="damaged"):
        energies(small_driver(), 6, path)


def test_a_step_half_done_is_not_saved(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"

    def fails(step: int, log_data: dict[str, Any], driver: Any) -> bool:
        if step == 3:
            raise RuntimeError("no more")
        return True

    with pytest.raises(RuntimeError, match="no more"):
        energies(small_driver(), 6, path, callback=fails, checkpoint_every=1)
    again = small_driver()
    assert energies(again, 6, path) == energies(small_driver(), 6)[3:]


def test_what_contradicts_itself_is_refused(tmp_path: Path) -> None:
    driver = small_driver()
    with pytest.raises(ValueError, match="`checkpoint_every`: expected None without a checkpoint"):
        driver.run(1, checkpoint_every=3)
    with pytest.raises(ValueError, match="`checkpoint_every`"):
        driver.run(1, checkpoint="x", checkpoint_every=0)
    with pytest.raises(TypeError, match="`checkpoint`: expected a path"):
        driver.run(1, checkpoint=3)
    energies(driver, 2, tmp_path / "run.ckpt")
    other = nk.hilbert.Spin(0.5, 5)
    state: Any = nk.vqs.FullSumState(other, nk.models.ARNNDense(other, layers=1, features=1), seed=1)
    wrong = nk.driver.VMC(
        nk.operator.Ising(other, nk.graph.Chain(5), h=1.0), nk.optimizer.Sgd(0.1), variational_state=state
    )
    with pytest.raises(ValueError):
        wrong.run(3, checkpoint=tmp_path / "run.ckpt", show_progress=False)
    assert wrong.step_count == 0


def test_hdf5_goes_on(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")

    def run(steps: int, path: Path, name: str) -> None:
        log = nk.logging.HDF5Log(tmp_path / name, mode="append")
        small_driver().run(steps, log, show_progress=False, checkpoint=path, checkpoint_every=2)

    run(7, tmp_path / "once.ckpt", "once")
    run(3, tmp_path / "run.ckpt", "run")
    kept = (tmp_path / "run.ckpt").read_bytes()
    run(5, tmp_path / "run.ckpt", "run")
    # As if it had been killed behind the checkpoint of step 3.
    (tmp_path / "run.ckpt").write_bytes(kept)
    run(7, tmp_path / "run.ckpt", "run")
    with h5py.File(tmp_path / "once.h5") as once, h5py.File(tmp_path / "run.h5") as again:
        for name in ("iter", "Mean", "Variance"):
            assert np.array_equal(once["data/Energy"][name][:], again["data/Energy"][name][:])
