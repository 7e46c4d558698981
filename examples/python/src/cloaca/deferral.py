"""One deferral of a lease (P8): asked for, granted, polled, reclaimed, resumed.

    asked → polling → reclaiming → over

The slot counts as held until `Deferred` is heard, and only from then on the condition is polled: by the task's own thread,
or in its own coroutine. The session's lock guards the state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import DeferTimeoutError, OptionsError
from .v1.host_service_pb2 import (
    DEFERRAL_OUTCOME_MAX_WAIT,
    LEASE_STATE_DEFERRED,
    LEASE_STATE_DEFERRING,
    LEASE_STATE_HELD,
    LEASE_STATE_RECLAIMING,
    LeaseState,
)

_MAX_MS = 2**31 - 1
_MAX_DESCRIPTION = 1_000


@dataclass(frozen=True)
class DeferralSpec:
    """What a task asked for; `n` counts from 1 within the lease, 0 for `max_wait_ms` means no limit."""

    n: int
    condition: Callable[[], Any]
    poll_interval_ms: int
    max_wait_ms: int
    description: str


def check_options(condition: object, poll_interval_ms: object, max_wait_ms: object, describe: object) -> None:
    """Raises OptionsError with everything that is wrong."""
    problems = []
    if not callable(condition):
        problems.append(f"condition is {condition!r}; pass a function that is called to ask")
    if not _is_milliseconds(poll_interval_ms):
        problems.append(f"poll_interval_ms is {poll_interval_ms!r}; allowed are 1 to {_MAX_MS} milliseconds")
    if max_wait_ms is not None and not _is_milliseconds(max_wait_ms):
        problems.append(f"max_wait_ms is {max_wait_ms!r}; allowed are 1 to {_MAX_MS} milliseconds, and None")
    if not isinstance(describe, str) or len(describe) > _MAX_DESCRIPTION:
        problems.append(f"describe is {describe!r}; allowed is a text of at most {_MAX_DESCRIPTION} characters")
    if problems:
        raise OptionsError("handle.defer_until", problems)


def _is_milliseconds(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 1 <= value <= _MAX_MS


class Deferral:
    """The state. `moved` is called after each change that whoever polls or waits has to know of."""

    def __init__(self, spec: DeferralSpec, reclaim: Callable[[int], None], moved: Callable[[], None]) -> None:
        self.spec = spec
        self.state = "asked"
        self._say_reclaim = reclaim
        self._moved = moved
        # How the task goes on: the condition's value, or what is raised in the task.
        self._value: Any = None
        self._error: BaseException | None = None
        self._is_decided = False

    @property
    def is_open(self) -> bool:
        return self.state != "over"

    @property
    def is_slot_held(self) -> bool:
        return self.state in ("asked", "over")

    @property
    def lease_state(self) -> LeaseState:
        return {
            "asked": LEASE_STATE_DEFERRING,
            "polling": LEASE_STATE_DEFERRED,
            "reclaiming": LEASE_STATE_RECLAIMING,
            "over": LEASE_STATE_HELD,
        }[self.state]

    def deferred(self, n: int) -> None:
        """`Deferred` was heard, or the books say so: the slot is free, and polling begins."""
        if n == self.spec.n and self.state == "asked":
            self._move("polling")

    def met(self, value: Any) -> None:
        """The condition holds."""
        if self.state == "polling":
            self._value, self._is_decided = value, True
            self._move("reclaiming")
            self._say_reclaim(self.spec.n)

    def raised(self, error: BaseException) -> None:
        """The condition raised: the task takes a slot back, and then the error is raised inside it."""
        if self.state == "polling":
            self._error, self._is_decided = error, True
            self._move("reclaiming")
            self._say_reclaim(self.spec.n)

    def reclaiming(self, n: int) -> None:
        """The books say that the lease waits for a slot: the wait is over, whoever ended it."""
        if n == self.spec.n and self.is_open:
            self._move("reclaiming")

    def granted(self, n: int, outcome: int) -> None:
        """The task has a slot again."""
        if n != self.spec.n or not self.is_open:
            return
        if outcome == DEFERRAL_OUTCOME_MAX_WAIT or not self._is_decided:
            self._error = DeferTimeoutError(self.spec.max_wait_ms, self.spec.description)
        self._move("over")

    def fail(self, error: BaseException) -> None:
        """The task is told to stop, or refused: it gets the reason instead of a slot."""
        if self.is_open:
            self._error = error
            self._move("over")

    def abandon(self) -> None:
        """The task has ended: nobody waits any more."""
        if self.is_open:
            self._move("over")

    def result(self) -> Any:
        """The condition's value; raises what the deferral ended with."""
        if self._error is not None:
            raise self._error
        return self._value

    def _move(self, state: str) -> None:
        self.state = state
        self._moved()
