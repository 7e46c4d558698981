"""cloaca in Python: a task host, and the decorators around it.

import cloaca

with cloaca.WorkflowBuilder("etl") as builder:
    @cloaca.task(id="fetch", retry_attempts=3)
    def fetch(context):
        context.set("raw", [1, 2, 3])
        return context

    @cloaca.task(id="load", dependencies=["fetch"])
    async def load(context, handle):
        await handle.defer_until(lambda: True, poll_interval_ms=100)
        context.set("loaded", len(context.get("raw")))

with cloaca.DefaultRunner("127.0.0.1:7233") as runner:
    print(runner.execute("etl").final_context.to_dict())
"""

from .client import Client, RunResult
from .context import Context
from .errors import (
    CancelledError,
    CloacaError,
    ContextKeyError,
    ContextTooLargeError,
    ContextValueError,
    DeferralNotAwaitedError,
    DeferTimeoutError,
    DefinitionError,
    HandleConsumedError,
    OptionsError,
    PermanentError,
    RemoteError,
    RunFailedError,
    SlotsClosedError,
    TaskResultInvalidError,
    TaskTimeoutError,
    TransientError,
)
from .failure import is_transient
from .handle import TaskHandle
from .host import Host
from .runner import DefaultRunner
from .task import task
from .workflow import Workflow, WorkflowBuilder

__all__ = [
    "CancelledError",
    "Client",
    "CloacaError",
    "Context",
    "ContextKeyError",
    "ContextTooLargeError",
    "ContextValueError",
    "DefaultRunner",
    "DeferTimeoutError",
    "DeferralNotAwaitedError",
    "DefinitionError",
    "HandleConsumedError",
    "Host",
    "OptionsError",
    "PermanentError",
    "RemoteError",
    "RunFailedError",
    "RunResult",
    "SlotsClosedError",
    "TaskHandle",
    "TaskResultInvalidError",
    "TaskTimeoutError",
    "TransientError",
    "Workflow",
    "WorkflowBuilder",
    "is_transient",
    "task",
]
