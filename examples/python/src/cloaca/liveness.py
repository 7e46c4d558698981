"""Shows life from a thread of its own, and notices when the scheduler shows none (P5).

Heartbeats do not depend on task code: pure Python code that computes gives the interpreter's lock away every few milliseconds.
When the stream does not get through all the same (a message of many megabytes, say), `KeepAlive` renews the session on a
channel of its own. Only native code that holds the interpreter's lock for longer than the TTL silences all threads: it
belongs into a process of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import grpc

from .connection import WELCOME_TIMEOUT_SECONDS, Connection
from .v1.host_service_pb2 import KeepAliveRequest, Welcome
from .v1.host_service_pb2_grpc import HostServiceStub
from .wire import open_channel

_IDLE_SECONDS = 0.5


class Liveness:
    """`connection` tells the current one; `lag_ms` how long the loop of async tasks has not turned."""

    def __init__(self, address: str, connection: Callable[[], Connection | None], lag_ms: Callable[[], int]) -> None:
        self._address = address
        self._connection = connection
        self._lag_ms = lag_ms
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._channel: grpc.Channel | None = None
        self._thread = threading.Thread(target=self._run, name="cloaca-liveness", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def watch(self) -> None:
        """A connection begins, or was welcomed."""
        self._wake.set()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()
        self._thread.join()
        if self._channel is not None:
            self._channel.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            connection = self._connection()
            welcome = connection.welcome if connection is not None else None
            seconds = _IDLE_SECONDS if welcome is None else welcome.heartbeat_interval_ms / 1000
            planned = time.monotonic() + seconds
            if self._wake.wait(seconds):
                self._wake.clear()
                continue
            late = max(0.0, time.monotonic() - planned)
            if connection is not None and connection is self._connection():
                if welcome is not None:
                    self._beat(connection, welcome, late)
                elif connection.silent_seconds() - late > WELCOME_TIMEOUT_SECONDS:
                    connection.give_up("no Welcome came")

    def _beat(self, connection: Connection, welcome: Welcome, late: float) -> None:
        silent = connection.silent_seconds()
        # While this process stood still nothing could be heard: only time in which it listened counts.
        if silent - late > welcome.ttl_ms / 1000:
            connection.give_up("nothing was heard for the session's TTL")
            return
        lag_ms = max(round(late * 1000), self._lag_ms())
        connection.beat(lag_ms)
        # Each heartbeat is answered: two without an answer have not got through.
        if silent > 2.5 * welcome.heartbeat_interval_ms / 1000:
            self._keep_alive(welcome, lag_ms)

    def _keep_alive(self, welcome: Welcome, lag_ms: int) -> None:
        if self._channel is None:
            self._channel = open_channel(self._address)
        request = KeepAliveRequest(
            session_id=welcome.session_id, resume_token=welcome.resume_token, main_loop_lag_ms=min(lag_ms, 2**32 - 1)
        )
        try:
            HostServiceStub(self._channel).KeepAlive(request, timeout=welcome.heartbeat_interval_ms / 1000)
        except grpc.RpcError:
            # The stream tells what a failure means.
            pass
