"""Ctrl-C in the midst of a step: within a second, and nothing is lost."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import autoket as ak


def big_driver():
    hilbert = ak.hilbert.Spin(0.5, 144)
    model = ak.models.ARNNConv2D(hilbert, layers=3, features=16, kernel_size=(3, 5))
    state = ak.vqs.MCState(ak.sampler.ARDirectSampler(hilbert), model, n_samples=8192, seed=0)
    h = ak.operator.Ising(hilbert, ak.graph.Square(12), h=3.0, J=-1.0)
    return ak.VMC(h, ak.optimizer.Sgd(0.01), variational_state=state)


def seconds_to_stop(work):
    """From a Ctrl-C, some time after the work began, to its end."""
    asked = []

    def ask():
        time.sleep(0.4)
        asked.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=ask)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        work()
    ended = time.monotonic()
    thread.join()
    return ended - asked[0]


def test_ctrl_c_stops_an_exact_diagonalisation():
    h = ak.operator.Ising(ak.hilbert.Spin(0.5, 14), ak.graph.Chain(14), h=1.0)
    assert seconds_to_stop(lambda: ak.exact.lanczos_ed(h, k=400)) < 5.0


def test_ctrl_c_stops_a_step_and_leaves_the_state_as_it_was():
    driver = big_driver()
    log = ak.logging.RuntimeLog()
    assert seconds_to_stop(lambda: driver.run(1000, log, show_progress=False)) < 5.0
    done = driver.step_count
    assert len(log.data.get("Energy", [])) == done
    # What is left is what so many whole steps leave.
    twin = big_driver()
    twin.advance(done)
    for layer, arrays in twin.state.parameters.items():
        for name, array in arrays.items():
            np.testing.assert_array_equal(driver.state.parameters[layer][name], array)
    np.testing.assert_array_equal(driver.state.sampler_key, twin.state.sampler_key)


def big_state():
    state = big_driver().state
    state.n_samples = 100_000
    return state


@pytest.mark.parametrize("what", ["sample", "log_value", "expect", "expect_and_grad", "quantum_geometric_tensor"])
def test_ctrl_c_stops_what_a_state_does_and_leaves_it_as_it_was(what):
    state = big_state()
    h = ak.operator.Ising(state.hilbert, ak.graph.Square(12), h=3.0, J=-1.0)
    few = state.sample(n_samples=64)
    many = state.hilbert.random_state(0, 100_000) if what == "log_value" else None
    work = {
        "sample": state.sample,
        "log_value": lambda: state.log_value(many),
        "expect": lambda: (state.reset(), state.expect(h)),
        "expect_and_grad": lambda: (state.reset(), state.expect_and_grad(h)),
        "quantum_geometric_tensor": lambda: (state.sample(n_samples=30_000), state.quantum_geometric_tensor()),
    }[what]
    key = state.sampler_key
    assert seconds_to_stop(work) < 5.0
    state.n_samples = 64
    if what in ("sample", "log_value"):
        # A draw that was stopped has drawn nothing.
        np.testing.assert_array_equal(state.sampler_key, key)
    assert np.isfinite(state.expect(h).mean)
    assert np.isfinite(state.log_value(few)).all()


def test_other_threads_run_during_a_step():
    driver = big_driver()
    counted = []

    def count():
        while not done.is_set():
            counted.append(time.monotonic())
            time.sleep(0.01)

    done = threading.Event()
    thread = threading.Thread(target=count)
    thread.start()
    begin = time.monotonic()
    driver.state.samples  # noqa: B018
    took = time.monotonic() - begin
    done.set()
    thread.join()
    # A thread that sleeps 10 ms at a time gets its turns while samples are drawn.
    during = sum(1 for t in counted if begin < t < begin + took)
    assert during > took / 0.1
