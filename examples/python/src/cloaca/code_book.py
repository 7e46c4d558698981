"""What a host has code for (P13). A workflow that it brings is bound to the version that the scheduler computes for it, and
several versions may live side by side: a run goes on with the code that it was started with. A task that it implements for
a workflow of somebody else serves any version. The session's lock guards it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future

from .task import Task
from .v1.definition_pb2 import Implementation, WorkflowDefinition
from .v1.host_service_pb2 import Lease, Register, RegisteredWorkflow
from .wire import definition_of
from .workflow import Workflow


class BroughtWorkflow:
    """A workflow that a host brings, and what the scheduler says to it."""

    def __init__(self, workflow: Workflow, is_late: bool) -> None:
        self.workflow = workflow
        # Whether it came after a `Hello`.
        self.is_late = is_late
        self.definition = definition_of(workflow)
        self.tasks = {task.id: task for task in workflow.tasks}
        self.version = ""
        # Whether a registration is on its way.
        self.is_asked = False
        # The version, once the scheduler has said it; an error when it does not take the workflow.
        self.registered: Future[str] = Future()

    @property
    def implementation(self) -> Implementation:
        return Implementation(workflow=self.workflow.name)

    @property
    def register(self) -> Register:
        return Register(definitions=[self.definition], implementations=[self.implementation])

    def registered_as(self, version: str) -> None:
        self.version = version
        if not self.registered.done():
            self.registered.set_result(version)

    def refused(self, error: BaseException) -> None:
        if not self.registered.done():
            self.registered.set_exception(error)


class CodeBook:
    def __init__(self) -> None:
        # In the order in which they came.
        self._brought: list[BroughtWorkflow] = []
        # Code for whatever version: workflow, then task.
        self._implementations: dict[str, dict[str, Task]] = {}

    def bring(self, workflow: Workflow, is_late: bool) -> tuple[BroughtWorkflow, bool]:
        """Enters a workflow; the same one again is what is there already. Says whether it is new.

        is_late: a `Hello` was said before. The next one carries it only when it has been registered, since a `Hello` is
        refused as a whole.
        """
        for brought in self._brought:
            if brought.workflow is workflow:
                return brought, False
        brought = BroughtWorkflow(workflow, is_late)
        self._brought.append(brought)
        return brought, True

    def drop(self, brought: BroughtWorkflow) -> None:
        """Takes a workflow out that the scheduler did not take."""
        self._brought = [b for b in self._brought if b is not brought]

    def implement(self, workflow: str, task: Task) -> Register:
        tasks = self._implementations.setdefault(workflow, {})
        tasks[task.id] = task
        return Register(implementations=[_any_version(workflow, tasks)])

    def offer(self) -> tuple[list[WorkflowDefinition], list[Implementation]]:
        """What a `Hello` says, which can name a workflow once: the oldest of each name."""
        oldest: dict[str, BroughtWorkflow] = {}
        for brought in self._brought:
            if brought.version or not brought.is_late:
                oldest.setdefault(brought.workflow.name, brought)
        implementations = [brought.implementation for brought in oldest.values()]
        implementations.extend(_any_version(workflow, tasks) for workflow, tasks in self._implementations.items())
        return [brought.definition for brought in oldest.values()], implementations

    def missing_in(self, definitions: Iterable[WorkflowDefinition]) -> list[BroughtWorkflow]:
        """What has to be registered after a `Hello`, one by one and in order, so that the newest stays the newest."""
        said = {id(definition) for definition in definitions}
        return [brought for brought in self._brought if id(brought.definition) not in said]

    def registered(self, definitions: Iterable[WorkflowDefinition], workflows: Iterable[RegisteredWorkflow]) -> None:
        """The scheduler has registered these, and said their versions, in order."""
        for definition, workflow in zip(definitions, workflows, strict=False):
            brought = next((b for b in self._brought if b.definition == definition and _is_due(b)), None)
            brought = next((b for b in self._brought if b.definition is definition), brought)
            if brought is None:
                continue
            brought.registered_as(workflow.version)
            # The same graph, built again: its newer code takes over.
            name, version = workflow.name, workflow.version
            same = [b for b in self._brought if b.workflow.name == name and b.version == version]
            self._brought = [b for b in self._brought if b not in same[:-1]]

    def end(self, error: BaseException) -> None:
        """The host has ended: nobody will hear of what is not registered."""
        for brought in self._brought:
            brought.refused(error)

    def find(self, lease: Lease) -> Task | None:
        """The code for a lease; None when there is none."""
        versions = [b for b in self._brought if b.workflow.name == lease.workflow]
        known = next((b for b in versions if b.version == lease.workflow_version), None)
        if known is None:
            # A lease can overtake the version of its workflow when the connection breaks that carried it. Then it belongs
            # to the one whose answer is missing; of several, nobody guesses.
            unanswered = [b for b in versions if b.version == ""]
            known = unanswered[0] if len(unanswered) == 1 else None
        task = known.tasks.get(lease.task) if known is not None else None
        return task or self._implementations.get(lease.workflow, {}).get(lease.task)


def _is_due(brought: BroughtWorkflow) -> bool:
    return brought.version == ""


def _any_version(workflow: str, tasks: dict[str, Task]) -> Implementation:
    return Implementation(workflow=workflow, tasks=list(tasks), any_version=True)
