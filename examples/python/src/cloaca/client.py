"""Starts runs and reads them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc

from .context import Context, context_of, texts_of
from .errors import RunFailedError
from .v1.run_pb2 import (
    RUN_STATUS_CANCELLED,
    RUN_STATUS_FAILED,
    RUN_STATUS_SUCCEEDED,
    Run,
    RunStatus,
    TaskRun,
)
from .v1.run_service_pb2 import CancelRunRequest, GetRunRequest, ListTaskRunsRequest, RunSpec, StartRunRequest
from .v1.run_service_pb2_grpc import RunServiceStub
from .wire import open_channel, remote_error

_ENDED = (RUN_STATUS_SUCCEEDED, RUN_STATUS_FAILED, RUN_STATUS_CANCELLED)
_WAIT_MS = 20_000


@dataclass(frozen=True)
class RunResult:
    """A run that has ended. `status`: SUCCEEDED, FAILED or CANCELLED; `final_context`: what its last tasks left."""

    run_id: str
    status: str
    final_context: Context
    reason: str = ""
    tasks: tuple[TaskRun, ...] = field(default=(), repr=False)

    @property
    def error_message(self) -> str | None:
        """Why it did not succeed."""
        return self.reason or None


class Client:
    """Calls to one scheduler. Its methods raise RemoteError when the scheduler refuses."""

    def __init__(self, address: str, *, namespace: str = "default") -> None:
        self._namespace = namespace
        self._channel = open_channel(address)
        self._runs = RunServiceStub(self._channel)

    def start(
        self,
        workflow: str,
        context: Context | Mapping[str, Any] | None = None,
        *,
        version: str = "",
        request_id: str = "",
        priority: int = 0,
        labels: Mapping[str, str] | None = None,
        timeout_ms: int = 0,
    ) -> str:
        """Starts a run and returns its id. With a `request_id` it is idempotent."""
        given = context if isinstance(context, Context) else Context(context)
        spec = RunSpec(
            workflow=workflow,
            version=version,
            context=texts_of(given),
            priority=priority,
            labels=labels,
            request_id=request_id,
            timeout_ms=timeout_ms,
        )
        return self._call(self._runs.StartRun, StartRunRequest(namespace=self._namespace, run=spec)).run_id

    def get(self, run_id: str, *, wait_ms: int = 0) -> Run:
        """A run; with `wait_ms` as soon as it has ended, or so much later."""
        request = GetRunRequest(namespace=self._namespace, run_id=run_id, wait_ms=wait_ms)
        return self._call(self._runs.GetRun, request).run

    def task_runs(self, run_id: str) -> list[TaskRun]:
        """The task runs of a run, in declared order."""
        found: list[TaskRun] = []
        token = ""
        while True:
            request = ListTaskRunsRequest(namespace=self._namespace, run_id=run_id, page_token=token)
            page = self._call(self._runs.ListTaskRuns, request)
            found.extend(page.task_runs)
            token = page.next_page_token
            if not token:
                return found

    def cancel(self, run_id: str, reason: str = "") -> str:
        """Cancels a run, and returns its status after that."""
        request = CancelRunRequest(namespace=self._namespace, run_id=run_id, reason=reason)
        return _status(self._call(self._runs.CancelRun, request).status)

    def wait(self, run_id: str, timeout: float | None = None) -> RunResult:
        """The result of a run, once it has ended, however it did. Raises TimeoutError after so many seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left_ms = _WAIT_MS if deadline is None else max(0, round((deadline - time.monotonic()) * 1000))
            run = self.get(run_id, wait_ms=min(_WAIT_MS, left_ms))
            if run.status in _ENDED:
                tasks = () if run.status == RUN_STATUS_SUCCEEDED else tuple(self.task_runs(run_id))
                return RunResult(run_id, _status(run.status), context_of(dict(run.context)), run.reason, tasks)
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"run {run_id} has not ended in {timeout} s")

    def result(self, run_id: str, timeout: float | None = None) -> RunResult:
        """As `wait`; raises RunFailedError when the run did not succeed."""
        result = self.wait(run_id, timeout)
        if result.status != "SUCCEEDED":
            raise RunFailedError(f"RUN_{result.status}", run_id, _why(result))
        return result

    def close(self) -> None:
        self._channel.close()

    def _call(self, method: Any, request: Any) -> Any:
        try:
            return method(request)
        except grpc.RpcError as error:
            raise remote_error(error) from None


def _status(value: int) -> str:
    return RunStatus.Name(value).removeprefix("RUN_STATUS_")


def _why(result: RunResult) -> str:
    failed = [
        f"  {task.task}: {task.failure.type}: {task.failure.message}" for task in result.tasks if task.failure.code
    ]
    return "\n".join([result.reason or result.status, *failed])
