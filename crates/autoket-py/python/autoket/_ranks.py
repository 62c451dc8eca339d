"""What ranks do together; `autoket.ranks` says what they are."""

import atexit
import os
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from autoket import _native

T = TypeVar("T")

_RANK, _SIZE, _launched, _crowded = _native.begin_ranks()
# A child that was forked is alone.
_PROCESS = os.getpid()


def rank() -> int:
    """The number of this process, from 0."""
    return _RANK if os.getpid() == _PROCESS else 0


def size() -> int:
    """How many there are."""
    return _SIZE if os.getpid() == _PROCESS else 1


def is_first() -> bool:
    """Is it the one that writes files?"""
    return rank() == 0


def tell(message: str) -> list[str]:
    """What each rank says."""
    return [told.decode(errors="replace") for told in _native.tell_ranks(message.encode(errors="replace"))]


def agreed(work: Callable[[], T], stop: type[Exception] | None = None) -> T:
    """What some work gives; where it raises in one rank it raises in all, `stop` and Ctrl-C as such."""
    if size() == 1:
        return work()
    raised: BaseException | None = None
    try:
        result = work()
    except BaseException as error:
        raised = error
    kind = "" if raised is None else "stop" if stop and isinstance(raised, stop) else type(raised).__name__
    told = tell("" if raised is None else f"{kind}: {raised}")
    if raised is not None:
        raise raised
    for other, message in enumerate(told):
        kind, _, text = message.partition(": ")
        if stop and kind == "stop":
            raise stop(text)
        if kind == "KeyboardInterrupt":
            raise KeyboardInterrupt
        if message:
            raise RuntimeError(f"rank {other} has failed: {message}")
    return result


def any_rank(this_one: bool) -> bool:
    """Does one of the ranks say so?"""
    return this_one if size() == 1 else "yes" in tell("yes" if this_one else "no")


def of_first(text: str) -> str:
    """What the first rank says."""
    return text if size() == 1 else tell(text)[0]


def let_first_speak() -> None:
    """Wait, in other ranks than the first: where all fail alike, one tells why and ends them."""
    if not is_first():
        threading.Event().wait(5.0)


def _hook(said: Callable[[type[BaseException], BaseException, TracebackType | None], Any]) -> Any:
    """What is done with an exception that nobody caught: it is shown, and ends all ranks, which would wait."""

    def end_all(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if os.getpid() == _PROCESS:
            let_first_speak()
        said(kind, error, trace)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        if os.getpid() == _PROCESS:
            _native.abort_ranks(130 if issubclass(kind, KeyboardInterrupt) else 1)

    return end_all


if _launched:
    os.environ[_native.CHILD_OF_RANK] = "1"
    atexit.register(_native.leave_ranks)
if _SIZE > 1:
    sys.excepthook = _hook(sys.excepthook)
if _crowded and _RANK == 0:
    print("autoket: ranks of a host have more threads than it has cores; fewer ranks will be faster", file=sys.stderr)
