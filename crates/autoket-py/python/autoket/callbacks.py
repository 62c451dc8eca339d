"""What stops a run early, or looks at it. A callback is a function `(step, log_data, driver) -> go on?`."""

import math
import time
from dataclasses import dataclass, field
from typing import Any

from autoket._arguments import real_number, refuse, whole_number

__all__ = ["ConvergenceStopping", "EarlyStopping", "InvalidLossStopping", "StopRun", "Timeout"]


class StopRun(Exception):  # noqa: N818, the name is NetKet's
    """Raised by a callback, it ends the run, and `run` returns as usual."""


def _loss(log_data: dict[str, Any], driver: Any, monitor: str) -> float:
    loss = log_data[driver._loss_name]
    value = getattr(loss, monitor)
    return float(value.real)


@dataclass
class Timeout:
    """Stops after so many seconds."""

    timeout: float
    _start: float | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if not real_number("timeout", self.timeout) > 0.0:
            refuse("timeout", "a positive number of seconds", self.timeout, "raise it")

    def __call__(self, step: int, log_data: dict[str, Any], driver: Any) -> bool:
        if self._start is None:
            self._start = time.monotonic()
        return time.monotonic() - self._start < self.timeout


@dataclass
class InvalidLossStopping:
    """Stops where the loss has not been finite for more than `patience` steps."""

    monitor: str = "mean"
    patience: int = 0
    _last_valid: int | None = field(default=None, init=False, repr=False)

    def __call__(self, step: int, log_data: dict[str, Any], driver: Any) -> bool:
        if math.isfinite(_loss(log_data, driver, self.monitor)):
            self._last_valid = step
            return True
        return step - (self._last_valid or 0) < self.patience


@dataclass
class EarlyStopping:
    """Stops where the loss has not got better by more than `min_delta` for `patience` steps.

    Args:
        min_delta: less is no improvement.
        min_reldelta: the same, relative to the best loss.
        patience: steps without improvement that are borne.
        baseline: a loss that must be beaten.
        monitor: the number of the loss that counts: mean, variance or error_of_mean.
    """

    min_delta: float = 0.0
    min_reldelta: float = 0.0
    patience: float = 0
    baseline: float | None = None
    monitor: str = "mean"
    _best: float = field(default=math.inf, init=False, repr=False)
    _best_step: int = field(default=0, init=False, repr=False)

    def _is_better(self, loss: float, than: float) -> bool:
        if math.isinf(than):
            return True
        enough = loss < than - self.min_delta
        return enough and (than - loss) >= self.min_reldelta * abs(than)

    def __call__(self, step: int, log_data: dict[str, Any], driver: Any) -> bool:
        loss = _loss(log_data, driver, self.monitor)
        if self._is_better(loss, self._best):
            self._best, self._best_step = loss, step
        if step - self._best_step > self.patience:
            return self.baseline is not None and self._is_better(self._best, self.baseline)
        return True


@dataclass
class ConvergenceStopping:
    """Stops where the mean loss of the last steps has been below `target` for more than `patience` steps."""

    target: float
    monitor: str = "mean"
    smoothing_window: int = 10
    patience: int = 10
    _losses: list[float] = field(default_factory=list, init=False, repr=False)
    _below: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        whole_number("smoothing_window", self.smoothing_window, least=1)

    def __call__(self, step: int, log_data: dict[str, Any], driver: Any) -> bool:
        self._losses.append(_loss(log_data, driver, self.monitor))
        del self._losses[: -self.smoothing_window]
        mean = sum(self._losses) / len(self._losses)
        self._below = self._below + 1 if mean <= self.target else 0
        return self._below <= self.patience
