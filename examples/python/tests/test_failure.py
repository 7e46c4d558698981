"""By types, codes and statuses: which failures pass by themselves."""

import asyncio
import concurrent.futures
import errno
import socket
import urllib.error

import grpc
import pytest

import cloaca
from cloaca.failure import classify, cut_text, failure_of


class Answer:
    def __init__(self, status, **headers):
        self.status_code = status
        self.headers = headers


class HttpError(OSError):
    """As requests has it: an OSError with the answer."""

    def __init__(self, status, **headers):
        super().__init__("http")
        self.response = Answer(status, **headers)


class GrpcError(grpc.RpcError):
    def __init__(self, code):
        self._code = code

    def code(self):
        return self._code


def caused(cause):
    error = RuntimeError("outer")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(), asyncio.TimeoutError(), concurrent.futures.TimeoutError(), socket.timeout(), ConnectionResetError(),
        BrokenPipeError(), ConnectionRefusedError(), socket.gaierror(-2, "unknown"), OSError(errno.EHOSTUNREACH, "x"),
        OSError(errno.ENETDOWN, "x"), HttpError(503), HttpError(429), HttpError(408), GrpcError(grpc.StatusCode.UNAVAILABLE),
        GrpcError(grpc.StatusCode.ABORTED), urllib.error.HTTPError("u", 502, "m", None, None), cloaca.TransientError("t"),
        caused(TimeoutError()), caused(caused(HttpError(500))), cloaca.RemoteError("DRAINING", "m", status="UNAVAILABLE"),
        cloaca.SlotsClosedError("r"), cloaca.DeferTimeoutError(1, ""),
    ],
    ids=repr,
)  # fmt: skip
def test_transient(error):
    assert cloaca.is_transient(error)
    assert not classify(error).final


@pytest.mark.parametrize(
    "error",
    [
        ValueError("timeout"), FileNotFoundError(errno.ENOENT, "x"), HttpError(404), HttpError(501),
        GrpcError(grpc.StatusCode.INVALID_ARGUMENT), GrpcError(grpc.StatusCode.UNKNOWN), KeyError("x"),
        cloaca.RemoteError("X", "connection reset", status="NOT_FOUND"), caused(HttpError(400)),
    ],
    ids=repr,
)  # fmt: skip
def test_not_transient(error):
    assert not cloaca.is_transient(error)
    assert not classify(error).final


@pytest.mark.parametrize(
    "error", [cloaca.PermanentError("p"), cloaca.TaskResultInvalidError("x"), caused(cloaca.PermanentError("p"))]
)
def test_final(error):
    assert classify(error).final


def test_errors_inside_one_another_in_a_circle():
    first, second = RuntimeError("a"), RuntimeError("b")
    first.__cause__, second.__cause__ = second, first
    assert not cloaca.is_transient(first)


def test_when_to_try_again():
    assert classify(cloaca.TransientError("t", retry_after_ms=250)).next_delay_ms == 250
    assert classify(HttpError(429, **{"Retry-After": "2"})).next_delay_ms == 2000
    assert classify(ValueError()).next_delay_ms is None


def test_a_failure_is_cut_to_the_limit_the_stack_first():
    failure = failure_of(ValueError("ü" * 100), 64)
    assert (failure.code, failure.type) == ("TASK_FAILED", "ValueError")
    assert len(failure.message.encode()) + len(failure.stack.encode()) <= 64
    assert failure.message.endswith("…")
    assert cut_text("abc", 3) == "abc"
    assert failure_of(RuntimeError("\ud83d"), 1000).message == "?"
