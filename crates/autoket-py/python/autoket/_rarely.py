"""What is done now and then."""

import time


class Rarely:
    """Something that is due after so many steps, and sooner where that costs no time to speak of.

    Args:
        every: steps from one to the next at most; None: time decides alone.
        cost: it is done more often as long as that takes less than this part of the time,
        seconds: but not for the sake of time before so many seconds are over.
    """

    def __init__(self, every: int | None, cost: float, seconds: float = 0.0):
        self._every, self._cost, self._seconds = every, cost, seconds
        self._waiting = 0
        self._begin, self._took = time.monotonic(), 0.0

    def is_due(self) -> bool:
        """One more step is done: is it time?"""
        self._waiting += 1
        if self._every is not None and self._waiting >= self._every:
            return True
        past = time.monotonic() - self._begin
        return past >= self._seconds and self._took < self._cost * past

    def __enter__(self) -> None:
        self._begin = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._took = time.monotonic() - self._begin
        self._waiting = 0
