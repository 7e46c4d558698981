"""Waits between two tries to connect: growing, capped, spread, so that a thousand hosts do not come back as one."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """Full steps double from `first_ms` to `max_ms`; a wait is uniform between half of its step and the step."""

    def __init__(
        self, first_ms: float = 100, max_ms: float = 10_000, uniform: Callable[[], float] = random.random
    ) -> None:
        self._first_ms = first_ms
        self._max_ms = max_ms
        self._uniform = uniform
        self._failures = 0

    def next_ms(self) -> float:
        step = min(self._max_ms, self._first_ms * 2 ** min(self._failures, 30))
        self._failures += 1
        return step / 2 + step / 2 * self._uniform()

    def reset(self) -> None:
        """A connection served: the next failure is a first one."""
        self._failures = 0
