"""Logs in memory and as JSON."""

import json
import math
import os
from pathlib import Path
from typing import Any, Self

import numpy as np

from autoket._arguments import real_number, whole_number, wrong_type
from autoket._ranks import is_first
from autoket._rarely import Rarely
from autoket.logging._base import AbstractLog, mode_of


class History:
    """One quantity over the steps: `iters`, and a list for each of its numbers."""

    def __init__(self) -> None:
        self._iters: list[int] = []
        self._columns: dict[str, list[Any]] = {}

    def append(self, step: int, values: dict[str, Any]) -> None:
        """Add the values of a step."""
        step = whole_number("step", step)
        if not isinstance(values, dict):
            wrong_type("values", "a dictionary of numbers", values)
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

    def cut(self, step: int) -> None:
        """Forget this step and those behind it."""
        kept = [i for i, at in enumerate(self._iters) if at < step]
        self._iters = [self._iters[i] for i in kept]
        self._columns = {name: [column[i] for i in kept] for name, column in self._columns.items()}

    def to_dict(self) -> dict[str, Any]:
        """Lists that JSON can hold; a complex column is a real and an imaginary one, NaN is null."""
        columns = {name: _jsonable(values) for name, values in self._columns.items()}
        return {"iters": list(self._iters), **columns}

    @classmethod
    def from_dict(cls, entries: dict[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        history = cls()
        history._iters = [int(step) for step in entries["iters"]]
        history._columns = {name: _numbers(column) for name, column in entries.items() if name != "iters"}
        return history


def _numbers(column: Any) -> list[Any]:
    if isinstance(column, dict):
        parts = zip(_numbers(column["real"]), _numbers(column["imag"]), strict=True)
        return [complex(real, imag) for real, imag in parts]
    return [math.nan if value is None else value for value in column]


def _jsonable(values: list[Any]) -> Any:
    array = np.asarray(values)
    if np.iscomplexobj(array):
        return {"real": _jsonable(array.real.tolist()), "imag": _jsonable(array.imag.tolist())}
    return [None if isinstance(v, float) and not math.isfinite(v) else v for v in array.tolist()]


class RuntimeLog(AbstractLog):
    """Keeps all in memory, `log.data["Energy"].Mean`."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}

    def __call__(self, step: int, item: dict[str, Any], variational_state: Any = None) -> None:
        """Add what a step gave."""
        _put(self.data, whole_number("step", step), item)

    def flush(self, variational_state: Any = None) -> None:
        """Nothing is kept back."""

    def cut(self, step: int) -> bool:
        """Forget this step and those behind it: a run goes on from here. Is the step before it there?"""
        self.data = _cut(self.data, step)
        return any(step - 1 in history.iters for history in self.data.values() if isinstance(history, History))

    def __getitem__(self, name: str) -> Any:
        return self.data[name]

    def serialize(self, path: str | os.PathLike[str]) -> None:
        """Write the log as JSON; `.json` is added to a name without an ending."""
        _write(_named(path), self.data)

    @classmethod
    def deserialize(cls, path: str | os.PathLike[str]) -> "RuntimeLog":
        """Read what `serialize`, a `JsonLog` or one of NetKet's wrote."""
        log = RuntimeLog()
        log.data = _read(_named(path))
        return log

    def __repr__(self) -> str:
        return f"{type(self).__name__}(keys={list(self.data)})"


def _named(path: Any) -> Path:
    if not isinstance(path, str | os.PathLike):
        wrong_type("path", "a path", path)
    named = Path(path)
    return named if named.suffix in (".log", ".json") else named.with_name(named.name + ".json")


def _put(data: dict[str, Any], step: int, item: Any) -> None:
    if not isinstance(item, dict):
        wrong_type("item", "a dictionary of what is logged", item)
    for name, value in item.items():
        if isinstance(value, dict):
            _put(data.setdefault(name, {}), step, value)
            continue
        entries = value.to_dict() if hasattr(value, "to_dict") else {"value": value}
        data.setdefault(name, History()).append(step, entries)


def _cut(data: dict[str, Any], step: int) -> dict[str, Any]:
    """What is before the step."""
    kept = {}
    for name, entries in data.items():
        if isinstance(entries, dict):
            entries = _cut(entries, step)
        else:
            entries.cut(step)
        if len(entries):
            kept[name] = entries
    return kept


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


def _read(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text())
    if not isinstance(content, dict):
        wrong_type("path", "a file of a JsonLog", str(path))
    return {name: _history(entries) for name, entries in content.items()}


def _history(entries: dict[str, Any]) -> Any:
    if "iters" in entries:
        return History.from_dict(entries)
    return {name: _history(inner) for name, inner in entries.items()}


class JsonLog(RuntimeLog):
    """Keeps all in memory and in `PREFIX.log`, JSON as NetKet writes it; parameters in `PREFIX.mpack`.

    Flax, NetKet and `load` of a state read the parameters.

    Args:
        output_prefix: the files' path without their ending.
        mode: "write" replaces files that are there, "append" goes on with them, "fail" refuses to.
        save_params_every: steps between two writes of parameters.
        write_every: steps between two writes of the log.
        save_params: write parameters at all?
        autoflush_cost: files are written more often as long as that takes less than this part of the time.
    """

    def __init__(
        self,
        output_prefix: str | os.PathLike[str],
        mode: str = "write",
        save_params_every: int = 50,
        write_every: int = 50,
        save_params: bool = True,
        autoflush_cost: float = 0.005,
    ):
        super().__init__()
        if not isinstance(output_prefix, str | os.PathLike):
            wrong_type("output_prefix", "a path", output_prefix)
        mode = mode_of(mode)
        prefix = os.fspath(output_prefix)
        self._path, self._params = Path(f"{prefix}.log"), Path(f"{prefix}.mpack")
        self._writes = is_first()
        if mode == "fail" and self._writes and (self._path.exists() or self._params.exists()):
            raise ValueError(f"{self._path} exists; choose another prefix, or mode='write'")
        cost = real_number("autoflush_cost", autoflush_cost)
        self._log_file = Rarely(whole_number("write_every", write_every, least=1), cost)
        self._params_file = Rarely(whole_number("save_params_every", save_params_every, least=1), cost)
        self._save_params = bool(save_params)
        if self._writes:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        if mode == "append" and self._path.exists():
            self.data = _read(self._path)
        self._flush_log()

    def __call__(self, step: int, item: dict[str, Any], variational_state: Any = None) -> None:
        """Add what a step gave."""
        super().__call__(step, item)
        if self._writes and self._log_file.is_due():
            self._flush_log()
        if self._writes and self._save_params and variational_state is not None and self._params_file.is_due():
            self._flush_params(variational_state)

    def _flush_log(self) -> None:
        if not self._writes:
            return
        with self._log_file:
            _write(self._path, self.data)

    def _flush_params(self, state: Any) -> None:
        with self._params_file:
            state.save(self._params)

    def flush(self, variational_state: Any = None) -> None:
        """Write what has not been written."""
        self._flush_log()
        if self._save_params and variational_state is not None:
            self._flush_params(variational_state)
