"""What a host instance holds and owes, beyond any one connection: its executions, and the events that have no receipt yet
(P4, P6). A connection comes, hears what is owed again, and goes. One lock guards all of it; task code never runs under it."""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .code_book import CodeBook
from .execution import Execution
from .outgoing import Outgoing
from .owed import OnReceipt, OwedEvents
from .v1.definition_pb2 import WorkflowDefinition
from .v1.host_service_pb2 import (
    DEFERRAL_OUTCOME_UNSPECIFIED,
    LEASE_STATE_DEFERRED,
    LEASE_STATE_DEFERRING,
    LEASE_STATE_ENDING,
    LEASE_STATE_HELD,
    LEASE_STATE_RECLAIMING,
    LEASE_STATE_REVOKED,
    RECEIPT_RESULT_CONFLICT,
    RECEIPT_RESULT_REJECTED,
    Cancel,
    CancelReason,
    Decline,
    FailureVerdict,
    HeldLease,
    Hello,
    HostDrain,
    HostEvent,
    Lease,
    LeaseVerdict,
    Receipts,
    SchedulerEvent,
    Sdk,
    Welcome,
)
from .wire import PROTOCOL_VERSION, VERSION, hello_events
from .workers import Workers

log = logging.getLogger("cloaca")


@dataclass(frozen=True)
class SessionOptions:
    """What a host says of itself."""

    namespace: str
    host_id: str
    instance_id: str
    slots: int
    build_id: str = ""
    max_leases: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)


