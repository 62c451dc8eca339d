"""A step driven from Python beside the same step in the program: `python bench/overhead.py`.

Wants the installed package, whose program it runs: both are one build. Prints a table in Markdown.
"""

import itertools
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import autoket as nk

STEPS = 100
RUNS = 5
RUN_FILE = """
lattice = {{ kind = "square", extent = [{length}, {length}], pbc = true }}
hamiltonian = {{ kind = "Ising", h = 3.0 }}
model = {{ kind = "ARNNConv2D", layers = {layers}, features = {features}, kernel_size = [2, 3] }}
sampler = {{ n_samples = {n_samples} }}
optimizer = {{ kind = "Sgd", learning_rate = 0.02 }}
sr = {{ diag_shift = 0.01 }}
run = {{ steps = {steps}, final_samples = 64, checkpoint_every = 1000000 }}
"""
CASES = [
    {"length": 4, "layers": 2, "features": 4, "n_samples": 256},
    {"length": 6, "layers": 3, "features": 8, "n_samples": 512},
    {"length": 8, "layers": 3, "features": 16, "n_samples": 1024},
]


def median_step(times: list[float]) -> float:
    """From one step of a log to the next."""
    steps = sorted(after - before for before, after in itertools.pairwise(times))
    return steps[len(steps) // 2]


def in_program(folder: Path, case: dict[str, int]) -> float:
    """Seconds of a step of `autoket run`."""
    (folder / "run.toml").write_text(RUN_FILE.format(steps=STEPS, **case))
    command = [sys.executable, "-m", "autoket", "run", "run.toml", "--quiet", "--overwrite", "--out", "out"]
    subprocess.run(command, cwd=folder, check=True)
    return median_step(json.loads((folder / "out/log.json").read_text())["wallclock"]["value"])


def in_python(folder: Path, case: dict[str, int]) -> float:
    """Seconds of a step of `driver.run`, with a progress bar nobody sees and a log."""
    hilbert = nk.hilbert.Spin(0.5, case["length"] ** 2)
    model = nk.models.ARNNConv2D(hilbert, layers=case["layers"], features=case["features"], kernel_size=(2, 3))
    state = nk.vqs.MCState(nk.sampler.ARDirectSampler(hilbert), model, n_samples=case["n_samples"], seed=0)
    hamiltonian = nk.operator.Ising(hilbert, nk.graph.Square(case["length"]), h=3.0, J=-1.0)
    driver = nk.driver.VMC_SR(hamiltonian, nk.optimizer.Sgd(0.02), diag_shift=0.01, variational_state=state)
    log = driver.run(STEPS, str(folder / "log"), show_progress=False)[0]
    return median_step(list(log["wallclock"].values))


def main() -> None:
    print("| lattice | layers x features | samples | program, ms | Python, ms | ratio |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for case in CASES:
            # In turn: both see the same weather.
            pairs = [(in_program(Path(name), case), in_python(Path(name), case)) for _ in range(RUNS)]
            program, python = (sorted(times)[RUNS // 2] for times in zip(*pairs, strict=True))
            size = f"{case['length']}x{case['length']} | {case['layers']} x {case['features']} | {case['n_samples']}"
            print(f"| {size} | {1e3 * program:.2f} | {1e3 * python:.2f} | {python / program:.3f} |", flush=True)


if __name__ == "__main__":
    main()
