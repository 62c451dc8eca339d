"""Scripts on many ranks, by mpirun: the numbers are those of one process, and no rank waits for ever."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

import autoket as nk

pytestmark = pytest.mark.skipif(
    shutil.which("mpirun") is None or not nk._native.has_mpi,
    reason="needs mpirun, and the package built with the feature mpi",
)

PROBLEM = """
import hashlib, os, signal, sys, time
import numpy as np
import autoket as nk

rank = nk.ranks.rank()
hilbert = nk.hilbert.Spin(0.5, 9, total_sz=0.5)
hamiltonian = nk.operator.Heisenberg(hilbert, nk.graph.Square(3), J=1.0 + 1e-9 * rank * ("other_h" in sys.argv))
activation = [nk.nn.activation.reim_selu, nk.nn.activation.tanh][rank % 2 if "other_model" in sys.argv else 0]
model = nk.models.ARNNConv2D(hilbert, layers=2, features=3, kernel_size=(2, 2), activation=activation)
seed = rank if "other_seed" in sys.argv else 3
state = nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), model, n_samples=300, seed=seed)
driver = nk.VMC_SR(hamiltonian, nk.optimizer.Adam(0.02), diag_shift=0.01, variational_state=state)

def fingerprint():
    return hashlib.sha1(state.to_array().tobytes()).hexdigest()
"""


def mpirun(n, script, *args, cwd, **options):
    """Run a script, which begins with `PROBLEM`."""
    path = cwd / "script.py"
    path.write_text(PROBLEM + script)
    command = ["mpirun", "--oversubscribe", "-n", str(n)] if n else []
    environment = {
        **os.environ,
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_mpi_yield_when_idle": "1",
    }
    command += [sys.executable, str(path), *args]
    return subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def ended(process, seconds=60):
    """Status, output and errors; it fails if the processes hang."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        pytest.fail("it hangs")
    return process.returncode, out, err


RUN = """
z = nk.operator.spin.sigmaz(hilbert, 0)
log = driver.run(4, "log", obs={"z": z}, show_progress=True)[0]
driver.save("half")
driver.run(4, show_progress=False)
whole = fingerprint()
driver.load("half")
state.save("state.mpack")
driver.run(4, show_progress=False)
assert fingerprint() == whole
tensor = state.quantum_geometric_tensor().to_dense()
numbers = [whole, hashlib.sha1(tensor.tobytes()).hexdigest(), str(state.expect(hamiltonian))]
full = nk.vqs.FullSumState(hilbert, model, seed=1)
energy, gradient = full.expect_and_grad(hamiltonian)
numbers += [repr(energy.mean), hashlib.sha1(repr(gradient).encode()).hexdigest()]
state.load("state.mpack")
numbers.append(fingerprint())
fresh = nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), model, n_samples=100)
fresh.expect(hamiltonian)
if nk.ranks.is_first():
    print(numbers)
"""


def test_the_number_of_ranks_does_not_matter(tmp_path):
    """Runs, observables, metrics, sums over all states, files: bit for bit, and one rank writes and speaks."""
    seen = []
    for n in [0, 1, 2, 3, 4]:
        folder = tmp_path / str(n)
        folder.mkdir()
        status, out, err = ended(mpirun(n, RUN, cwd=folder))
        assert status == 0, err
        assert out.count("\n") == 1
        assert err.count("4/4") <= 2, err
        files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "log.log"}
        log = json.loads((folder / "log.log").read_text())
        del log["wallclock"]
        # The order of notes in a header is nobody's.
        files["half"] = files["half"][int.from_bytes(files["half"][:8], "little") + 8 :]
        seen.append((out, files, log))
    assert set(seen[0][1]) == {"half", "log.mpack", "script.py", "state.mpack"}
    for other in seen[1:]:
        assert other == seen[0]


DIFFER = """
if "other_observable" in sys.argv:
    state.expect(nk.operator.spin.sigmaz(hilbert, rank))
driver.run(3, show_progress=False)
"""


@pytest.mark.parametrize("kind", ["other_h", "other_seed", "other_model", "other_observable"])
def test_ranks_that_differ_are_told(kind, tmp_path):
    """A Hamiltonian, model or seed that is not the same on all ranks is no silent mixture."""
    status, _, err = ended(mpirun(3, DIFFER, kind, cwd=tmp_path))
    assert status != 0
    assert "ranks 0 and 1 ask for" in err
    assert "of different models, parameters, samples or operators" in err


ALONE = """
if rank == 1:
    print(state.expect(hamiltonian))
if sys.argv[1] == "runs":
    driver.run(3, show_progress=False)
"""


@pytest.mark.parametrize(("then", "told"), [("runs", "rank 0 asks for"), ("ends", "has ended")])
def test_what_one_rank_does_alone_is_told(then, told, tmp_path):
    """It would wait for the others for ever."""
    status, _, err = ended(mpirun(3, ALONE, then, cwd=tmp_path))
    assert status != 0
    assert told in err
    assert "let all ranks do the same" in err


