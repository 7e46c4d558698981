"""What an error says about another attempt, and how it travels. By types, codes and statuses, never by a message's text."""

from __future__ import annotations

import errno
import socket
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import grpc

from .errors import (
    CloacaError,
    ContextTooLargeError,
    DeferralNotAwaitedError,
    DeferTimeoutError,
    PermanentError,
    RemoteError,
    SlotsClosedError,
    TaskResultInvalidError,
    TransientError,
)
from .v1 import error_pb2

_FINAL = (PermanentError, ContextTooLargeError, DeferralNotAwaitedError, TaskResultInvalidError)
_MAX_ERRORS = 100
_MAX_DELAY_MS = 2**31 - 1
_MAX_WORD_BYTES = 256

_TRANSIENT_ERRNOS = {
    getattr(errno, name)
    for name in [
        "ETIMEDOUT",
        "ECONNABORTED",
        "ECONNRESET",
        "ECONNREFUSED",
        "EPIPE",
        "EHOSTUNREACH",
        "EHOSTDOWN",
        "ENETUNREACH",
        "ENETDOWN",
        "ENETRESET",
        "EADDRNOTAVAIL",
    ]
    if hasattr(errno, name)
}
_TRANSIENT_STATUSES = {"UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "ABORTED"}
# Statuses that say too little: the cause may say more.
_VAGUE_STATUSES = {"", "OK", "CANCELLED", "UNKNOWN", "INTERNAL"}


@dataclass(frozen=True)
class FailureClass:
    """`final`: another attempt would end the same. `next_delay_ms`: when to try again, where the error says so."""

    transient: bool
    final: bool
    next_delay_ms: int | None


def is_transient(error: BaseException) -> bool:
    """Whether an error is of a kind that passes by itself: TimeoutError, ConnectionError, OSErrors of connections, names that
    do not resolve, HTTP 408, 429 and 5xx (but for 501 and 505), gRPC UNAVAILABLE, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED
    and ABORTED, and a TransientError. Where an error says nothing, its cause (`raise … from …`) and the members of an
    ExceptionGroup are asked."""
    return classify(error).transient


def classify(error: BaseException) -> FailureClass:
    """What an error says about another attempt. Never raises."""
    try:
        verdict = _verdict(error, set())
        delay = None if verdict == "final" else next(_delays(error, set()), None)
    except Exception:
        return FailureClass(False, False, None)
    ms = None if delay is None else min(_MAX_DELAY_MS, max(0, round(delay)))
    return FailureClass(verdict == "transient", verdict == "final", ms)


def failure_of(error: BaseException, max_bytes: int) -> error_pb2.Failure:
    """The failure as it travels; message and stack together at most so many bytes, the stack cut first (P10)."""
    code = error.code if isinstance(error, CloacaError) else "TASK_FAILED"
    message = cut_text(_message(error), max_bytes)
    stack = "".join(traceback.format_exception(error))
    return error_pb2.Failure(
        code=cut_text(code, _MAX_WORD_BYTES),
        type=cut_text(type(error).__name__, _MAX_WORD_BYTES),
        message=message,
        stack=cut_text(_clean(stack), max_bytes - len(message.encode())),
    )


def cut_text(text: str, max_bytes: int) -> str:
    """The text, or its beginning and `…`, in at most so many bytes of UTF-8."""
    encoded = text.encode()
    if len(encoded) <= max_bytes:
        return text
    room = max_bytes - len("…".encode())
    return "" if room < 0 else encoded[:room].decode(errors="ignore") + "…"


def _message(error: BaseException) -> str:
    try:
        return _clean(str(error))
    except Exception:
        return "an error whose text cannot be read"


def _clean(text: str) -> str:
    return text.encode(errors="replace").decode()


def _verdict(error: BaseException, seen: set[int]) -> str | None:
    if id(error) in seen or len(seen) >= _MAX_ERRORS:
        return None
    seen.add(id(error))
    own = _own_verdict(error)
    if own is not None:
        return own
    inner = [_verdict(one, seen) for one in _inside(error)]
    return next((verdict for verdict in ("final", "transient", "lasting") if verdict in inner), None)


def _inside(error: BaseException) -> list[BaseException]:
    # By duck typing: ExceptionGroup came with Python 3.11.
    group = getattr(error, "exceptions", None)
    members = [one for one in group if isinstance(one, BaseException)] if isinstance(group, tuple) else []
    return [*members, *([error.__cause__] if error.__cause__ is not None else [])]


def _own_verdict(error: BaseException) -> str | None:
    if isinstance(error, _FINAL):
        return "final"
    if isinstance(error, (TransientError, SlotsClosedError, DeferTimeoutError)):
        return "transient"
    if isinstance(error, RemoteError):
        return _grpc_verdict(error.status)
    if isinstance(error, grpc.RpcError):
        return _grpc_verdict(_grpc_status(error))
    # A client's HTTP error may be an OSError too (requests); what the server answered says more.
    status = _http_status(error)
    if status is not None:
        return _http_verdict(status)
    if isinstance(error, (TimeoutError, ConnectionError, socket.gaierror)):
        return "transient"
    # asyncio.TimeoutError and concurrent.futures.TimeoutError are others before Python 3.11; libraries have their own.
    if type(error).__name__ in ("TimeoutError", "ConnectTimeout", "ReadTimeout", "ConnectError"):
        return "transient"
    if isinstance(error, OSError) and error.errno in _TRANSIENT_ERRNOS:
        return "transient"
    return None


def _grpc_status(error: Any) -> str:
    code = error.code() if callable(getattr(error, "code", None)) else None
    return getattr(code, "name", "") or ""


def _grpc_verdict(status: str) -> str | None:
    if status in _VAGUE_STATUSES:
        return None
    return "transient" if status in _TRANSIENT_STATUSES else "lasting"


def _http_status(error: BaseException) -> int | None:
    """Where HTTP clients put it: `response.status_code` (requests, httpx), `status` (aiohttp), `code` (urllib)."""
    response = getattr(error, "response", None)
    places = [
        *(getattr(response, name, None) for name in ("status_code", "status")),
        *(getattr(error, name, None) for name in ("status_code", "status", "code")),
    ]
    return next((value for value in places if type(value) is int and 100 <= value <= 599), None)


def _http_verdict(status: int) -> str | None:
    if status in (408, 429):
        return "transient"
    if status in (501, 505):
        return "lasting"
    if status >= 500:
        return "transient"
    return "lasting" if status >= 400 else None


def _delays(error: BaseException, seen: set[int]) -> Iterator[float]:
    if id(error) in seen or len(seen) >= _MAX_ERRORS:
        return
    seen.add(id(error))
    if isinstance(error, (TransientError, RemoteError)):
        if error.retry_after_ms is not None:
            yield error.retry_after_ms
    else:
        for place in (getattr(error, "response", None), error):
            after = _retry_after(getattr(place, "headers", None))
            if after is not None:
                yield after
    for one in _inside(error):
        yield from _delays(one, seen)


def _retry_after(headers: Any) -> float | None:
    get = getattr(headers, "get", None)
    if not callable(get):
        return None
    value = get("Retry-After") or get("retry-after")
    if not isinstance(value, str):
        return None
    if value.strip().isdigit():
        return int(value) * 1000
    try:
        return max(0.0, (parsedate_to_datetime(value).timestamp() - time.time()) * 1000)
    except (TypeError, ValueError):
        return None
