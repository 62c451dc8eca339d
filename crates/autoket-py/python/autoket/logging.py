"""Where the numbers of a run go. A logger is a function `(step, log_data, state)` with `flush(state)`."""

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from autoket._arguments import left_out as _left_out
from autoket._arguments import whole_number, wrong_type

__all__ = ["History", "JsonLog", "RuntimeLog"]


class History:
    """One quantity over the steps: `iters`, and a list for each of its numbers."""

    def __init__(self) -> None:
        self._iters: list[int] = []
        self._columns: dict[str, list[Any]] = {}

    def append(self, step: int, values: dict[str, Any]) -> None:
        """Add the values of a step."""
        for name in values:
            self._columns.setdefault(name, [math.nan] * len(self._iters))
        self._iters.append(step)
        for name, column in self._columns.items():
            column.append(values.get(name, math.nan))

    @property
    def iters(self) -> Any:
        """The steps."""
        return np.asarray(self._iters)

    @property
    def values(self) -> Any:
        """The first numbers: of an estimate, its means."""
        return np.asarray(next(iter(self._columns.values())))

    def __getitem__(self, name: str) -> Any:
        return self.iters if name == "iters" else np.asarray(self._columns[name])

    def __contains__(self, name: str) -> bool:
        return name == "iters" or name in self._columns

    def keys(self) -> list[str]:
        """The names of the columns."""
        return ["iters", *self._columns]

    def __getattr__(self, name: str) -> Any:
        columns = self.__dict__.get("_columns", {})
        if name in columns:
            return self[name]
        raise AttributeError(f"a history of {', '.join(columns) or 'nothing'} has no {name!r}")

    def __len__(self) -> int:
        return len(self._iters)

    def __repr__(self) -> str:
        return f"History(keys={self.keys()}, n_iters={len(self)})"

    def to_dict(self) -> dict[str, Any]:
        """Lists that JSON can hold; a complex column is a real and an imaginary one, NaN is null."""
        columns = {name: _jsonable(values) for name, values in self._columns.items()}
        return {"iters": list(self._iters), **columns}


def _jsonable(values: list[Any]) -> Any:
    array = np.asarray(values)
    if np.iscomplexobj(array):
        return {"real": _jsonable(array.real.tolist()), "imag": _jsonable(array.imag.tolist())}
    return [None if isinstance(v, float) and not math.isfinite(v) else v for v in array.tolist()]


class RuntimeLog:
    """Keeps all in memory, `log.data["Energy"].Mean`."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}

    def __call__(self, step: int, item: dict[str, Any], variational_state: Any = None) -> None:
        """Add what a step gave."""
        _put(self.data, step, item)

    def flush(self, variational_state: Any = None) -> None:
        """Nothing is kept back."""

    def __getitem__(self, name: str) -> Any:
        return self.data[name]

    def serialize(self, path: str | os.PathLike[str]) -> None:
        """Write the log as JSON."""
        _write(Path(path).with_suffix(".json"), self.data)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(keys={list(self.data)})"


def _put(data: dict[str, Any], step: int, item: dict[str, Any]) -> None:
    for name, value in item.items():
        if isinstance(value, dict):
            _put(data.setdefault(name, {}), step, value)
            continue
        entries = value.to_dict() if hasattr(value, "to_dict") else {"value": value}
        data.setdefault(name, History()).append(step, entries)


def _tree(data: dict[str, Any]) -> dict[str, Any]:
    return {k: _tree(v) if isinstance(v, dict) else v.to_dict() for k, v in data.items()}


def _write(path: Path, data: dict[str, Any]) -> None:
    """The file is replaced in one motion: it is whole at any instant."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("w") as file:
        json.dump(_tree(data), file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


class JsonLog(RuntimeLog):
    """Keeps all in memory and in `PREFIX.log`, JSON as NetKet writes it; parameters in `PREFIX.safetensors`.

    Args:
        output_prefix: the files' path without their ending.
        mode: "write" replaces files that are there, "fail" refuses to.
        save_params_every: steps between two writes of parameters.
        write_every: steps between two writes of the log.
        save_params: write parameters at all?
    """

    def __init__(
        self,
        output_prefix: str | os.PathLike[str],
        mode: str = "write",
        save_params_every: int = 50,
        write_every: int = 50,
        save_params: bool = True,
    ):
        super().__init__()
        if not isinstance(output_prefix, str | os.PathLike):
            wrong_type("output_prefix", "a path", output_prefix)
        mode = {"w": "write", "x": "fail"}.get(mode, mode)
        if mode not in ("write", "fail"):
            raise ValueError(f"`mode`: expected write or fail, got {mode}; a log is not appended to")
        self._path = Path(f"{output_prefix}.log")
        self._params = Path(f"{output_prefix}.safetensors")
        if mode == "fail" and self._path.exists():
            raise ValueError(f"{self._path} exists; choose another prefix, or mode='write'")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._write_every = whole_number("write_every", write_every, least=1)
        self._save_every = whole_number("save_params_every", save_params_every, least=1)
        self._save_params = save_params
        self._since_write = self._since_save = 0
        _write(self._path, self.data)

    def __call__(self, step: int, item: dict[str, Any], variational_state: Any = None) -> None:
        """Add what a step gave."""
        super().__call__(step, item)
        self._since_write += 1
        self._since_save += 1
        if self._since_write >= self._write_every:
            self._flush_log()
        if self._save_params and variational_state is not None and self._since_save >= self._save_every:
            variational_state.save(self._params)
            self._since_save = 0

    def _flush_log(self) -> None:
        _write(self._path, self.data)
        self._since_write = 0

    def flush(self, variational_state: Any = None) -> None:
        """Write what has not been written."""
        self._flush_log()
        if self._save_params and variational_state is not None:
            variational_state.save(self._params)
            self._since_save = 0


_NOT_YET = "it is not there yet; use RuntimeLog or JsonLog"
__getattr__ = _left_out("logging", dict.fromkeys(["StateLog", "TensorBoardLog", "HDF5Log", "MLFlowLog"], _NOT_YET))
