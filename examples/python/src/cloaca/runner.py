"""The shortest way to run a workflow: a host and a client in this process, against a scheduler."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from .client import Client, RunResult
from .context import Context
from .host import DEFAULT_SLOTS, Host
from .workflow import Workflow, WorkflowBuilder, find_workflow


class DefaultRunner:
    """Executes workflows whose tasks run in this process.

    address: of a scheduler (`cloaca server`); by default the environment's CLOACA_ADDRESS, else 127.0.0.1:7233.
    slots: tasks that may run at once, 8 by default.

    It connects with its first use, and ends with `shutdown`, or with its `with` block.
    """

    def __init__(self, address: str | None = None, *, slots: int = DEFAULT_SLOTS, host_id: str | None = None) -> None:
        self._host = Host(address, slots=slots, host_id=host_id)
        self._client: Client | None = None
        self._lock = threading.Lock()

    @property
    def client(self) -> Client:
        """A client of the scheduler."""
        with self._lock:
            if self._client is None:
                self._client = Client(self._host.address)
            return self._client

    @property
    def host(self) -> Host:
        return self._host

    def start(
        self, workflow: str | Workflow | WorkflowBuilder, context: Context | Mapping[str, Any] | None = None
    ) -> str:
        """Starts a run and returns its id; `runner.client` tells of it."""
        found = find_workflow(workflow)
        self._host.start()
        # The run is pinned to what was handed over, whatever version is the current one (P13).
        version = self._host.bring(found).result()
        return self.client.start(found.name, context, version=version)

    def execute(
        self,
        workflow: str | Workflow | WorkflowBuilder,
        context: Context | Mapping[str, Any] | None = None,
        *,
        timeout: float | None = None,
    ) -> RunResult:
        """Runs a workflow to its end.

        Raises RunFailedError when it failed or was cancelled, DefinitionError and RemoteError when it is not taken,
        TimeoutError after `timeout` seconds (None: no limit).
        """
        return self.client.result(self.start(workflow, context), timeout)

    def shutdown(self) -> None:
        """Finishes what runs and ends everything."""
        self._host.drain()
        if self._client is not None:
            self._client.close()

    close = shutdown

    def __enter__(self) -> DefaultRunner:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
