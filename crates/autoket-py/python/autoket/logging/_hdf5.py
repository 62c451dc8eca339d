"""Logs as HDF5."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from autoket._arguments import whole_number, wrong_type
from autoket._ranks import is_first
from autoket.callbacks import AbstractCallback
from autoket.logging._base import AbstractLog, mode_of, optional


class HDF5Log(AbstractCallback, AbstractLog):
    """Writes `PATH.h5` by `h5py`, which must be installed: datasets `data/Energy/Mean` and so on, as NetKet has them.

    It can be given as `out=` or as `callback=`.

    Args:
        path: the file's path, with or without its ending.
        mode: "write" replaces a file that is there, "append" goes on with it, "fail" refuses to.
        write_every: steps between two writes to disk.
        chunk_size: steps of one HDF5 chunk; about 64 KiB of them if None.
        metadata: a dictionary of what the run is about, attributes of the group `metadata`.
    """

    callback_order = 10

    def __init__(
        self,
        path: str | os.PathLike[str],
        mode: str = "write",
        write_every: int = 50,
        chunk_size: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ):
        optional("h5py", "HDF5Log")
        if not isinstance(path, str | os.PathLike):
            wrong_type("path", "a path", path)
        if not isinstance(metadata, Mapping | None):
            wrong_type("metadata", "a dictionary or None", metadata)
        self._mode = mode_of(mode)
        name = os.fspath(path)
        self._path = Path(name if name.endswith((".h5", ".hdf5")) else f"{name}.h5")
        if self._mode == "fail" and is_first() and self._path.exists():
            raise ValueError(f"{self._path} exists; choose another path, or mode='write'")
        self._write_every = whole_number("write_every", write_every, least=1)
        self._chunk_size = None if chunk_size is None else whole_number("chunk_size", chunk_size, least=1)
        self._metadata = dict(metadata or {})
        self._waiting = 0
        self._open: Any = None

    def _file(self) -> Any:
        if self._open is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            mode = {"write": "w", "append": "a", "fail": "x"}[self._mode]
            self._open = optional("h5py", "HDF5Log").File(self._path, mode)
            # What it goes on with after it was closed is its own.
            self._mode = "append"
        return self._open

    def __call__(self, step: int, item: dict[str, Any], variational_state: Any = None) -> None:
        """Log what a step gave."""
        if not is_first():
            return
        self._put("data", whole_number("step", step), item)
        self._waiting += 1
        if self._waiting >= self._write_every:
            self.flush()

    def _put(self, path: str, step: int, item: Any) -> None:
        if isinstance(item, Mapping):
            for name, value in item.items():
                self._put(f"{path}/{name}", step, value)
            return
        entries = item.to_dict() if hasattr(item, "to_dict") else {"value": item}
        self._append(f"{path}/iter", step)
        for name, value in entries.items():
            self._append(f"{path}/{name}", value)

    def _append(self, path: str, value: Any) -> None:
        file, array = self._file(), np.asarray(value)
        if path not in file:
            chunk = self._chunk_size or max(1, min(1024, 2**16 // max(1, array.nbytes)))
            shapes = {"shape": (0, *array.shape), "maxshape": (None, *array.shape), "chunks": (chunk, *array.shape)}
            file.create_dataset(path, dtype=array.dtype, **shapes)
        dataset = file[path]
        dataset.resize(len(dataset) + 1, axis=0)
        dataset[-1] = array

    def flush(self, variational_state: Any = None) -> None:
        """Write what has not been written."""
        if self._open is not None:
            self._open.flush()
        self._waiting = 0

    def cut(self, step: int) -> bool:
        """Forget this step and those behind it: a run goes on from here. Is the step before it there?"""
        if not is_first() or not self._path.exists():
            return not is_first()
        steps = []

        def cut(name: str, group: Any) -> None:
            if "iter" not in group or not hasattr(group["iter"], "resize"):
                return
            kept = int(np.searchsorted(group["iter"], step))
            for dataset in group.values():
                if hasattr(dataset, "resize"):
                    dataset.resize(min(kept, len(dataset)), axis=0)
            steps.extend(group["iter"][-1:])

        self._file()["data"].visititems(lambda name, item: cut(name, item) if hasattr(item, "values") else None)
        return step - 1 in steps

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def on_run_start(self, step: int, driver: Any) -> None:
        """Write what the run is about."""
        if self._metadata and is_first():
            self._file().require_group("metadata").attrs.update(self._metadata)

    def on_step_end(self, step: int, log_data: dict[str, Any], driver: Any) -> None:
        """Log the step."""
        self(step, log_data, driver.state)

    def on_run_end(self, step: int, driver: Any) -> None:
        """Close the file; a run that follows opens it again."""
        self._close()

    def on_run_error(self, step: int, error: BaseException, driver: Any) -> None:
        """Close the file."""
        self._close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": None}

    def __repr__(self) -> str:
        return f"HDF5Log({str(self._path)!r}, mode={self._mode!r}, write_every={self._write_every})"
