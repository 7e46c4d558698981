"""The `@task` decorator: what it says about a function, checked at once."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from . import workflow as _workflow
from .errors import DefinitionError

Function = TypeVar("Function", bound=Callable[..., Any])

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}\Z")
NAME_RULE = "a name starts with a letter or _ and goes on with letters, digits, _ . - (ASCII, at most 128 in all)"
HANDLE_NAMES = ("handle", "task_handle")
_MAX_MS = 2**31 - 1
_ATTRIBUTE = "__cloaca_task__"

BACKOFFS = ("fixed", "linear", "exponential")
CONDITIONS = ("never", "transient", "all")


@dataclass(frozen=True)
class RetryPolicy:
    """What follows from a failed attempt; the scheduler executes it."""

    attempts: int = 0
    backoff: str = "exponential"
    delay_ms: int = 1000
    max_delay_ms: int = 60_000
    condition: str = "all"
    jitter: bool = True


@dataclass(frozen=True)
class Task:
    """A task: a function and what the decorator says about it."""

    id: str
    function: Callable[..., Any]
    is_async: bool
    wants_handle: bool
    dependencies: tuple[str, ...] = ()
    retry: RetryPolicy = RetryPolicy()
    timeout_ms: int = 0
    on_success: Callable[..., Any] | None = None
    on_failure: Callable[..., Any] | None = None


def task(
    function: Function | None = None,
    /,
    *,
    id: str | None = None,
    dependencies: Sequence[str | Callable[..., Any]] = (),
    retry_attempts: int = 0,
    retry_backoff: str = "exponential",
    retry_delay_ms: int = 1000,
    retry_max_delay_ms: int = 60_000,
    retry_condition: str = "all",
    retry_jitter: bool = True,
    timeout_ms: int = 0,
    on_success: Callable[..., Any] | None = None,
    on_failure: Callable[..., Any] | None = None,
) -> Any:
    """Makes a task of a function, which stays callable as it was. Inside `with WorkflowBuilder(…)` the task is part of that
    workflow.

    id: the function's name by default.
    dependencies: ids of tasks, or decorated functions, that must have succeeded before this one starts.
    retry_attempts: retries after the first failure, 0 to 1,000; 0 by default.
    retry_backoff: how the delay d grows before retry n: d (`fixed`), d·n (`linear`), d·2^(n−1) (`exponential`, default).
    retry_delay_ms, retry_max_delay_ms: the delay d and the longest one, in milliseconds; 1,000 and 60,000.
    retry_condition: which failures are retried: `all` (default), `transient`, `never`. See `is_transient`.
    retry_jitter: whether delays vary at random; True by default.
    timeout_ms: longest time that an attempt may hold a slot, in milliseconds; 0, the default, means no limit.
    on_success(task_id, context), on_failure(task_id, error, context): called in this process once the scheduler has the
    outcome for good; what they raise is logged.

    Raises DefinitionError with everything that is wrong.
    """
    policy = RetryPolicy(
        retry_attempts, retry_backoff, retry_delay_ms, retry_max_delay_ms, retry_condition, retry_jitter
    )

    def decorate(decorated: Function) -> Function:
        made = _make(decorated, id, dependencies, policy, timeout_ms, on_success, on_failure)
        setattr(decorated, _ATTRIBUTE, made)
        _workflow.offer(made)
        return decorated

    return decorate if function is None else decorate(function)


def task_of(function: object) -> Task | None:
    """The task that the decorator made of a function."""
    return getattr(function, _ATTRIBUTE, None)


def _make(
    function: Callable[..., Any],
    id: str | None,
    dependencies: Sequence[str | Callable[..., Any]],
    policy: RetryPolicy,
    timeout_ms: int,
    on_success: Callable[..., Any] | None,
    on_failure: Callable[..., Any] | None,
) -> Task:
    name = getattr(function, "__name__", "") if id is None else id
    problems = [
        *name_problems("id", name),
        *_whole("retry_attempts", policy.attempts, 1000),
        *_one_of("retry_backoff", policy.backoff, BACKOFFS),
        *_whole("retry_delay_ms", policy.delay_ms, _MAX_MS),
        *_whole("retry_max_delay_ms", policy.max_delay_ms, _MAX_MS),
        *_one_of("retry_condition", policy.condition, CONDITIONS),
        *(
            []
            if isinstance(policy.jitter, bool)
            else [f"retry_jitter: is {policy.jitter!r}; allowed are True and False"]
        ),
        *_whole("timeout_ms", timeout_ms, _MAX_MS),
    ]
    for option, callback in (("on_success", on_success), ("on_failure", on_failure)):
        if callback is not None and not callable(callback):
            problems.append(f"{option}: is {callback!r}; pass a function")
    ids: list[str] = []
    if isinstance(dependencies, str) or not isinstance(dependencies, Sequence):
        problems.append(f"dependencies: is {dependencies!r}; pass a list of task ids")
    else:
        for index, dependency in enumerate(dependencies):
            known = task_of(dependency)
            dependency_id = known.id if known is not None else dependency
            problems.extend(name_problems(f"dependencies[{index}]", dependency_id))
            ids.append(str(dependency_id))
    wants_handle = False
    try:
        wants_handle = _wants_handle(function)
    except TypeError as error:
        problems.append(str(error))
    if problems:
        raise DefinitionError(f'task "{name}"', problems)
    is_async = inspect.iscoroutinefunction(function)
    return Task(name, function, is_async, wants_handle, tuple(ids), policy, timeout_ms, on_success, on_failure)


def _wants_handle(function: Callable[..., Any]) -> bool:
    parameters = list(inspect.signature(function).parameters.values())
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if not positional and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
        raise TypeError("it takes no parameter; a task takes its context")
    if len(positional) > 1 and positional[1].name in HANDLE_NAMES:
        positional = [positional[0], *positional[2:]]
        extra = [p for p in positional[1:] if p.default is p.empty]
        if not extra:
            return True
    else:
        extra = [p for p in positional[1:] if p.default is p.empty]
    if extra:
        raise TypeError(
            f'its parameter "{extra[0].name}" would get no value; a task takes its context and then, when it wants it, '
            "`handle` or `task_handle`"
        )
    return False


def name_problems(where: str, value: object) -> list[str]:
    """What is wrong with a workflow name, task id or host id."""
    if isinstance(value, str) and NAME.match(value):
        return []
    return [f"{where}: is {value!r}; {NAME_RULE}"]


def _whole(where: str, value: object, most: int) -> list[str]:
    if type(value) is int and 0 <= value <= most:
        return []
    return [f"{where}: is {value!r}; allowed are whole numbers from 0 to {most}"]


def _one_of(where: str, value: object, allowed: Sequence[str]) -> list[str]:
    if value in allowed:
        return []
    near = difflib.get_close_matches(str(value), allowed, 1, 0.4)
    hint = f'; did you mean "{near[0]}"?' if near else ""
    return [f"{where}: {value!r} is not one of {', '.join(allowed)}{hint}"]