class Session:
    """`changed` is called, under the lock, when something may have become true that `is_idle` tells."""

    def __init__(self, options: SessionOptions, code: CodeBook, workers: Workers, changed: Callable[[], None]) -> None:
        self.lock = threading.RLock()
        self.max_patch_bytes = 2**62
        self.max_failure_bytes = 2**62
        self.session_id = ""
        self.resume_token = ""
        self.is_draining = False
        self._options = options
        self._code = code
        self._workers = workers
        self._changed = changed
        self._executions: dict[str, Execution] = {}
        self._owed = OwedEvents()
        # Definitions of `Register` events that `Registered` has not answered; the receipt may come before.
        self._registrations: dict[int, list[WorkflowDefinition]] = {}
        self._outgoing: Outgoing | None = None
        # Why deferred leases go back, once the grace time of a drain is over (P12).
        self._hand_back: str | None = None
        self._async_starts: list[Execution] = []

    @property
    def is_attached(self) -> bool:
        """A connection serves it."""
        return self._outgoing is not None

    @property
    def is_idle(self) -> bool:
        """Nothing runs, and nothing is owed."""
        return not self._executions and len(self._owed) == 0

    @property
    def has_news(self) -> bool:
        """Something runs, or is owed that the scheduler would miss. That the host drains it learns from its silence too."""
        return bool(self._executions) or any(kind != "drain" for kind in self._owed.kinds())

    def hello(self) -> tuple[list[HostEvent], list[WorkflowDefinition]]:
        """The events of a Hello, and the definitions that it brings."""
        with self.lock:
            held = [
                HeldLease(lease_id=e.lease_id, state=e.lease_state, deferral=e.deferral.spec.n if e.deferral else 0)
                for e in self._executions.values()
                if e.is_owed
            ]
            definitions, implementations = self._code.offer()
            o = self._options
            hello = Hello(
                protocol_min=PROTOCOL_VERSION,
                protocol_max=PROTOCOL_VERSION,
                namespace=o.namespace,
                host_id=o.host_id,
                instance_id=o.instance_id,
                resume_token=self.resume_token,
                sdk=Sdk(name="cloaca-python", version=VERSION, language="python"),
                build_id=o.build_id,
                slots=o.slots,
                max_leases=o.max_leases,
                labels=o.labels,
            )
            # P12: who drains offers nothing. A session that opens anew would get new leases before its Drain is read.
            offered = [] if self.is_draining else implementations
            return hello_events(hello, definitions, offered, held), definitions

    def attach(self, outgoing: Outgoing, welcome: Welcome, definitions: list[WorkflowDefinition]) -> None:
        """A connection serves the session: verdicts are applied, then everything owed is said again, in its order."""
        with self.lock:
            self.session_id = welcome.session_id
            self.resume_token = welcome.resume_token
            # 0 is no limit that anybody would set: a field that is not there.
            self.max_patch_bytes = welcome.limits.max_patch_bytes or 2**62
            self.max_failure_bytes = welcome.limits.max_failure_bytes or 2**62
            self._code.registered(definitions, welcome.workflows)
            for verdict in welcome.verdicts:
                self._apply(verdict)
            # What has its receipt is not said again, and is not answered any more.
            self._registrations = {seq: d for seq, d in self._registrations.items() if seq in self._owed}
            # A session that was lost took with it that its host drains.
            if self.is_draining and not welcome.resumed:
                self._say_drain("the host drains")
            self._outgoing = outgoing
            outgoing.put(self._owed.all())

    def detach(self) -> None:
        """The connection is gone; tasks go on."""
        with self.lock:
            self._outgoing = None

    def forget_session(self) -> None:
        """The token is not taken any more: the next `Hello` opens a session of its own."""
        with self.lock:
            self.session_id = self.resume_token = ""

    def say(self, event: HostEvent, lease_id: str = "", on_receipt: OnReceipt | None = None) -> None:
        with self.lock:
            seq = self._owed.add(event, lease_id, on_receipt)
            if event.WhichOneof("event") == "register":
                self._registrations[seq] = list(event.register.definitions)
            if self._outgoing is not None:
                self._outgoing.put((event,))

    def hear(self, events: Iterable[SchedulerEvent]) -> None:
        """What one message brought, in its order. An event that is not known comes from a newer scheduler: ignored."""
        with self.lock:
            for event in events:
                kind = event.WhichOneof("event")
                if kind is not None:
                    getattr(self, f"_hear_{kind}", _ignore)(getattr(event, kind))
            starts, self._async_starts = self._async_starts, []
            if starts:
                self._workers.spawn([execution.run_async() for execution in starts])

    def drain(self, reason: str) -> None:
        """P12: no new leases from here on."""
        with self.lock:
            if not self.is_draining:
                self.is_draining = True
                self._say_drain(reason)
                self._changed()

    def decline_deferred(self, reason: str) -> None:
        """P12: the grace time is over. What is deferred goes back, now and from here on."""
        with self.lock:
            self._hand_back = reason
            for execution in list(self._executions.values()):
                if execution.lease_state in (LEASE_STATE_DEFERRING, LEASE_STATE_DEFERRED, LEASE_STATE_RECLAIMING):
                    execution.decline(reason)

    # What executions ask.

    def gone(self, execution: Execution) -> None:
        if self._executions.get(execution.lease_id) is execution:
            del self._executions[execution.lease_id]
        self._changed()

    def warn(self, event: str, /, **fields: object) -> None:
        log.warning("%s %s", event, " ".join(f"{name}={value!r}" for name, value in fields.items()))

    def on_loop(self, call: Callable[[], Any]) -> None:
        self._workers.loop.call_soon_threadsafe(call)

    def call_back(self, name: str, task: str, callback: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """What callbacks raise is logged, and has no effect."""

        async def on_loop() -> None:
            try:
                await callback(*args)
            except Exception as error:
                self.warn("callback_failed", callback=name, task=task, error=error)

        def in_thread() -> None:
            try:
                callback(*args)
            except Exception as error:
                self.warn("callback_failed", callback=name, task=task, error=error)

        if inspect.iscoroutinefunction(callback):
            self._workers.spawn([on_loop()])
        else:
            self._workers.run(in_thread)

    # What the scheduler says; named as in the protocol.

    def _hear_lease(self, lease: Lease) -> None:
        # Sent again after a reconnect: it runs already.
        if lease.lease_id in self._executions:
            return
        task = self._code.find(lease)
        if task is None:
            version = lease.workflow_version
            reason = f'this host has no code for task "{lease.task}" of workflow "{lease.workflow}", version {version}'
            self.warn("lease_declined", lease=lease.lease_id, reason=reason)
            self.say(HostEvent(decline=Decline(lease_id=lease.lease_id, reason=reason)), lease.lease_id)
            return
        execution = Execution(lease, task, self)
        self._executions[lease.lease_id] = execution
        if task.is_async:
            self._async_starts.append(execution)
        else:
            self._workers.run(execution.run)

    def _hear_deferred(self, event: Any) -> None:
        self._deferred(event.lease_id, event.deferral)

    def _hear_slot_granted(self, event: Any) -> None:
        execution = self._executions.get(event.lease_id)
        if execution is not None and execution.deferral is not None:
            execution.deferral.granted(event.deferral, event.outcome)

    def _hear_cancel(self, event: Any) -> None:
        execution = self._executions.get(event.lease_id)
        if execution is not None:
            execution.cancel(_reason(event.reason), event.detail, _verdict_of(event))

    def _hear_revoked(self, event: Any) -> None:
        self._revoke(event.lease_id, event.detail)

    def _hear_receipts(self, receipts: Receipts) -> None:
        for event, receipt in self._owed.settle(receipts.up_to, receipts.exceptions):
            if receipt.result in (RECEIPT_RESULT_REJECTED, RECEIPT_RESULT_CONFLICT):
                kind = event.WhichOneof("event")
                self.warn("event_refused", event=kind, code=receipt.error.code, message=receipt.error.message)
        self._changed()

    def _hear_registered(self, event: Any) -> None:
        self._code.registered(self._registrations.pop(event.seq, []), event.workflows)

    def _revoke(self, lease_id: str, detail: str) -> None:
        execution = self._executions.get(lease_id)
        # A fenced lease is answered so as well (P3). Its slot is free with `Stopped` alone, which is still owed.
        if execution is None or execution.owes_stopped:
            return
        execution.revoke(detail)
        self._owed.drop(lease_id)
        self._changed()

    def _deferred(self, lease_id: str, n: int) -> None:
        """P8: the slot is free, and the condition is polled; or the lease goes back, when the grace time is over."""
        execution = self._executions.get(lease_id)
        if execution is None or execution.deferral is None:
            return
        is_news = execution.lease_state == LEASE_STATE_DEFERRING and execution.deferral.spec.n == n
        if is_news and self._hand_back is not None:
            execution.decline(self._hand_back)
        else:
            execution.deferral.deferred(n)

    def _apply(self, verdict: LeaseVerdict) -> None:
        """What the books say about a lease that `Hello` listed (P6)."""
        execution = self._executions.get(verdict.lease_id)
        if execution is None:
            return
        deferral = execution.deferral
        if verdict.state == LEASE_STATE_HELD:
            # A grant that was lost on the wire.
            if verdict.outcome != DEFERRAL_OUTCOME_UNSPECIFIED and deferral is not None:
                deferral.granted(verdict.deferral, verdict.outcome)
        elif verdict.state == LEASE_STATE_DEFERRED:
            self._deferred(verdict.lease_id, verdict.deferral)
        elif verdict.state == LEASE_STATE_RECLAIMING:
            if deferral is not None:
                deferral.reclaiming(verdict.deferral)
        elif verdict.state == LEASE_STATE_ENDING:
            execution.cancel(_reason(verdict.cancel_reason), verdict.detail, _verdict_of(verdict))
        elif verdict.state == LEASE_STATE_REVOKED:
            self._revoke(verdict.lease_id, "the session was lost while the connection was away")
        # FINISHED and DEFERRING: what is owed is said again, and is answered DUPLICATE.

    def _say_drain(self, reason: str) -> None:
        if "drain" not in self._owed.kinds():
            self.say(HostEvent(drain=HostDrain(reason=reason)))


def _verdict_of(told: Cancel | LeaseVerdict) -> FailureVerdict | None:
    return told.failure if told.HasField("failure") else None


def _reason(value: int) -> str:
    try:
        return CancelReason.Name(value).removeprefix("CANCEL_REASON_")
    except ValueError:
        # From a newer scheduler.
        return "UNSPECIFIED"


def _ignore(_: object) -> None:
    pass
