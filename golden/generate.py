"""Golden reference data for autoket, made by running NetKet.

    python -m venv .venv
    .venv/bin/pip install -r requirements.txt
    .venv/bin/python generate.py                # everything
    .venv/bin/python generate.py model_f64_base random   # only what starts so

Each kind of data has one function; README.md says what the files hold.
"""

import os
import sys
import warnings

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("NETKET_ENABLE_X64", "1")
warnings.filterwarnings("ignore")

import lattices
from activations import generate_activation
from files import generate_jsonlog, generate_mpack
from models import generate_model, model_cases
from modules import generate_fast, generate_initializers, generate_module, generate_tabulate
from operators import (
    generate_operator_bose_hubbard,
    generate_operator_heisenberg,
    generate_operator_ising,
    generate_operator_local,
    generate_operator_strings,
)
from random_numbers import generate_random
from recurrent_modules import generate_recurrent_modules
from runs import generate_run, run_cases
from spaces import generate_graph, generate_hilbert
from writing import DATA, write_json


def jobs():
    yield "random", generate_random
    yield "hilbert", generate_hilbert
    yield "graph", generate_graph
    yield "lattices", lambda: write_json("lattices", lattices.cases())
    yield "operator_ising", generate_operator_ising
    yield "operator_heisenberg", generate_operator_heisenberg
    yield "operator_bose_hubbard", generate_operator_bose_hubbard
    yield "operator_local", generate_operator_local
    yield "operator_strings", generate_operator_strings
    yield "activation", generate_activation
    yield "mpack", generate_mpack
    yield "tabulate", generate_tabulate
    yield "jsonlog", generate_jsonlog
    yield "initializers", generate_initializers
    yield "module", generate_module
    yield "fast", generate_fast
    yield "recurrent_modules", generate_recurrent_modules
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
