"""A task host: the process that executes tasks of workflows whose graph a scheduler drives."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from .backoff import Backoff
from .code_book import BroughtWorkflow, CodeBook
from .connection import Connection, Hooks, Outcome
from .errors import CloacaError, OptionsError, RemoteError
from .liveness import Liveness
from .session import Session, SessionOptions
from .task import name_problems, task_of
from .v1.definition_pb2 import WorkflowDefinition
from .v1.host_service_pb2 import (
    RECEIPT_RESULT_APPLIED,
    RECEIPT_RESULT_DUPLICATE,
    HostEvent,
    Receipt,
    Welcome,
)
from .wire import open_channel
from .workers import Workers
from .workflow import Workflow, WorkflowBuilder, find_workflow

log = logging.getLogger("cloaca")

DEFAULT_ADDRESS = "127.0.0.1:7233"
DEFAULT_SLOTS = 8
DEFAULT_DRAIN_GRACE_MS = 10_000
# Of a session that no Welcome has told its own.
_DEFAULT_TTL_SECONDS = 15.0
_MAX_SLOTS = 100_000


class Host:
    """Serves a scheduler.

    address: `host:port`, `grpc://…` or `grpcs://…`; by default the environment's CLOACA_ADDRESS, else 127.0.0.1:7233.
    host_id: the operator's name for it, unique within the namespace; the machine's name and the process's id by default.
    slots: leases that may hold a slot at once, 8 by default. max_leases: held and deferred together; 0 means no limit.
    drain_grace_ms: time until a draining host hands its deferred tasks back, 10,000 by default.
    max_backoff_ms: longest wait between two tries to connect, 10,000 by default.

    Raises OptionsError with everything that is wrong.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        host_id: str | None = None,
        namespace: str = "default",
        slots: int = DEFAULT_SLOTS,
        max_leases: int = 0,
        labels: Mapping[str, str] | None = None,
        build_id: str = "",
        drain_grace_ms: int = DEFAULT_DRAIN_GRACE_MS,
        max_backoff_ms: int = 10_000,
    ) -> None:
        self.address = address or os.environ.get("CLOACA_ADDRESS") or DEFAULT_ADDRESS
        # Raises when it is none.
        open_channel(self.address).close()
        self.host_id = host_id or _own_name()
        problems = [*name_problems("host_id", self.host_id), *name_problems("namespace", namespace)]
        for name, value in (("slots", slots), ("max_leases", max_leases)):
            if type(value) is not int or not 0 <= value <= _MAX_SLOTS:
                problems.append(f"{name}: is {value!r}; allowed are whole numbers from 0 to {_MAX_SLOTS}")
        if problems:
            raise OptionsError("Host", problems)
        self._drain_grace_ms = drain_grace_ms
        self._code = CodeBook()
        self._workers = Workers()
        options = SessionOptions(
            namespace, self.host_id, secrets.token_hex(16), slots, build_id, max_leases, dict(labels or {})
        )
        self._session = Session(options, self._code, self._workers, self._finish_when_idle)
        self._backoff = Backoff(max_ms=max_backoff_ms)
        self._connection: Connection | None = None
        self._liveness = Liveness(self.address, lambda: self._connection, self._workers.lag_ms)
        self._thread: threading.Thread | None = None
        self._has_said_hello = False
        self._wake = threading.Event()
        self._ready: Future[None] = Future()
        self._ended: Future[None] = Future()
        self._ttl_seconds = _DEFAULT_TTL_SECONDS
        # When a drain ends that the scheduler does not hear of: by then its session has expired there.
        self._drain_deadline = float("inf")
        self._grace_timer: threading.Timer | None = None

    def register(self, *workflows: str | Workflow | WorkflowBuilder) -> Host:
        """Brings workflows: their graphs and the code of all their tasks. While the host runs, the scheduler is told at once.
        Several versions of a workflow can be brought: each run gets the code of its own."""
        for workflow in workflows:
            self._bring(find_workflow(workflow))
        return self

    def bring(self, workflow: str | Workflow | WorkflowBuilder) -> Future[str]:
        """Brings a workflow; the future has the version that the scheduler gives it, or RemoteError when it refuses it."""
        return self._bring(find_workflow(workflow)).registered

    def implement(self, workflow: str, function: Callable[..., Any]) -> Host:
        """Brings the code of one task, a decorated function, of a workflow that another registers, for whatever version."""
        task = task_of(function)
        if task is None:
            raise OptionsError("host.implement", [f"{function!r} is no task; decorate it with @cloaca.task"])
        with self._session.lock:
            register = self._code.implement(workflow, task)
            if self._connection is not None:
                self._session.say(HostEvent(register=register))
        return self

    def run(self, *, handle_signals: bool = True) -> None:
        """Serves until the host is drained; connects again for ever, with a growing wait, while the scheduler is away. SIGTERM
        and SIGINT drain it (in the main thread). Raises only when the scheduler refuses the host for good."""
        self.start()
        previous = self._handle_signals() if handle_signals else {}
        try:
            self._ended.result()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def start(self) -> Host:
        """Serves in threads of its own; `wait_ready`, `drain` and `wait` tell of it."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._supervise, name="cloaca-session", daemon=True)
            self._thread.start()
        return self

    def wait_ready(self, timeout: float | None = None) -> None:
        """Returns once the host is registered and can get leases. Raises what ended it before, or TimeoutError."""
        self._ready.result(timeout)

    def wait(self, timeout: float | None = None) -> None:
        """Returns when the host has ended; raises why it was refused, or TimeoutError."""
        self._ended.result(timeout)

    def drain(self, grace_ms: int | None = None, *, wait: bool = True) -> None:
        """Takes no new work, finishes what runs, hands deferred tasks back after the grace time, and ends `run`."""
        self._start_drain(self._drain_grace_ms if grace_ms is None else grace_ms, "the host drains")
        if wait and self._thread is not None:
            self._ended.result()

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs, and the scheduler has the outcome of everything that ran."""
        with self._session.lock:
            return self._session.is_idle

    def _supervise(self) -> None:
        end: BaseException = CloacaError("HOST_ENDED", f'host "{self.host_id}" has ended')
        failure: BaseException | None = None
        self._liveness.start()
        try:
            self._serve()
        except BaseException as error:
            end = failure = error
        finally:
            if self._grace_timer is not None:
                self._grace_timer.cancel()
            self._liveness.stop()
            self._workers.stop()
            with self._session.lock:
                self._code.end(end)
            if not self._ready.done():
                self._ready.set_exception(end)
            if failure is None:
                self._ended.set_result(None)
            else:
                self._ended.set_exception(failure)

    def _serve(self) -> None:
        address = None
        while True:
            # A host that drains with nothing to do need not connect first.
            if self._session.is_draining and self._session.session_id == "":
                return
            outcome = self._connect(address or self.address)
            if outcome.kind == "drained":
                return
            if outcome.kind == "fatal" and outcome.error is not None:
                raise outcome.error
            if self._may_go():
                return
            # P12: where the scheduler said; if nobody is there, back to where this host was told.
            address = outcome.address
            self._pause(outcome)

    def _connect(self, address: str) -> Outcome:
        with self._session.lock:
            self._has_said_hello = True
            hooks = Hooks(self._welcomed, self._start_drain)
            connection = self._connection = Connection(address, self._session, hooks)
        self._liveness.watch()
        try:
            return connection.serve()
        finally:
            with self._session.lock:
                self._connection = None

    def _welcomed(self, welcome: Welcome, definitions: list[WorkflowDefinition]) -> None:
        self._backoff.reset()
        self._ttl_seconds = welcome.ttl_ms / 1000
        log.info("host_connected session=%s generation=%d", welcome.session_id, welcome.generation)
        for brought in self._code.missing_in(definitions):
            self._say_register(brought)
        if not self._ready.done():
            self._ready.set_result(None)
        self._finish_when_idle()
        self._liveness.watch()

    def _may_go(self) -> bool:
        """A host that drains while the scheduler is away goes when it has nothing to say, or nobody waits for it any more."""
        if not self._session.is_draining:
            return False
        with self._session.lock:
            return not self._session.has_news or time.monotonic() > self._drain_deadline

    def _pause(self, outcome: Outcome) -> None:
        wait_ms = self._backoff.next_ms() if outcome.after_ms is None else outcome.after_ms
        log.warning("host_disconnected error=%r retry_in_ms=%d", str(outcome.error or "the stream ended"), wait_ms)
        self._wake.wait(wait_ms / 1000)
        self._wake.clear()

    def _start_drain(self, grace_ms: int, reason: str) -> None:
        with self._session.lock:
            if self._session.is_draining:
                return
            log.info("host_draining reason=%r grace_ms=%d", reason, grace_ms)
            self._drain_deadline = time.monotonic() + grace_ms / 1000 + self._ttl_seconds
            self._session.drain(reason)
            self._grace_timer = threading.Timer(grace_ms / 1000, self._session.decline_deferred, ["the host drains"])
            self._grace_timer.daemon = True
            self._grace_timer.start()
            self._wake.set()

    def _finish_when_idle(self) -> None:
        session, connection = self._session, self._connection
        if connection is not None and session.is_attached and session.is_draining and session.is_idle:
            connection.finish()

    def _bring(self, workflow: Workflow) -> BroughtWorkflow:
        with self._session.lock:
            brought, is_new = self._code.bring(workflow, self._has_said_hello)
            if self._ended.done():
                brought.refused(CloacaError("HOST_ENDED", f'host "{self.host_id}" has ended'))
            # The Hello of this connection has been said.
            elif is_new and self._connection is not None:
                self._say_register(brought)
            return brought

    def _say_register(self, brought: BroughtWorkflow) -> None:
        if brought.is_asked:
            return
        brought.is_asked = True

        def receipted(receipt: Receipt) -> None:
            brought.is_asked = False
            if receipt.result not in (RECEIPT_RESULT_APPLIED, RECEIPT_RESULT_DUPLICATE):
                self._code.drop(brought)
                problems = [f"{problem.field}: {problem.description}" for problem in receipt.error.problems]
                brought.refused(RemoteError(receipt.error.code, receipt.error.message, problems=problems))

        self._session.say(HostEvent(register=brought.register), "", receipted)

    def _handle_signals(self) -> dict[int, Any]:
        if threading.current_thread() is not threading.main_thread():
            return {}

        def stop(*_: object) -> None:
            # The second one ends the process as always.
            for number, handler in previous.items():
                signal.signal(number, handler)
            # A handler runs between two lines of whatever the main thread does: it must not wait for a lock.
            threading.Thread(target=self.drain, kwargs={"wait": False}, name="cloaca-stop", daemon=True).start()

        previous = {int(number): signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        return previous


def _own_name() -> str:
    name = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "_.-") else "-" for letter in socket.gethostname()
    )
    return f"py-{name[:100]}-{os.getpid()}"
