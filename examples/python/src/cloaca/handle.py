"""The handles of tasks that run in a host: one that blocks, for sync tasks, and one to await, for async tasks."""

from __future__ import annotations

import asyncio
import inspect
import math
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .deferral import Deferral, DeferralSpec, check_options
from .errors import HandleConsumedError

if TYPE_CHECKING:
    from .execution import Execution


class TaskHandle:
    """What a task can do with its slot and its lease; the second parameter of a task, named `handle` or `task_handle`."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._is_consumed = False

    def defer_until(
        self,
        condition: Callable[[], Any],
        poll_interval_ms: float = 1000,
        *,
        max_wait_ms: float | None = None,
        describe: str = "",
    ) -> Any:
        """Gives the slot back until the condition holds, takes one again, and returns the condition's value. Blocks; in an
        async task it is awaited, and the condition may be async.

        poll_interval_ms: how often the condition is called, in milliseconds, beginning at once.
        max_wait_ms: longest wait, in milliseconds; then the task gets a slot and DeferTimeoutError.
        describe: what the task waits for, for people.

        What was set until here is committed. Raises HandleConsumedError (a ValueError) when the task has ended or has an open
        deferral, SlotsClosedError (a ValueError) when the host shuts down, CancelledError when the task is to stop, and what
        the condition raises.
        """
        moved = threading.Event()
        deferral = self._open(condition, poll_interval_ms, max_wait_ms, describe, moved.set)
        interval = deferral.spec.poll_interval_ms / 1000
        while True:
            # Cleared before it is looked at: a move after that sets it again.
            moved.clear()
            state = deferral.state
            if state == "over":
                return deferral.result()
            if state != "polling":
                moved.wait()
                continue
            try:
                value = condition()
                if inspect.isawaitable(value):
                    value = asyncio.run(_awaited(value))
            except BaseException as error:
                self._execution.poll_raised(deferral, error)
                continue
            if value:
                self._execution.poll_met(deferral, value)
            else:
                moved.wait(interval)

    def is_slot_held(self) -> bool:
        """Whether the task holds a slot now. Raises HandleConsumedError (a ValueError) once the task has ended."""
        self._use("is_slot_held")
        return self._execution.is_slot_held

    def checkpoint(self) -> Any:
        """Commits what was set so far, and returns once it is durable; in an async task it is awaited. It stays, whatever
        becomes of the attempt."""
        self._use("checkpoint")
        done = threading.Event()
        outcome: list[BaseException | None] = []

        def settled(error: BaseException | None) -> None:
            outcome.append(error)
            done.set()

        self._execution.checkpoint(settled)
        done.wait()
        if outcome[0] is not None:
            raise outcome[0]
        return None

    @property
    def stopping(self) -> threading.Event:
        """Set once the task is to stop, because its lease is fenced, revoked or handed back. A sync task that runs for long
        looks at it, or waits with it: `handle.stopping.wait(seconds)`. Async tasks are cancelled."""
        return self._execution.stopping_event

    def raise_if_stopping(self) -> None:
        """Raises CancelledError once the task is to stop."""
        if self._execution.stop_error is not None:
            raise self._execution.stop_error

    @property
    def lease_id(self) -> str:
        return self._execution.lease_id

    @property
    def attempt(self) -> int:
        """Counted execution, from 1."""
        return self._execution.lease.attempt

    @property
    def fence(self) -> int:
        """Only grows for a task run: systems outside can refuse effects of an older one."""
        return self._execution.lease.fence

    def _open(
        self,
        condition: Callable[[], Any],
        poll_interval_ms: float,
        max_wait_ms: float | None,
        describe: str,
        moved: Callable[[], None],
    ) -> Deferral:
        self._use("defer_until")
        check_options(condition, poll_interval_ms, max_wait_ms, describe)
        return self._execution.defer(
            lambda n: DeferralSpec(n, condition, math.ceil(poll_interval_ms), math.ceil(max_wait_ms or 0), describe),
            moved,
        )

    def _use(self, method: str) -> None:
        if self._is_consumed:
            raise HandleConsumedError(method, "the task has ended")

    def _consume(self) -> None:
        self._is_consumed = True


class AsyncTaskHandle(TaskHandle):
    """The handle of an async task: `await handle.defer_until(…)`, `await handle.checkpoint()`."""

    def defer_until(
        self,
        condition: Callable[[], Any],
        poll_interval_ms: float = 1000,
        *,
        max_wait_ms: float | None = None,
        describe: str = "",
    ) -> Any:
        loop = asyncio.get_running_loop()
        moved = asyncio.Event()
        deferral = self._open(
            condition, poll_interval_ms, max_wait_ms, describe, lambda: _ignore_closed(loop, moved.set)
        )
        future = asyncio.ensure_future(self._wait(deferral, moved))
        # A task that forgets to await it fails with DEFERRAL_NOT_AWAITED; this error then has no other reader.
        future.add_done_callback(lambda done: None if done.cancelled() else done.exception())
        return future

    def checkpoint(self) -> Any:
        self._use("checkpoint")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()

        def settle(error: BaseException | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        self._execution.checkpoint(lambda error: _ignore_closed(loop, settle, error))
        return future

    async def _wait(self, deferral: Deferral, moved: asyncio.Event) -> Any:
        interval = deferral.spec.poll_interval_ms / 1000
        while True:
            moved.clear()
            state = deferral.state
            if state == "over":
                return deferral.result()
            if state != "polling":
                await moved.wait()
                continue
            try:
                value = deferral.spec.condition()
                if inspect.isawaitable(value):
                    value = await value
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                self._execution.poll_raised(deferral, error)
                continue
            if value:
                self._execution.poll_met(deferral, value)
                continue
            try:
                await asyncio.wait_for(moved.wait(), interval)
            except (asyncio.TimeoutError, TimeoutError):
                pass


async def _awaited(value: Any) -> Any:
    return await value


def _ignore_closed(loop: asyncio.AbstractEventLoop, call: Callable[..., Any], *args: Any) -> None:
    try:
        loop.call_soon_threadsafe(call, *args)
    except RuntimeError:
        # The loop has ended, and with it whoever waited.
        pass
