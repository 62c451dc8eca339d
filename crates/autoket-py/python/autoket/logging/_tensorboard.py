"""Logs for TensorBoard."""

import json
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from autoket._arguments import wrong_type
from autoket._ranks import is_first
from autoket.callbacks import AbstractCallback
from autoket.logging._base import AbstractLog, optional


class TensorBoardLog(AbstractCallback, AbstractLog):
    """Writes files for TensorBoard, by `tensorboardX`, which must be installed.

    It can be given as `out=` or as `callback=`.

    Args:
        args: passed on to `tensorboardX.SummaryWriter`, whose first argument is the folder.
        metadata: a dictionary of what the run is about, written as text when it begins.
        kwargs: passed on as well.
    """

    callback_order = 10

    def __init__(self, *args: Any, metadata: Mapping[str, Any] | None = None, **kwargs: Any):
        if not isinstance(metadata, Mapping | None):
            wrong_type("metadata", "a dictionary or None", metadata)
        self._metadata = dict(metadata or {})
        self._args, self._kwargs = args, kwargs
        self._open: Any = None

    def _writer(self) -> Any:
        if self._open is None:
            self._open = optional("tensorboardX", "TensorBoardLog").SummaryWriter(*self._args, **self._kwargs)
        return self._open

    def __call__(self, step: int, item: dict[str, Any], variational_state: Any = None) -> None:
        """Log all numbers: of an estimate each by its name, of a complex number `re` and `im`."""
        if not is_first():
            return
        writer = self._writer()
        for name, number in _scalars("", item):
            writer.add_scalar(name, number, step)
        writer.flush()

    def flush(self, variational_state: Any = None) -> None:
        """Write what has not been written."""
        if self._open is not None:
            self._open.flush()

    def on_run_start(self, step: int, driver: Any) -> None:
        """Write what the run is about."""
        if self._metadata and is_first():
            text = json.dumps({str(name): str(value) for name, value in self._metadata.items()}, indent=2)
            self._writer().add_text("metadata", f"```json\n{text}\n```", global_step=0)

    def on_step_end(self, step: int, log_data: dict[str, Any], driver: Any) -> None:
        """Log the step."""
        self(step, log_data, driver.state)

    def on_run_end(self, step: int, driver: Any) -> None:
        """Write what has not been written."""
        self.flush()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": None}


def _scalars(path: str, value: Any) -> list[tuple[str, float]]:
    """The numbers below a name, by their paths."""
    if hasattr(value, "to_dict"):
        value = value.to_dict()
    if isinstance(value, Mapping | list | tuple):
        named = value.items() if isinstance(value, Mapping) else enumerate(value)
        return [leaf for name, inner in named for leaf in _scalars(f"{path}/{name}" if path else str(name), inner)]
    if not isinstance(value, numbers.Number) and (not hasattr(value, "dtype") or np.size(value) != 1):
        return []
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        return []
    number = array.reshape(()).item()
    if isinstance(number, complex):
        return [(f"{path}/re", number.real), (f"{path}/im", number.imag)]
    return [(path, float(number))]
