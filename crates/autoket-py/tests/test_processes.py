"""Children, threads, pools: none hangs, and all have the same numbers. Each script has its own interpreter, and a limit."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SETUP = """
import autoket as nk

def energies(seed, steps=3):
    hilbert = nk.hilbert.Spin(0.5, 8)
    model = nk.models.ARNNDense(hilbert, layers=2, features=4)
    state = nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), model, n_samples=512, seed=seed)
    hamiltonian = nk.operator.Ising(hilbert, nk.graph.Chain(8), h=1.0)
    run = nk.VMC_SR(hamiltonian, nk.optimizer.Sgd(0.05), diag_shift=0.01, variational_state=state)
    log = run.run(steps, nk.logging.RuntimeLog(), show_progress=False)[0]
    return [*log["Energy"].Mean, state.expect(hamiltonian).mean, *nk.exact.lanczos_ed(hamiltonian)]
"""


def run_script(tmp_path, body, seconds=60):
    path = tmp_path / "script.py"
    path.write_text(SETUP + textwrap.dedent(body))
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_child_of_fork_works(tmp_path):
    out = run_script(
        tmp_path,
        """
        import os
        before = energies(0)
        for _ in range(2):
            child = os.fork()
            if child == 0:
                os._exit(0 if energies(0) == before else 7)
            assert os.waitpid(child, 0)[1] == 0, "the child has other numbers"
        assert energies(0) == before
        print("done")
        """,
    )
    assert out == ["done"]


def test_a_child_goes_on_with_what_its_parent_made(tmp_path):
    out = run_script(
        tmp_path,
        """
        import os
        hilbert = nk.hilbert.Spin(0.5, 8)
        model = nk.models.ARNNDense(hilbert, layers=2, features=4)
        state = nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), model, n_samples=512, seed=0)
        run = nk.VMC(nk.operator.Ising(hilbert, nk.graph.Chain(8), h=1.0), nk.optimizer.Adam(0.01), variational_state=state)
        run.advance(2)
        reader, writer = os.pipe()
        if os.fork() == 0:
            run.advance(2)
            os.write(writer, repr(float(run.energy.mean)).encode())
            os._exit(0)
        os.wait()
        run.advance(2)
        assert float(os.read(reader, 100)) == run.energy.mean
        print("done")
        """,
    )
    assert out == ["done"]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools_of_processes_work(tmp_path, method):
    out = run_script(
        tmp_path,
        f"""
        import multiprocessing
        if __name__ == "__main__":
            expected = [energies(seed) for seed in (0, 1, 2)]
            with multiprocessing.get_context({method!r}).Pool(2) as pool:
                assert pool.map(energies, (0, 1, 2)) == expected
            print("done")
        """,
        seconds=120,
    )
    assert out == ["done"]


def test_states_cross_to_another_process_and_back(tmp_path):
    out = run_script(
        tmp_path,
        """
        import multiprocessing

        def advance(run_parts):
            hamiltonian, state = run_parts
            run = nk.VMC(hamiltonian, nk.optimizer.Sgd(0.05), variational_state=state)
            run.advance(2)
            return state

        if __name__ == "__main__":
            hilbert = nk.hilbert.Spin(0.5, 4)
            model = nk.models.ARNNDense(hilbert, layers=2, features=4)
            state = nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), model, n_samples=64, seed=0)
            hamiltonian = nk.operator.Ising(hilbert, nk.graph.Chain(4), h=1.0)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                there = pool.apply(advance, ((hamiltonian, state),))
            here = advance((hamiltonian, state))
            assert (there.samples == here.samples).all()
            print("done")
        """,
    )
    assert out == ["done"]


def test_threads_have_the_numbers_of_one(tmp_path):
    out = run_script(
        tmp_path,
        """
        from concurrent.futures import ThreadPoolExecutor
        expected = [energies(seed) for seed in range(4)]
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(energies, range(4))) == expected
        print("done")
        """,
    )
    assert out == ["done"]


def test_one_state_in_many_threads_is_one_state(tmp_path):
    out = run_script(
        tmp_path,
        """
        from concurrent.futures import ThreadPoolExecutor
        hilbert = nk.hilbert.Spin(0.5, 8)
        model = nk.models.ARNNDense(hilbert, layers=2, features=4)
        make = lambda: nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), model, n_samples=64, seed=0)
        alone, shared = make(), make()
        drawn = {alone.sample().tobytes() for _ in range(20)}
        with ThreadPoolExecutor(4) as pool:
            assert {samples.tobytes() for samples in pool.map(lambda _: shared.sample(), range(20))} == drawn
        print("done")
        """,
    )
    assert out == ["done"]


def test_the_number_of_threads_is_the_environments(tmp_path, monkeypatch):
    body = """
        import os
        energies(0)
        print(sum("autoket-" in open(f"/proc/self/task/{task}/comm").read() for task in os.listdir("/proc/self/task")))
        print(*energies(0))
    """
    outputs = []
    for n in ("1", "3"):
        monkeypatch.setenv("RAYON_NUM_THREADS", n)
        outputs.append(run_script(tmp_path, body))
    os_threads, *numbers = zip(*outputs, strict=True)
    assert os_threads == ("1", "3")
    # Not a bit depends on how many there are.
    assert all(one == three for one, three in numbers)


def test_the_program_is_in_the_package(tmp_path):
    run_file = Path(__file__).parents[3] / "examples/ising_4x4.toml"

    def program(*arguments):
        return subprocess.run([sys.executable, "-m", "autoket", *arguments], capture_output=True, text=True, timeout=60)

    shown = program("inspect", str(run_file))
    assert shown.returncode == 0, shown.stderr
    assert "ARNNConv2D" in shown.stdout
    assert program("--version").stdout.startswith("autoket ")
    wrong = program("run", str(tmp_path / "none.toml"))
    assert wrong.returncode != 0 and "none.toml" in wrong.stderr
    assert "Usage" in program("--help").stdout
    assert program("nonsense").returncode == 2
