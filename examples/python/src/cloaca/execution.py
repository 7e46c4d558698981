"""One lease in this process: the task's code while it runs, its deferral, and what is still to be said about it.

    held → deferring → deferred → reclaiming → held → … → finished

Two things end apart: the code, and what is owed about the lease. The session forgets it when both have.

    what ends it            says, and when                       is settled
    the code returned       Complete or Fail, at once            with the receipt
    Cancel (P3: fenced)     Stopped, once the code has stopped   with the receipt
    Decline (P12)           Decline, at once                     with the receipt
    Revoked                 nothing                              at once

The session's lock guards all state but the context, which is the code's own.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .committed import CommittedPatch
from .context import Context, changes_of, context_of, replace_view, take_changes
from .deferral import Deferral, DeferralSpec
from .errors import (
    CancelledError,
    ContextTooLargeError,
    DeferralNotAwaitedError,
    HandleConsumedError,
    RemoteError,
    SlotsClosedError,
    TaskResultInvalidError,
    TaskTimeoutError,
)
from .failure import classify, failure_of
from .handle import AsyncTaskHandle, TaskHandle
from .task import Task
from .v1.context_pb2 import Patch
from .v1.error_pb2 import Failure
from .v1.host_service_pb2 import (
    LEASE_STATE_FINISHED,
    LEASE_STATE_HELD,
    RECEIPT_RESULT_APPLIED,
    RECEIPT_RESULT_DUPLICATE,
    RECEIPT_RESULT_REJECTED,
    RECEIPT_RESULT_STALE,
    Checkpoint,
    Complete,
    Decline,
    DeferUntil,
    Fail,
    FailureVerdict,
    HostEvent,
    Lease,
    LeaseState,
    Receipt,
    Reclaim,
    Stopped,
)

if TYPE_CHECKING:
    from .session import Session


class Execution:
    """Runs the code of a lease, and says what becomes of it."""

    def __init__(self, lease: Lease, task: Task, session: Session) -> None:
        self.lease = lease
        self.lease_id = lease.lease_id
        self.task = task
        self.deferral: Deferral | None = None
        self.stopping_event = threading.Event()
        self.stop_error: CancelledError | None = None
        self.is_owed = True
        self._session = session
        self._committed = CommittedPatch(lease.checkpoint)
        self._context = context_of(self._committed.on_top_of(lease.input))
        self._is_code_over = False
        self._is_told = False
        # Why nothing counts any more that the code returns: fenced, revoked, declined.
        self._stopping: str | None = None
        self._coroutine: asyncio.Task[Any] | None = None

    # What the session asks. All of it under its lock.

    @property
    def lease_state(self) -> LeaseState:
        """How this host sees the lease (P6)."""
        if self._is_code_over or self._stopping == "declined":
            return LEASE_STATE_FINISHED
        return LEASE_STATE_HELD if self.deferral is None else self.deferral.lease_state

    @property
    def is_slot_held(self) -> bool:
        return self.deferral is None or self.deferral.is_slot_held

    @property
    def owes_stopped(self) -> bool:
        """Whether the lease is fenced and `Stopped` is, or will be, owed."""
        return self._stopping == "fenced"

    def cancel(self, reason: str, detail: str, failure: FailureVerdict | None) -> None:
        """P3: the lease is fenced. The code is told, and `Stopped` is said once it has stopped."""
        # P9: the attempt has failed, whatever became of its code here. That may never stop, so nobody waits for it.
        if failure is not None and failure.final:
            self._call_back_failure(_text_of(TaskTimeoutError(detail), detail))
        # What has ended is on its way, or was refused: its slot is free with it.
        if not self._is_code_over and self._stopping is None:
            self._stopping = "fenced"
            self._tell(CancelledError(reason, detail))

    def revoke(self, detail: str) -> None:
        """The lease is not this host's any more: the code is told, and nothing is owed."""
        if not self._is_code_over and self._stopping is None:
            self._stopping = "revoked"
            self._tell(CancelledError("REVOKED", detail))
        self._settle()

    def decline(self, reason: str) -> None:
        """P12: hands the lease back, to be executed elsewhere."""
        if self._is_code_over or self._stopping is not None:
            return
        self._stopping = "declined"
        try:
            patch = self._take_patch()
        except Exception as error:
            # What is too large is lost with this execution.
            self._session.warn("patch_dropped", lease=self.lease_id, reason=str(error))
            patch = None
        event = Decline(lease_id=self.lease_id, reason=reason, checkpoint=patch)
        self._say(HostEvent(decline=event), lambda _: self._settle())
        self._tell(CancelledError("SHUTDOWN", reason), SlotsClosedError(reason))

    # What runs the code.

    def run(self) -> None:
        """Runs the code of a sync task in this thread. Never raises."""
        handle = TaskHandle(self) if self.task.wants_handle else None
        try:
            self._raise_if_stopped()
            returned = self.task.function(self._context, handle) if handle else self.task.function(self._context)
            self._completed(returned)
        except BaseException as error:
            self._failed(error)
        finally:
            self._left(handle)

    async def run_async(self) -> None:
        """Runs the code of an async task. Never raises."""
        handle = AsyncTaskHandle(self) if self.task.wants_handle else None
        function, context = self.task.function, self._context
        try:
            with self._session.lock:
                self._raise_if_stopped()
                self._coroutine = asyncio.current_task()
            self._completed(await (function(context, handle) if handle else function(context)))
        except BaseException as error:
            self._failed(error)
        finally:
            self._left(handle)

    # What the handle asks, in the task's thread.

    def defer(self, spec_of: Callable[[int], DeferralSpec], moved: Callable[[], None]) -> Deferral:
        """Asks for the slot to be given back (P8)."""
        with self._session.lock:
            if self.deferral is not None and self.deferral.is_open:
                raise HandleConsumedError("defer_until", "the task is deferred already; its deferrals come one by one")
            self._raise_if_stopped()
            spec = spec_of((self.deferral.spec.n if self.deferral is not None else 0) + 1)
            patch = self._take_patch()
            deferral = Deferral(spec, self._say_reclaim, moved)
            self.deferral = deferral
            event = DeferUntil(
                lease_id=self.lease_id,
                deferral=spec.n,
                poll_interval_ms=spec.poll_interval_ms,
                max_wait_ms=spec.max_wait_ms,
                description=spec.description,
                checkpoint=patch,
            )

            def receipted(receipt: Receipt) -> None:
                # STALE comes with Revoked. A refusal ends the deferral with its reason; the task still has its slot.
                if receipt.result == RECEIPT_RESULT_REJECTED:
                    deferral.fail(_refusal(receipt))
                    self._refused(receipt)

            self._say(HostEvent(defer_until=event), receipted)
            return deferral

    def poll_met(self, deferral: Deferral, value: Any) -> None:
        with self._session.lock:
            deferral.met(value)

    def poll_raised(self, deferral: Deferral, error: BaseException) -> None:
        with self._session.lock:
            deferral.raised(error)

    def checkpoint(self, settled: Callable[[BaseException | None], None]) -> None:
        """Commits what was set so far; `settled` hears of it once it is durable."""

        def receipted(receipt: Receipt) -> None:
            if receipt.result in (RECEIPT_RESULT_APPLIED, RECEIPT_RESULT_DUPLICATE):
                settled(None)
            elif receipt.result == RECEIPT_RESULT_STALE:
                settled(CancelledError(receipt.error.code or "STALE", receipt.error.message))
            else:
                self._refused(receipt)
                settled(_refusal(receipt))

        with self._session.lock:
            self._raise_if_stopped()
            patch = self._take_patch()
            if patch is None:
                settled(None)
            else:
                self._say(HostEvent(checkpoint=Checkpoint(lease_id=self.lease_id, patch=patch)), receipted)

    def _raise_if_stopped(self) -> None:
        if self.stop_error is not None:
            raise self.stop_error

    def _take_patch(self) -> Patch | None:
        """P10: takes what was set and removed so far, or raises ContextTooLargeError and takes nothing."""
        changes = changes_of(self._context)
        if not changes:
            return None
        size = self._committed.bytes_with(changes)
        if size > self._session.max_patch_bytes:
            raise ContextTooLargeError(self.task.id, size, self._session.max_patch_bytes)
        self._committed.add(changes)
        take_changes(self._context)
        patch = Patch()
        for key, text in changes.items():
            if text is None:
                patch.removed.append(key)
            else:
                patch.set[key] = text
        return patch

    def _completed(self, returned: Any) -> None:
        with self._session.lock:
            if self.deferral is not None and self.deferral.is_open:
                raise DeferralNotAwaitedError(self.task.id)
        self._apply(returned)
        complete = Complete(lease_id=self.lease_id, patch=self._take_patch())
        with self._session.lock:
            self._end(HostEvent(complete=complete), None)

    def _apply(self, returned: Any) -> None:
        if returned is None or returned is self._context:
            return
        if isinstance(returned, Context):
            replace_view(self._context, returned)
        elif isinstance(returned, Mapping):
            for key, value in returned.items():
                self._context.set(key, value)
        else:
            is_forgotten = inspect.isawaitable(returned)
            if inspect.iscoroutine(returned):
                returned.close()
            found = (
                "a coroutine that nobody awaits (declare the task with `async def`)" if is_forgotten else repr(returned)
            )
            raise TaskResultInvalidError(found)

    def _failed(self, error: BaseException) -> None:
        kind = classify(error)
        failure = failure_of(error, self._session.max_failure_bytes)
        event = Fail(
            lease_id=self.lease_id,
            failure=failure,
            transient=kind.transient,
            final=kind.final,
            next_delay_ms=kind.next_delay_ms,
        )
        with self._session.lock:
            self._end(HostEvent(fail=event), _text_of(error, failure.message))

    def _left(self, handle: TaskHandle | None) -> None:
        if handle is not None:
            handle._consume()
        with self._session.lock:
            if self.deferral is not None:
                self.deferral.abandon()

    def _end(self, outcome: HostEvent, error: str | None) -> None:
        """The code has ended."""
        self._is_code_over = True
        if self._stopping == "fenced":
            self._say(HostEvent(stopped=Stopped(lease_id=self.lease_id)), lambda _: self._settle())
        elif self._stopping is None:
            self._say(outcome, lambda receipt: self._receipted(outcome, error, receipt))
        self._forget_when_over()

    def _receipted(self, outcome: HostEvent, error: str | None, receipt: Receipt) -> None:
        is_complete = outcome.WhichOneof("event") == "complete"
        has_verdict = receipt.HasField("failure")
        if is_complete and receipt.result == RECEIPT_RESULT_REJECTED and not has_verdict:
            # What the scheduler cannot take from a task is that task's failure: a lease must not stay for ever.
            failure = Failure(code=receipt.error.code, message=receipt.error.message)
            event = Fail(lease_id=self.lease_id, failure=failure, final=True)
            self._end(HostEvent(fail=event), receipt.error.message)
            return
        self._settle()
        if has_verdict:
            # Also of a Complete: its patch was too large, and the scheduler has made a failure of it (P10).
            if receipt.failure.final:
                self._call_back_failure(error or receipt.error.message)
        elif is_complete and receipt.result in (RECEIPT_RESULT_APPLIED, RECEIPT_RESULT_DUPLICATE):
            self._call_back("on_success", self.task.on_success, self._context)

    def _refused(self, receipt: Receipt) -> None:
        """P10: what cannot be taken may have failed the task there and then; nothing that its code says counts any more."""
        if receipt.failure.final:
            self.revoke(receipt.error.message)
            self._call_back_failure(receipt.error.message)

    def _call_back_failure(self, error: str) -> None:
        """Once: of a timeout is heard with Cancel, and again with the verdict of the next Welcome."""
        if not self._is_told:
            self._is_told = True
            self._call_back("on_failure", self.task.on_failure, error, self._context)

    def _call_back(self, name: str, callback: Callable[..., Any] | None, *args: Any) -> None:
        if callback is not None:
            self._session.call_back(name, self.task.id, callback, (self.task.id, *args))

    def _tell(self, error: CancelledError, in_deferral: BaseException | None = None) -> None:
        self.stop_error = error
        self.stopping_event.set()
        if self.deferral is not None and self.deferral.is_open:
            self.deferral.fail(in_deferral or error)
        elif self._coroutine is not None:
            self._session.on_loop(self._coroutine.cancel)

    def _say_reclaim(self, n: int) -> None:
        self._say(HostEvent(reclaim=Reclaim(lease_id=self.lease_id, deferral=n)))

    def _say(self, event: HostEvent, on_receipt: Callable[[Receipt], None] | None = None) -> None:
        self._session.say(event, self.lease_id, on_receipt)

    def _settle(self) -> None:
        self.is_owed = False
        self._forget_when_over()

    def _forget_when_over(self) -> None:
        if not self.is_owed and self._is_code_over:
            self._session.gone(self)


def _text_of(error: BaseException, message: str) -> str:
    return f"{type(error).__name__}: {message}"


def _refusal(receipt: Receipt) -> RemoteError:
    return RemoteError(receipt.error.code, receipt.error.message)
