"""Callbacks stop where NetKet's stop; estimates are printed as NetKet prints them."""

import math
import time
from types import SimpleNamespace

import netket as nk
import numpy as np
import pytest

import autoket as ak

LOSSES = {
    "falls": [-1.0 - 0.1 * i for i in range(30)],
    "settles": [-2.0 + math.exp(-i) for i in range(30)],
    "wavers": [-1.0 + 0.3 * math.sin(i) for i in range(30)],
    "positive": [1.0 / (1 + i // 4) for i in range(30)],
    "breaks": [-1.0] * 5 + [math.nan] * 25,
}

CALLBACKS = [
    ("EarlyStopping", {}),
    ("EarlyStopping", {"patience": 3}),
    ("EarlyStopping", {"patience": 3, "min_delta": 0.15}),
    ("EarlyStopping", {"patience": 2, "min_reldelta": 0.1}),
    ("EarlyStopping", {"patience": 6, "baseline": -1.5}),
    ("EarlyStopping", {"patience": 2, "start_from_step": 9}),
    ("ConvergenceStopping", {"target": -1.2, "patience": 2, "smoothing_window": 3}),
    ("ConvergenceStopping", {"target": 0.5}),
    ("InvalidLossStopping", {}),
    ("InvalidLossStopping", {"patience": 4}),
]


def stops_at(lib, kind, fields, losses):
    """The step at which the callback stops a run with these losses; None if it does not."""
    callback = getattr(lib.callbacks, kind)(**fields)
    for step, loss in enumerate(losses):
        stats = lib.stats.Stats(mean=loss, error_of_mean=0.1, variance=1.0)
        driver = SimpleNamespace(_loss_name="Energy", _loss_stats=stats, step_count=step)
        try:
            callback.on_step_end(step, {"Energy": stats}, driver)
        except lib.callbacks.StopRun:
            return step
    return None


@pytest.mark.parametrize("losses", LOSSES)
@pytest.mark.parametrize(("kind", "fields"), CALLBACKS)
def test_callbacks_stop_where_netkets_do(kind, fields, losses):
    assert stops_at(ak, kind, fields, LOSSES[losses]) == stops_at(nk, kind, fields, LOSSES[losses])


def small_driver():
    hilbert = ak.hilbert.Spin(0.5, 4)
    model = ak.models.ARNNDense(hilbert, layers=2, features=2)
    state = ak.vqs.MCState(ak.sampler.ARDirectSampler(hilbert), model, n_samples=64, seed=0)
    h = ak.operator.Ising(hilbert, ak.graph.Chain(4), h=1.0)
    return ak.VMC(h, ak.optimizer.Sgd(0.01), variational_state=state)


def test_the_step_that_stops_a_run_is_logged():
    driver, log = small_driver(), ak.logging.RuntimeLog()
    stop = ak.callbacks.ConvergenceStopping(target=1e9, patience=2)
    driver.run(50, log, callback=stop, show_progress=False)
    assert list(log["Energy"].iters) == [0, 1, 2]


def test_a_timeout_counts_from_the_start_of_each_run():
    driver = small_driver()
    timeout = ak.callbacks.Timeout(0.2)
    for _ in range(2):
        begin, before = time.monotonic(), driver.step_count
        driver.run(10**6, callback=timeout, show_progress=False)
        assert 0.2 <= time.monotonic() - begin < 5.0
        assert driver.step_count > before + 1


def test_hooks_of_a_callback_are_called_in_turn():
    seen = []

    class Seer(ak.callbacks.AbstractCallback):
        def on_run_start(self, step, driver):
            seen.append(("start", step))

        def before_parameter_update(self, step, log_data, driver):
            log_data["seen"] = step
            seen.append(("before", step))

        def on_step_end(self, step, log_data, driver):
            seen.append(("end", step))

        def on_run_end(self, step, driver):
            seen.append(("over", step))

    log = ak.logging.RuntimeLog()
    small_driver().run(2, log, callback=[Seer()], show_progress=False)
    steps = [("before", 0), ("end", 0), ("before", 1), ("end", 1)]
    assert seen == [("start", 0), *steps, ("over", 2)]
    assert list(log["seen"].values) == [0, 1]
    with pytest.raises(TypeError, match="callback"):
        small_driver().run(2, callback=[3], show_progress=False)


@pytest.mark.parametrize("mean", [-50.1862, 3.0, -0.0123456, 1e-5, 123456.789, 1.5 - 0.25j, 1e-4 + 3e-5j, math.nan])
@pytest.mark.parametrize("error", [0.0, 0.0013, 1.7, 3e-9, 2e-6, math.nan])
def test_estimates_are_printed_as_netket_prints_them(mean, error):
    ours = ak.stats.Stats(mean, error, 1.7e-3)
    theirs = nk.stats.Stats(mean, error, 1.7e-3)
    assert repr(ours) == repr(theirs)
    assert ours.to_dict().keys() == theirs.to_dict().keys()
    np.testing.assert_equal(ours.real().mean, theirs.real().mean)
