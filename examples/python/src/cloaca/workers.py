"""Where task code runs: sync tasks in threads, async tasks on one event loop. Neither is the session's own thread.

A task that defers keeps its thread, with its local variables, and gives up its slot: other tasks then run in further
threads. So the number of threads is that of the sync leases held and deferred; an async task that defers has none.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

_IDLE_SECONDS = 10.0


class Workers:
    """Threads that are used again, and a loop that starts with its first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._idle = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pinged_at: float | None = None

    def run(self, work: Callable[[], None]) -> None:
        """Runs something in a thread, at once."""
        with self._lock:
            is_free = self._idle > 0
            if is_free:
                # Whoever is idle takes it.
                self._idle -= 1
        if is_free:
            self._work.put(work)
        else:
            threading.Thread(target=self._thread, args=(work,), name="cloaca-task", daemon=True).start()

    def spawn(self, coroutines: list[Coroutine[Any, Any, None]]) -> None:
        """Runs coroutines on the loop."""
        self.loop.call_soon_threadsafe(self._create, coroutines)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                # asyncio keeps weak references to tasks.
                self._tasks: set[asyncio.Task[None]] = set()
                threading.Thread(target=self._loop.run_forever, name="cloaca-loop", daemon=True).start()
            return self._loop

    def lag_ms(self) -> int:
        """For how long the loop has not answered, in milliseconds; asks it anew when it has."""
        if self._loop is None:
            return 0
        pinged_at = self._pinged_at
        if pinged_at is not None:
            return round((time.monotonic() - pinged_at) * 1000)
        self._pinged_at = time.monotonic()
        self._loop.call_soon_threadsafe(self._pong)
        return 0

    def stop(self) -> None:
        """Ends the loop. Threads end by themselves."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _create(self, coroutines: list[Coroutine[Any, Any, None]]) -> None:
        for coroutine in coroutines:
            task = asyncio.ensure_future(coroutine)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _pong(self) -> None:
        self._pinged_at = None

    def _thread(self, work: Callable[[], None]) -> None:
        while True:
            work()
            with self._lock:
                self._idle += 1
            try:
                work = self._work.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if self._idle > 0:
                        self._idle -= 1
                        return
                # Somebody has counted on this thread.
                work = self._work.get()
