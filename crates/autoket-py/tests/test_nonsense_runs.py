"""Nonsense at every entry of states, drivers, rules, samplers, logs and callbacks: a fitting exception, or an answer."""

from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_nonsense import CHAIN, ISING, SPINS, values

import autoket as nk

MODEL = nk.models.ARNNDense(SPINS, layers=1, features=2)
SAMPLER = nk.sampler.ARDirectSampler(SPINS)
MC = nk.vqs.MCState(SAMPLER, MODEL, n_samples=4, seed=0)
FULL = nk.vqs.FullSumState(SPINS, MODEL, seed=0)
SGD = nk.optimizer.Sgd(0.01)
SR = nk.optimizer.SR(diag_shift=0.1)
TENSOR = FULL.quantum_geometric_tensor()
LOG = nk.logging.RuntimeLog()
STATS = nk.stats.Stats(-1.0, 0.1, 2.0)

things = st.one_of(
    values,
    st.sampled_from(
        [MODEL, SAMPLER, MC, FULL, SGD, SR, TENSOR, LOG, STATS, MC.parameters, FULL.variables, lambda *_: 0]
    ),
)
# A number of steps that ends, and a path that stays here.
few = things.filter(lambda x: not isinstance(x, int) or abs(x) < 9)
here = st.one_of(st.text("ab.é\x00 ", max_size=4), values.filter(lambda x: not isinstance(x, str | bytes)))


def driver(kind=nk.VMC, **fields):
    return kind(ISING, SGD, variational_state=nk.vqs.MCState(SAMPLER, MODEL, n_samples=4, seed=0), **fields)


def run(*args, **keywords):
    return driver().run(*args, show_progress=False, **keywords)


def logged(kind, *args, **keywords):
    """A log that was made is used."""
    return run(2, kind(*args, **keywords))


def watched(kind, *args, **keywords):
    """A callback that was made is used."""
    return run(2, callback=kind(*args, **keywords))


def preconditioned(*args, **keywords):
    driver(preconditioner=nk.optimizer.SR(*args, **keywords)).advance()


def moved(kind, *args, **keywords):
    """A rule that was made is used."""
    nk.VMC(ISING, kind(*args, **keywords), variational_state=nk.vqs.FullSumState(SPINS, MODEL, seed=0)).advance(2)


def methods(thing, *without):
    return {
        f"{type(thing).__name__}.{name}": getattr(thing, name)
        for name in dir(type(thing))
        if callable(getattr(type(thing), name)) and not name.startswith("_") and name not in without
    }


ENTRIES = {
    "MCState": nk.vqs.MCState,
    "MCState of parts": partial(nk.vqs.MCState, SAMPLER, MODEL),
    "FullSumState": nk.vqs.FullSumState,
    "FullSumState of parts": partial(nk.vqs.FullSumState, SPINS, MODEL),
    **methods(MC),
    **methods(FULL),
    **methods(TENSOR),
    **methods(STATS),
    "matmul": lambda *args: TENSOR @ args[0],
    **{f"set {n}": partial(setattr, MC, n) for n in ("parameters", "variables", "n_samples")},
    "VMC": nk.VMC,
    "VMC_SR": nk.VMC_SR,
    "VMC of parts": driver,
    "VMC_SR of parts": partial(driver, nk.VMC_SR),
    "estimate": lambda *args: driver().estimate(*args),
    **{name: getattr(nk.sampler, name) for name in nk.sampler.__all__},
    **{
        n: partial(moved, getattr(nk.optimizer, n))
        for n in ("Sgd", "Momentum", "Adam", "AMSGrad", "AdaGrad", "RmsProp")
    },
    "SR": preconditioned,
    **{f"qgt.{name}": getattr(nk.optimizer.qgt, name) for name in nk.optimizer.qgt.__all__},
    **{f"solver.{name}": getattr(nk.optimizer.solver, name) for name in nk.optimizer.solver.__all__},
    "solver of a matrix": partial(nk.optimizer.solver.pinv_smooth, np.eye(3)),
    **{
        n: partial(watched, getattr(nk.callbacks, n))
        for n in ("EarlyStopping", "InvalidLossStopping", "ConvergenceStopping", "Timeout")
    },
    "convergence": partial(watched, nk.callbacks.ConvergenceStopping, -1.0),
    "RuntimeLog": LOG,
    "RuntimeLog at a step": partial(LOG, 0),
    "History.append": nk.logging.History().append,
    "Stats": lambda *args, **keywords: repr(nk.stats.Stats(*args, **keywords)),
    **{f"random.{name}": getattr(nk.random, name) for name in nk.random.__all__},
    "jax.PRNGKey": nk.jax.PRNGKey,
    "jax.PRNGSeq": lambda *args: next(nk.jax.PRNGSeq(*args)),
    **{f"serialization.{name}": getattr(nk.serialization, name) for name in nk.serialization.__all__},
    "from_bytes": partial(nk.serialization.from_bytes, MC),
    "from_state_dict": partial(nk.serialization.from_state_dict, MC),
}

