"""Errors with stable codes. What the reference calls ValueError is one here as well."""

from __future__ import annotations

from collections.abc import Sequence


class CloacaError(Exception):
    """Base of the errors of this package; `code` is stable, upper snake case."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class DefinitionError(CloacaError, ValueError):
    """A task or workflow breaks a rule. `problems` are all of them. Code `DEFINITION_INVALID`."""

    def __init__(self, what: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("DEFINITION_INVALID", "\n".join([f"{what}:", *(f"  {problem}" for problem in problems)]))


class OptionsError(CloacaError, ValueError):
    """Options of a call break a rule. `problems` are all of them. Code `OPTIONS_INVALID`."""

    def __init__(self, what: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("OPTIONS_INVALID", f"{what}: " + "; ".join(problems))


class ContextValueError(CloacaError, ValueError):
    """A value of the context is none of JSON. `path` says where, for example `raw.items[2]`."""

    def __init__(self, code: str, path: str, problem: str) -> None:
        super().__init__(code, f"{path}: {problem}")
        self.path = path


class ContextKeyError(CloacaError, KeyError):
    """A key of the context is missing (`CONTEXT_KEY_MISSING`), there (`CONTEXT_KEY_EXISTS`) or no key at all
    (`CONTEXT_KEY_INVALID`)."""

    def __str__(self) -> str:
        return str(self.args[0])


class ContextTooLargeError(CloacaError):
    """A task set more than the scheduler takes (P10). Final. Code `CONTEXT_TOO_LARGE`."""

    def __init__(self, task: str, size: int, limit: int) -> None:
        what = f'task "{task}" has set {size} bytes of context; the scheduler takes {limit}'
        super().__init__("CONTEXT_TOO_LARGE", f"{what}. Store large data elsewhere and set where it is")


class TransientError(CloacaError):
    """A failure that passes by itself: another attempt may well succeed. Code `TRANSIENT_ERROR`."""

    def __init__(self, message: str, *, retry_after_ms: float | None = None) -> None:
        super().__init__("TRANSIENT_ERROR", message)
        self.retry_after_ms = retry_after_ms


class PermanentError(CloacaError):
    """A failure that another attempt would repeat: it is never retried. Code `PERMANENT_ERROR`."""

    def __init__(self, message: str) -> None:
        super().__init__("PERMANENT_ERROR", message)


class TaskResultInvalidError(CloacaError):
    """A task returned something that is no result. Final. Code `TASK_RESULT_INVALID`."""

    def __init__(self, found: str) -> None:
        allowed = "return the context, None, or a dict with the keys to set"
        super().__init__("TASK_RESULT_INVALID", f"the task returned {found}; {allowed}")


class DeferralNotAwaitedError(CloacaError):
    """An async task ended with an open deferral: an `await` is missing. Final. Code `DEFERRAL_NOT_AWAITED`."""

    def __init__(self, task: str) -> None:
        what = f'task "{task}" ended while it was deferred; write `await handle.defer_until(…)`'
        super().__init__("DEFERRAL_NOT_AWAITED", what)


class CancelledError(CloacaError):
    """The task was told to stop; `reason` says why, for example `RUN_CANCELLED` or `TIMEOUT`. Code `CANCELLED`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__("CANCELLED", f"cancelled: {reason}" + (f" ({detail})" if detail else ""))
        self.reason = reason


class TaskTimeoutError(CloacaError, TimeoutError):
    """An attempt held a slot for longer than the `timeout_ms` of its task, so it has failed. Code `TASK_TIMEOUT`."""

    def __init__(self, message: str) -> None:
        super().__init__("TASK_TIMEOUT", message)


class HandleConsumedError(CloacaError, ValueError):
    """The handle cannot be used (any more). Code `HANDLE_CONSUMED`."""

    def __init__(self, method: str, why: str) -> None:
        super().__init__("HANDLE_CONSUMED", f"handle.{method}: {why}")


class SlotsClosedError(CloacaError, ValueError):
    """The host gives up its slots: the lease was handed back, and the task runs again elsewhere. Code `SLOTS_CLOSED`."""

    def __init__(self, reason: str) -> None:
        super().__init__("SLOTS_CLOSED", f"the host has no slots any more: {reason}")


class DeferTimeoutError(CloacaError, TimeoutError):
    """A deferral waited for its `max_wait_ms`; the task has its slot again. Code `DEFER_TIMEOUT`."""

    def __init__(self, max_wait_ms: int, description: str) -> None:
        what = f"waited for {max_wait_ms} ms" + (f" for {description}" if description else "")
        super().__init__("DEFER_TIMEOUT", what)


class RemoteError(CloacaError):
    """The scheduler refused something. `status` is the name of the gRPC status, empty where there is none."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: str = "",
        problems: Sequence[str] = (),
        retry_after_ms: float | None = None,
    ) -> None:
        super().__init__(code, "\n".join([message, *(f"  {problem}" for problem in problems)]))
        self.status = status
        self.problems = tuple(problems)
        self.retry_after_ms = retry_after_ms


class RunFailedError(CloacaError):
    """A run failed or was cancelled. Code `RUN_FAILED` or `RUN_CANCELLED`."""

    def __init__(self, code: str, run_id: str, reason: str) -> None:
        super().__init__(code, f"run {run_id}: {reason}")
        self.run_id = run_id
