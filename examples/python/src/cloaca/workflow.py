"""Workflows: named graphs of tasks. The scheduler checks the whole graph; here is checked what can be told at once."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from .errors import DefinitionError

if TYPE_CHECKING:
    from .task import Task

_active: ContextVar[WorkflowBuilder | None] = ContextVar("cloaca_workflow_builder", default=None)
_lock = threading.Lock()
# Tasks that were decorated outside every builder, and workflows that were built, by name.
_tasks: dict[str, Task] = {}
_workflows: dict[str, Workflow] = {}


class Workflow:
    """A workflow that a host can bring. Made with `WorkflowBuilder`."""

    def __init__(self, name: str, description: str, tags: dict[str, str], tasks: tuple[Task, ...]) -> None:
        self.name = name
        self.description = description
        self.tags = tags
        self.tasks = tasks

    def __repr__(self) -> str:
        return f"Workflow({self.name!r}, {[task.id for task in self.tasks]})"


class WorkflowBuilder:
    """Collects tasks. As a context manager it takes every task that is decorated inside, and builds at its end:

    with cloaca.WorkflowBuilder("etl") as builder:
        @cloaca.task(id="fetch")
        def fetch(context): ...

    A workflow that was built can be executed by its name.
    """

    def __init__(self, name: str, *, description: str = "") -> None:
        self.name = name
        self._description = description
        self._tags: dict[str, str] = {}
        self._tasks: list[Task] = []
        self._token: Any = None
        self._built: Workflow | None = None

    def description(self, text: str) -> WorkflowBuilder:
        """Says what the workflow is for, to people."""
        self._description = text
        return self

    def tag(self, key: str, value: str) -> WorkflowBuilder:
        """Labels the workflow, for people."""
        self._tags[key] = value
        return self

    def add_task(self, task: str | Callable[..., Any] | Task) -> WorkflowBuilder:
        """Adds a decorated function, or one that was decorated outside every builder, by its id."""
        self._tasks.append(_found(self.name, task))
        return self

    def build(self) -> Workflow:
        """The workflow. Raises DefinitionError with everything that is wrong."""
        from .task import name_problems

        problems = name_problems("name", self.name)
        ids = [task.id for task in self._tasks]
        if not ids:
            problems.append("tasks: a workflow has at least one")
        problems.extend(f'tasks: the id "{id}" is there twice' for id in dict.fromkeys(ids) if ids.count(id) > 1)
        for task in self._tasks:
            for dependency in task.dependencies:
                if dependency not in ids:
                    near = difflib.get_close_matches(dependency, ids, 1)
                    hint = f'; did you mean "{near[0]}"?' if near else ""
                    problems.append(f'task "{task.id}": depends on "{dependency}", which is not there{hint}')
        if problems:
            raise DefinitionError(f'workflow "{self.name}"', problems)
        self._built = Workflow(self.name, self._description, dict(self._tags), tuple(self._tasks))
        register_workflow(self._built)
        return self._built

    @property
    def workflow(self) -> Workflow:
        """What was built last; built now when nothing was."""
        return self._built or self.build()

    def __enter__(self) -> WorkflowBuilder:
        self._token = _active.set(self)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        _active.reset(self._token)
        if kind is None:
            self.build()


def register_workflow(workflow: Workflow) -> None:
    """Makes a workflow known by its name."""
    with _lock:
        _workflows[workflow.name] = workflow


def find_workflow(given: str | Workflow | WorkflowBuilder) -> Workflow:
    """A workflow by its name, or itself."""
    if isinstance(given, Workflow):
        return given
    if isinstance(given, WorkflowBuilder):
        return given.workflow
    with _lock:
        found = _workflows.get(given)
        names = list(_workflows)
    if found is None:
        near = difflib.get_close_matches(str(given), names, 1)
        hint = f'did you mean "{near[0]}"?' if near else f"there are {', '.join(names) or 'none'}"
        raise DefinitionError(f'workflow "{given}"', [f"was not built in this process; {hint}"])
    return found


def offer(task: Task) -> None:
    """A task was decorated: it belongs to the builder around it, or to nobody yet."""
    builder = _active.get()
    if builder is not None:
        builder._tasks.append(task)
        return
    with _lock:
        _tasks[task.id] = task


def _found(workflow: str, given: str | Callable[..., Any] | Task) -> Task:
    from .task import Task, task_of

    if isinstance(given, Task):
        return given
    known = task_of(given)
    if known is not None:
        return known
    with _lock:
        by_id = _tasks.get(given) if isinstance(given, str) else None
        ids = list(_tasks)
    if by_id is None:
        near = difflib.get_close_matches(str(given), ids, 1)
        hint = f'did you mean "{near[0]}"?' if near else "decorate a function with @cloaca.task first"
        raise DefinitionError(f'workflow "{workflow}"', [f"{given!r} is no task; {hint}"])
    return by_id