FAILS = """
def callback(step, log_data, driver):
    if step == 2 and rank == 1:
        if sys.argv[1] == "raises":
            raise ValueError("no more")
        if sys.argv[1] == "stops":
            return False
        if sys.argv[1] == "exits":
            sys.exit(3)
        os.kill(os.getpid(), signal.SIGKILL)
    return True

if sys.argv[1] == "early" and rank == 1:
    raise ValueError("no more")
driver.run(5, "/proc/none/log" if sys.argv[1] == "log" else None, callback=callback, show_progress=False)
if rank == 0:
    print("steps", driver.step_count)
"""


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("raises", "rank 1 has failed: ValueError: no more"),
        ("exits", "SystemExit"),
        ("dies", "signal 9"),
        ("early", "no more"),
        ("log", "/proc/none"),
    ],
)
def test_a_rank_that_fails_ends_all(how, told, tmp_path):
    """With a message, and none hangs."""
    status, out, err = ended(mpirun(3, FAILS, how, cwd=tmp_path))
    assert status != 0
    assert told in err
    assert "steps" not in out


def test_one_rank_can_stop_all(tmp_path):
    """A callback that says stop in one rank stops the run in all."""
    status, out, err = ended(mpirun(3, FAILS, "stops", cwd=tmp_path))
    assert status == 0, err
    assert out == "steps 2\n"
    assert err.count("Stopped early") == 1


INTERRUPTED = """
def callback(step, log_data, driver):
    if step == 1 and rank == 0:
        print("begun", flush=True)
    time.sleep(0.02)
    return True

try:
    driver.run(10**6, "log", callback=callback, show_progress=False)
except KeyboardInterrupt:
    steps = driver.step_count
    driver.run(2, show_progress=False)
    if rank == 0:
        print(steps, driver.step_count)
"""


def test_ctrl_c_stops_all(tmp_path):
    """Between two steps, the same in all ranks, which may go on, whichever was told."""
    process = mpirun(3, INTERRUPTED, cwd=tmp_path)
    assert process.stdout.readline() == "begun\n"
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True)
    ranks = [int(child) for child in children.stdout.split()]
    assert len(ranks) == 3
    os.kill(ranks[1], signal.SIGINT)
    status, out, err = ended(process)
    assert status == 0, err
    steps, after = map(int, out.split())
    assert steps >= 1
    assert after == steps + 2
    log = json.loads((tmp_path / "log.log").read_text())
    assert len(log["Energy"]["iters"]) == steps


GOES_ON = """
def callback(step, log_data, driver):
    if step == int(sys.argv[1]) and rank == 1:
        with open("sent", "w") as file:
            file.write(str(step))
        os.kill(os.getpid(), getattr(signal, sys.argv[2]))
    time.sleep(0.05 if sys.argv[2] == "SIGTERM" else 0.0)
    return True

driver.run(12, "log", show_progress=False, callback=callback, checkpoint="run.ckpt", checkpoint_every=3)
found = fingerprint()
if rank == 0:
    print(found)
"""


def test_a_script_goes_on_with_other_ranks(tmp_path):
    once, again = tmp_path / "once", tmp_path / "again"
    for folder in (once, again):
        folder.mkdir()
    status, whole, err = ended(mpirun(0, GOES_ON, "99", "SIGTERM", cwd=once))
    assert status == 0, err
    # A signal to one rank is heard by all: a checkpoint, an end between two steps, an end at once.
    for ranks, at, number in ((2, "1", "SIGUSR1"), (3, "5", "SIGTERM"), (2, "8", "SIGKILL")):
        status, out, err = ended(mpirun(ranks, GOES_ON, at, number, cwd=again))
        assert (again / "sent").read_text() == at, err
        if number == "SIGUSR1":
            assert (status, out) == (0, whole), err
            # As if it had ended there.
            (again / "run.ckpt").unlink()
            (again / "run.ckpt.before").unlink()
            (again / "log.log").unlink()
            continue
        assert status != 0
        assert "running" not in err
        (again / "sent").unlink()
    status, out, err = ended(mpirun(4, GOES_ON, "99", "SIGTERM", cwd=again))
    assert (status, out) == (0, whole), err
    assert "going on after step 6" in err
    logs = [json.loads((folder / "log.log").read_text())["Energy"] for folder in (once, again)]
    assert logs[0] == logs[1]


CHILDREN = """
import multiprocessing

def in_child(_):
    hilbert = nk.hilbert.Spin(0.5, 4)
    model = nk.models.ARNNDense(hilbert, layers=1, features=2)
    state = nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), model, n_samples=10, seed=1)
    return nk.ranks.size(), state.samples.shape[1]

def tell(what):
    # The terminal that mpirun gives to ranks may mix their lines.
    with open(f"told_{rank}", "a") as file:
        print(what, file=file)

if __name__ == "__main__":
    state.expect(hamiltonian)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        forked = pool.map(in_child, [0])
    tell(forked)
    child = os.fork()
    if child == 0:
        # It has no part in what the ranks share.
        state.sample()
        os._exit(0)
    tell(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    import subprocess
    code = "import autoket as nk; print(nk.ranks.size())"
    tell(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip())
"""


def test_children_are_no_ranks(tmp_path):
    """Processes that a rank starts are alone, and cannot disturb it."""
    status, _, err = ended(mpirun(2, CHILDREN, cwd=tmp_path))
    assert status == 0, err
    for rank in (0, 1):
        assert (tmp_path / f"told_{rank}").read_text().split("\n") == ["[(1, 10)]", "1", "1", ""]
    assert "a child process of a rank has no part" in err


def test_it_is_alone_without_a_launcher():
    """As every script is."""
    assert nk.ranks.size() == 1
    assert nk.ranks.rank() == 0
    assert nk.ranks.is_first()