RUNS = {
    "run": run,
    "run of steps": partial(run, 2),
    "advance": lambda *args: driver().advance(*args),
    "iter": lambda *args: list(driver().iter(*args)),
}

LOGS = {
    name: partial(logged, getattr(nk.logging, name)) for name in ("JsonLog", "StateLog", "TensorBoardLog", "HDF5Log")
} | {
    "run to": lambda *args: run(1, *args),
    "deserialize": nk.logging.RuntimeLog.deserialize,
    "serialize": LOG.serialize,
    "save": MC.save,
    "load": MC.load,
}

NAMES = """n_samples n_samples_per_rank chunk_size variables seed sampler_seed variational_state preconditioner
diag_shift momentum linear_solver use_ntk learning_rate beta b1 eps monitor patience mode save_every write_every tar
rtol rcond x0 obs step_size callback out timeit shape dtype minval metadata min_delta baseline solver form qgt""".split()

FITTING = (
    TypeError,
    ValueError,
    IndexError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    OSError,
    FloatingPointError,
)
CALM = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def attempt(entry, args, keywords):
    try:
        entry(*args, **keywords)
    except FITTING:
        pass
    except OverflowError as error:
        # Of Python's own numbers, before anything is built.
        assert "too large" in str(error) or "convert" in str(error) or "negative" in str(error)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", ENTRIES)
@CALM
@given(args=st.lists(things, max_size=4), keywords=st.dictionaries(st.sampled_from(NAMES), things, max_size=2))
def test_no_panic_crosses_the_border(tmp_path, monkeypatch, entry, args, keywords):
    monkeypatch.chdir(tmp_path)
    attempt(ENTRIES[entry], args, keywords)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", RUNS)
@CALM
@given(args=st.lists(few, max_size=4), keywords=st.dictionaries(st.sampled_from(["obs", "step_size", "callback"]), few))
def test_no_run_panics(tmp_path, monkeypatch, entry, args, keywords):
    monkeypatch.chdir(tmp_path)
    attempt(RUNS[entry], args, keywords)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", LOGS)
@CALM
@given(
    args=st.lists(here, max_size=3),
    keywords=st.dictionaries(st.sampled_from(["mode", "tar", "write_every", "metadata"]), here),
)
def test_no_log_panics(tmp_path, monkeypatch, entry, args, keywords):
    monkeypatch.chdir(tmp_path)
    attempt(LOGS[entry], args, keywords)


def test_what_was_made_before_the_nonsense_still_works():
    state = nk.vqs.MCState(SAMPLER, MODEL, n_samples=4, seed=0)
    run(2)
    assert np.isfinite(state.expect(ISING).mean)
    assert CHAIN.n_nodes == 3
