"""What all logs have in common."""

import abc
import importlib
from types import ModuleType
from typing import Any

from autoket._arguments import refuse, wrong_type


class AbstractLog(abc.ABC):
    """A log: called after each step, and asked to write what it keeps back."""

    @abc.abstractmethod
    def __call__(self, step: int, item: dict[str, Any], variational_state: Any = None) -> None:
        """Log what a step gave."""

    @abc.abstractmethod
    def flush(self, variational_state: Any = None) -> None:
        """Write what has not been written."""


def mode_of(mode: Any) -> str:
    """What happens where a file is there: "write", "append" or "fail"."""
    if not isinstance(mode, str):
        wrong_type("mode", "write, append or fail", mode)
    known = {"w": "write", "a": "append", "x": "fail"}.get(mode, mode)
    if known not in ("write", "append", "fail"):
        refuse("mode", "write, append or fail", mode, "write is usual")
    return known


def optional(module: str, user: str) -> ModuleType:
    """A package that not everybody has.

    Raises:
        ModuleNotFoundError: it says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{user} needs {module}; install it by `pip install {module}`") from error
