"""Strong and weak scaling of a run over ranks: `python bench/ranks.py [RANKS ...]`.

Each rank has one thread. Strong: 1,024 samples shared by all ranks. Weak: 512 samples for each rank.
Wants `cargo build --release --features mpi` and mpirun. Prints a table in Markdown.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target/release/autoket"
STEPS = 30
RUNS = 3
RUN_FILE = """
lattice = {{ kind = "square", extent = [6, 6], pbc = true }}
hamiltonian = {{ kind = "Ising", h = 3.0 }}
model = {{ kind = "ARNNConv2D", layers = 3, features = 8, kernel_size = [3, 5] }}
sampler = {{ n_samples = {n_samples} }}
optimizer = {{ kind = "Sgd", learning_rate = 0.02 }}
sr = {{ diag_shift = 0.01 }}
run = {{ steps = {steps}, final_samples = 64, checkpoint_every = 1000000 }}
"""


def seconds_per_step(folder: Path, ranks: int, n_samples: int) -> float:
    """The median over runs of the median time from one step of the log to the next."""
    (folder / "run.toml").write_text(RUN_FILE.format(n_samples=n_samples, steps=STEPS))
    options = ["--oversubscribe", "--bind-to", "core"] if ranks <= (os.cpu_count() or 1) else ["--oversubscribe"]
    command = ["mpirun", *options, "-n", str(ranks), PROGRAM, "run", "run.toml", "--threads", "1"]
    environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    medians = []
    for _ in range(RUNS):
        arguments = [*command, "--quiet", "--overwrite", "--out", "out"]
        subprocess.run(arguments, cwd=folder, env=environment, check=True)
        times = json.loads((folder / "out/log.json").read_text())["wallclock"]["value"]
        steps = sorted(after - before for before, after in zip(times, times[1:], strict=False))
        medians.append(steps[len(steps) // 2])
    return sorted(medians)[RUNS // 2]


def main() -> None:
    counts = [int(argument) for argument in sys.argv[1:]] or [1, 2, 3, 4]
    print(f"{os.cpu_count()} cores; ms per step, one thread for each rank\n")
    print("| ranks | strong, 1,024 samples | speed-up | weak, 512 samples a rank | efficiency |")
    print("|---|---|---|---|---|")
    first: tuple[float, float] | None = None
    with tempfile.TemporaryDirectory() as name:
        for ranks in counts:
            strong = seconds_per_step(Path(name), ranks, 1024)
            weak = seconds_per_step(Path(name), ranks, 512 * ranks)
            first = first or (strong, weak)
            speed_up, efficiency = first[0] / strong, first[1] / weak
            print(f"| {ranks} | {1e3 * strong:.1f} | {speed_up:.2f} | {1e3 * weak:.1f} | {efficiency:.2f} |")


if __name__ == "__main__":
    main()
