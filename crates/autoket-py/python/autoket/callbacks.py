"""What looks at a run, or stops it early.

A callback is a function `(step, log_data, driver)` that says whether to go on, or an `AbstractCallback`.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autoket._arguments import left_out as _left_out
from autoket._arguments import real_number, refuse, whole_number, wrong_type

__all__ = [
    "AbstractCallback",
    "ConvergenceStopping",
    "EarlyStopping",
    "InvalidLossStopping",
    "RunFinished",
    "StopRun",
    "Timeout",
]

LogData = dict[str, Any]


class StopRun(Exception):  # noqa: N818, the name is NetKet's
    """Raised by a callback, it ends the run, and `run` returns as usual."""


class RunFinished(StopRun):
    """The same where a run is over, not stopped early: nothing is said."""


class AbstractCallback:
    """Looks at a run at places of each step; override those that matter. Raise `StopRun` to end the run.

    Those of lower `callback_order` are called first: 0 for most, 10 for logs.
    """

    callback_order: int = 0

    def on_run_start(self, step: int, driver: Any) -> None:
        """Before the first step."""

    def on_step_start(self, step: int, log_data: LogData, driver: Any) -> None:
        """Before anything of a step is done."""

    def on_compute_update_start(self, step: int, log_data: LogData, driver: Any) -> None:
        """Before samples are drawn."""

    def on_compute_update_end(self, step: int, log_data: LogData, driver: Any) -> bool | None:
        """Energy and update are known. True: they are given up, and the step begins anew with other samples."""

    def before_parameter_update(self, step: int, log_data: LogData, driver: Any) -> None:
        """The energy is known; what is put into `log_data` is logged."""

    def on_step_end(self, step: int, log_data: LogData, driver: Any) -> None:
        """The parameters have moved, and the step is logged."""

    def on_run_end(self, step: int, driver: Any) -> None:
        """After the last step, and after `StopRun`."""

    def on_run_error(self, step: int, error: BaseException, driver: Any) -> None:
        """An exception, or Ctrl-C, ends the run."""


class FunctionCallback(AbstractCallback):
    """A function that says whether to go on, asked before the parameters move."""

    def __init__(self, function: Callable[[int, LogData, Any], bool]):
        self._function = function

    def before_parameter_update(self, step: int, log_data: LogData, driver: Any) -> None:
        """Ask."""
        if not self._function(step, log_data, driver):
            raise StopRun(f"the callback {self._function} asked to")


@dataclass
class Timeout(AbstractCallback):
    """Stops after so many seconds of a run."""

    timeout: float
    _start: float = field(default=math.nan, init=False, repr=False)

    def __post_init__(self) -> None:
        if not real_number("timeout", self.timeout) > 0.0:
            refuse("timeout", "a positive number of seconds", self.timeout, "raise it")

    def on_run_start(self, step: int, driver: Any) -> None:
        """Time counts from here."""
        self._start = time.monotonic()

    def on_step_end(self, step: int, log_data: LogData, driver: Any) -> None:
        """Look at the clock."""
        if time.monotonic() - self._start >= self.timeout:
            raise StopRun(f"{self.timeout} s are over")


_MONITORS = ("mean", "variance", "error_of_mean", "tau_corr", "R_hat", "Mean", "Variance", "Sigma", "TauCorr")


class _Watching(AbstractCallback):
    """Looks at a number of the loss: mean, variance or error_of_mean."""

    monitor: str
    patience: float

    def __post_init__(self) -> None:
        if not isinstance(self.monitor, str):
            wrong_type("monitor", "the name of a number of the loss", self.monitor)
        if self.monitor not in _MONITORS:
            refuse("monitor", f"one of {', '.join(_MONITORS)}", self.monitor, "mean is usual")
        for name in ("patience", "min_delta", "min_reldelta", "start_from_step", "target"):
            if hasattr(self, name):
                real_number(name, getattr(self, name))

    def on_step_end(self, step: int, log_data: LogData, driver: Any) -> None:
        """Look at the loss."""
        loss = log_data[driver._loss_name]
        self._see(step, float(np.real(getattr(loss, self.monitor))))

    def _see(self, step: int, loss: float) -> None:
        raise NotImplementedError


@dataclass
class InvalidLossStopping(_Watching):
    """Stops where the loss has not been finite for `patience` steps."""

    monitor: str = "mean"
    patience: float = 0
    _last_valid: int = field(default=0, init=False, repr=False)

    def _see(self, step: int, loss: float) -> None:
        if math.isfinite(loss):
            self._last_valid = step
        elif step - self._last_valid >= self.patience:
            raise StopRun(f"the loss is {loss}")


@dataclass
class EarlyStopping(_Watching):
    """Stops where the loss has not got better for more than `patience` steps.

    Args:
        min_delta: it must get better by more than this,
        min_reldelta: and by more than this times the best loss.
        patience: steps without improvement that are borne.
        baseline: what is not below this is no improvement, either.
        start_from_step: steps before it do not count.
        monitor: the number of the loss that counts: mean, variance or error_of_mean.
    """

    min_delta: float = 0.0
    min_reldelta: float = 0.0
    patience: float = 0
    baseline: float | None = None
    start_from_step: int = 0
    monitor: str = "mean"
    _best: float = field(default=math.inf, init=False, repr=False)
    _waited: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.baseline is not None:
            real_number("baseline", self.baseline)

    def _is_below(self, loss: float, bound: float) -> bool:
        return loss < min(bound - self.min_delta, bound * (1.0 - self.min_reldelta))

    def _see(self, step: int, loss: float) -> None:
        if step < self.start_from_step:
            return
        self._waited += 1
        if self._is_below(loss, self._best):
            self._best = loss
            if self.baseline is None or self._is_below(loss, self.baseline):
                self._waited = 0
        if self._waited > self.patience:
            raise StopRun(f"no improvement in {self._waited} steps; the best loss was {self._best}")


@dataclass
class ConvergenceStopping(_Watching):
    """Stops where the mean of the last losses has been at most `target` for more than `patience` steps."""

    target: float
    monitor: str = "mean"
    smoothing_window: int = field(default=10, kw_only=True)
    patience: float = field(default=10, kw_only=True)
    _losses: list[float] = field(default_factory=list, init=False, repr=False)
    _waited: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("smoothing_window", self.smoothing_window, least=1)

    def _see(self, step: int, loss: float) -> None:
        self._losses = [*self._losses, loss][-self.smoothing_window :]
        mean = sum(self._losses) / len(self._losses)
        self._waited = self._waited + 1 if mean <= self.target else 0
        if self._waited > self.patience:
            raise StopRun(f"the loss has been at most {self.target} for {self._waited} steps")


__getattr__ = _left_out(
    "callbacks",
    {
        "AutoChunkSize": "memory is bounded without chunks; leave it out",
        "AutoSlurmRequeue": "jobs are not put in queues; run(checkpoint=...) goes on in the next job",
    },
)
