"""The host that the conformance kit drives: the fixed tasks of docs/PROTOCOL.md, in sync functions.

npx cloaca-conformance --host "python examples/python/conformance_host.py" --level drain
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))

import cloaca  # noqa: E402

LOOK_SECONDS = 0.01


def trace(context: cloaca.Context, handle: cloaca.TaskHandle, word: str) -> None:
    """One line in one write."""
    path = context.get("trace")
    if path is not None:
        with open(path, "ab", buffering=0) as file:
            file.write(f"{word} {handle.lease_id}\n".encode())


def begins(function: Callable[..., None]) -> Callable[..., None]:
    """Each task begins with a line in its trace."""

    def begun(context: cloaca.Context, handle: cloaca.TaskHandle) -> None:
        trace(context, handle, "start")
        function(context, handle)

    begun.__name__ = function.__name__
    return begun


def hold_slot(context: cloaca.Context, handle: cloaca.TaskHandle) -> None:
    """Keeps the slot until the input's file exists, or the task is to stop."""
    path = context.get("file")
    while not handle.stopping.wait(LOOK_SECONDS):
        if path is not None and os.path.exists(path):
            return
    handle.raise_if_stopping()


with cloaca.WorkflowBuilder("conformance") as conformance:

    @cloaca.task(id="echo")
    @begins
    def echo(context, handle):
        context.set("echoed", context.get("value"))

    @cloaca.task(id="edit")
    @begins
    def edit(context, handle):
        keys = context.get("remove", [])
        for key, value in context.get("set", {}).items():
            context.set(key, value)
        for key in keys:
            context.remove(key)

    @cloaca.task(id="fail")
    @begins
    def fail(context, handle):
        raise RuntimeError(context.get("message", "failed"))

    @cloaca.task(id="fail_transient")
    @begins
    def fail_transient(context, handle):
        raise cloaca.TransientError(context.get("message", "failed"))

    @cloaca.task(id="fail_final")
    @begins
    def fail_final(context, handle):
        raise cloaca.PermanentError(context.get("message", "failed"))

    @cloaca.task(id="large")
    @begins
    def large(context, handle):
        context.set("large", "x" * context.get("bytes", 0))

    @cloaca.task(id="slow")
    @begins
    def slow(context, handle):
        try:
            hold_slot(context, handle)
        except cloaca.CancelledError:
            # Cleaning up takes its time, and nothing cuts it short.
            cleanup(context.get("cleanup_ms", 0))
            trace(context, handle, "stopped")
            raise
        context.set("waited", True)

    @cloaca.task(id="checkpoint")
    @begins
    def checkpoint(context, handle):
        step = context.get("step")
        if step is not None:
            context.set("resumed_at", step)
        else:
            context.set("step", 1)
            handle.checkpoint()
            if context.get("file") is not None:
                hold_slot(context, handle)
        context.set("done", True)

    @cloaca.task(id="defer")
    @begins
    def defer(context, handle):
        outcomes = []
        try:
            for n, path in enumerate(context.get("files"), 1):
                context.set("waiting", n)
                outcomes.append(defer_for(context, handle, path))
        except cloaca.CancelledError:
            trace(context, handle, "stopped")
            raise
        except cloaca.SlotsClosedError:
            trace(context, handle, "stopped")
            raise
        context.set("outcomes", outcomes)
        context.remove("waiting")


def defer_for(context: cloaca.Context, handle: cloaca.TaskHandle, path: str) -> str:
    def exists() -> bool:
        trace(context, handle, "poll")
        return os.path.exists(path)

    max_wait_ms = context.get("max_wait_ms", 0) or None
    try:
        handle.defer_until(exists, poll_interval_ms=context.get("poll_ms", 20), max_wait_ms=max_wait_ms)
    except cloaca.DeferTimeoutError:
        return "MAX_WAIT"
    return "MET"


def cleanup(ms: float) -> None:
    time.sleep(ms / 1000)


def main() -> None:
    host = cloaca.Host(
        os.environ["CLOACA_ADDRESS"],
        host_id=os.environ["CLOACA_HOST_ID"],
        slots=4,
        drain_grace_ms=300,
        max_backoff_ms=1000,
    )
    host.register(conformance).run()


if __name__ == "__main__":
    main()
