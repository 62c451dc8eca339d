"""What signals ask of a run, between its steps and in them."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

from autoket._ranks import size, tell


class Signals:
    """While it is entered, signals are heard for all ranks.

    Ctrl-C stops a run. With a checkpoint SIGTERM does, too, and SIGUSR1 asks for one. What comes while a step is found
    gives it up, unless other ranks would wait for this one; what comes at another time counts between two steps, so
    that logs are whole. A second one counts at once. Alone and without a checkpoint Ctrl-C is Python's.
    """

    def __init__(self, with_checkpoint: bool):
        names = ["SIGINT"] if size() > 1 or with_checkpoint else []
        if with_checkpoint:
            names += ["SIGTERM", "SIGUSR1"]
        # Windows has no SIGUSR1; other threads hear nothing.
        is_main = threading.current_thread() is threading.main_thread()
        self._names = [name for name in names if is_main and hasattr(signal, name)]
        self._before: dict[str, Any] = {}
        self._heard: set[str] = set()
        self._is_found = False

    def _hear(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        again = name in self._heard and name != "SIGUSR1"
        self._heard.add(name)
        if again or (self._is_found and size() == 1):
            self._stop(self._heard)

    @staticmethod
    def _stop(heard: set[str]) -> None:
        if "SIGINT" in heard:
            raise KeyboardInterrupt
        if "SIGTERM" in heard:
            raise SystemExit(128 + signal.SIGTERM)

    def between_steps(self, wanted: bool = False) -> bool:
        """Is a checkpoint wanted, by this rank or by SIGUSR1 in any? Raises where the run is to stop."""
        mine = self._heard | ({"wanted"} if wanted else set())
        heard = {name for told in tell(" ".join(mine)) for name in told.split()} if size() > 1 else mine
        self._heard -= {"SIGUSR1"}
        self._stop(heard)
        return not heard.isdisjoint({"wanted", "SIGUSR1"})

    @contextmanager
    def finding_a_step(self) -> Iterator[None]:
        """What is under way can be given up."""
        self._is_found = True
        try:
            # What came just before.
            if size() == 1:
                self._stop(self._heard)
            yield
        finally:
            self._is_found = False

    def __enter__(self) -> Self:
        for name in self._names:
            self._before[name] = signal.signal(signal.Signals[name], self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, before in self._before.items():
            # None: not from Python.
            signal.signal(signal.Signals[name], signal.SIG_DFL if before is None else before)
        if kind is None:
            self._stop(self._heard)
