"""One connection of a host, from `Hello` to its end, and what its end means for the next one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from .errors import CloacaError, RemoteError
from .outgoing import Outgoing
from .session import Session
from .v1.definition_pb2 import WorkflowDefinition
from .v1.host_service_pb2 import Heartbeat, HostEvent, SchedulerDrain, SchedulerEvent, Welcome
from .v1.host_service_pb2_grpc import HostServiceStub
from .wire import elsewhere, open_channel, remote_error

# Codes of the scheduler that another try does not change.
FATAL = frozenset(
    [
        "REQUEST_INVALID",
        "DEFINITION_INVALID",
        "PROTOCOL_VERSION_UNSUPPORTED",
        "HELLO_EXPECTED",
        "HELLO_REPEATED",
        "SEQ_INVALID",
        "UNIMPLEMENTED",
        "UNAUTHENTICATED",
        "PERMISSION_DENIED",
    ]
)
WELCOME_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Outcome:
    """How a connection ended. `drained`: everything is done and said; `retryable`: again after `after_ms`, or with a backoff
    when that is None, at `address` first when there is one; `fatal`: trying again would be answered the same."""

    kind: str
    error: CloacaError | None = None
    after_ms: float | None = None
    address: str | None = None


@dataclass(frozen=True)
class Hooks:
    """What the host wants to hear."""

    welcomed: Callable[[Welcome, list[WorkflowDefinition]], None]
    # The scheduler asks this host to drain: grace in milliseconds, and why.
    drain: Callable[[int, str], None]


class Connection:
    def __init__(self, address: str, session: Session, hooks: Hooks) -> None:
        self.welcome: Welcome | None = None
        self._address = address
        self._session = session
        self._hooks = hooks
        events, self._definitions = session.hello()
        self._outgoing = Outgoing(events)
        self._channel = open_channel(address)
        self._call = HostServiceStub(self._channel).Work(self._outgoing)
        self._began = self._last_heard = time.monotonic()
        self._is_finishing = threading.Event()
        self._gave_up = ""
        # When and where to connect again, in the words of a scheduler that goes away (P12).
        self._reconnect: SchedulerDrain | None = None
        self._nonce = 0

    def serve(self) -> Outcome:
        """Hears the scheduler until the stream ends, in the thread that calls it."""
        error: RemoteError | None = None
        try:
            for response in self._call:
                self._heard(response.events)
        except grpc.RpcError as ended:
            error = remote_error(ended)
        finally:
            self._call.cancel()
            self._outgoing.close()
            self._session.detach()
            self._channel.close()
        return self._classify(error)

    def finish(self) -> None:
        """Ends in order, once nothing is owed: the scheduler then ends the stream."""
        self._is_finishing.set()
        self._outgoing.finish()

    def give_up(self, why: str) -> None:
        """Gives the connection up; what it holds stays with the session."""
        self._gave_up = why
        self._call.cancel()

    def beat(self, lag_ms: int) -> None:
        """P5: shows life."""
        self._nonce += 1
        self._outgoing.put([HostEvent(heartbeat=Heartbeat(nonce=self._nonce, main_loop_lag_ms=min(lag_ms, 2**32 - 1)))])

    def silent_seconds(self) -> float:
        """How long nothing was heard."""
        return time.monotonic() - self._last_heard

    def _heard(self, events: list[SchedulerEvent]) -> None:
        self._last_heard = time.monotonic()
        rest = []
        for event in events:
            kind = event.WhichOneof("event")
            if kind == "welcome":
                self._welcomed(event.welcome)
            elif kind == "drain":
                if event.drain.reconnect:
                    self._reconnect = event.drain
                else:
                    self._hooks.drain(event.drain.grace_ms, event.drain.reason)
            else:
                rest.append(event)
        if rest:
            self._session.hear(rest)

    def _welcomed(self, welcome: Welcome) -> None:
        if self.welcome is not None:
            return
        if welcome.limits.max_message_bytes:
            self._outgoing.limit(welcome.limits.max_message_bytes)
        self.welcome = welcome
        with self._session.lock:
            self._session.attach(self._outgoing, welcome, self._definitions)
            self._hooks.welcomed(welcome, self._definitions)

    def _classify(self, error: RemoteError | None) -> Outcome:
        if self._gave_up:
            return Outcome("retryable", CloacaError("UNAVAILABLE", f"{self._address}: {self._gave_up}"))
        if self._reconnect is not None:
            after_ms, address = self._reconnect.reconnect_after_ms, self._reconnect.address
            return Outcome("retryable", error, after_ms, elsewhere(self._address, address) if address else None)
        if error is None:
            if self._is_finishing.is_set() and self._session.is_idle:
                return Outcome("drained")
            return Outcome("retryable")
        if error.code == "RESUME_TOKEN_INVALID":
            self._session.forget_session()
        elif error.code in FATAL:
            return Outcome("fatal", error)
        return Outcome("retryable", error, error.retry_after_ms)
