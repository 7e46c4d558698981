"""What a connection still has to send: everything that is ready goes out in one message, and nothing waits for more."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import islice

from .v1.host_service_pb2 import HostEvent, WorkRequest

# P10: a host splits its batches.
EVENTS_PER_MESSAGE = 1_000
BYTES_PER_MESSAGE = 1024 * 1024
# A tag and a length.
_BYTES_BETWEEN = 6


class Outgoing:
    """The iterator of requests that gRPC reads from, in a thread of its own, one message after the other."""

    def __init__(self, hello: Iterable[HostEvent]) -> None:
        # Each part in a message of its own: that is what chunks are for.
        self._hello = [WorkRequest(events=[event]) for event in hello]
        self._waiting: list[HostEvent] = []
        self._changed = threading.Condition()
        self._is_finishing = False
        self._is_closed = False
        self._max_bytes = BYTES_PER_MESSAGE

    def limit(self, max_message_bytes: int) -> None:
        """No message is larger, from here on (P10)."""
        with self._changed:
            self._max_bytes = min(BYTES_PER_MESSAGE, max_message_bytes)

    def put(self, events: Iterable[HostEvent]) -> None:
        with self._changed:
            self._waiting.extend(events)
            self._changed.notify()

    def finish(self) -> None:
        """Ends the host's side, after what waits."""
        with self._changed:
            self._is_finishing = True
            self._changed.notify()

    def close(self) -> None:
        """The stream is over: nothing is sent any more."""
        with self._changed:
            self._is_closed = True
            self._waiting.clear()
            self._changed.notify()

    def __iter__(self) -> Outgoing:
        return self

    def __next__(self) -> WorkRequest:
        if self._hello:
            return self._hello.pop(0)
        with self._changed:
            while not self._waiting:
                if self._is_closed or self._is_finishing:
                    raise StopIteration
                self._changed.wait()
            if self._is_closed:
                raise StopIteration
            count = self._fitting()
            events = self._waiting[:count]
            del self._waiting[:count]
        return WorkRequest(events=events)

    def _fitting(self) -> int:
        size = 0
        count = 0
        for event in islice(self._waiting, EVENTS_PER_MESSAGE):
            size += event.ByteSize() + _BYTES_BETWEEN
            if count > 0 and size > self._max_bytes:
                break
            count += 1
        return count
