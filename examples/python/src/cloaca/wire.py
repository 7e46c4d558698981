"""Channels, errors of calls, and what a host says of itself, as protobuf."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from .errors import OptionsError, RemoteError
from .task import RetryPolicy, Task
from .v1 import definition_pb2, host_service_pb2
from .workflow import Workflow

VERSION = "0.1.0"
PROTOCOL_VERSION = 1

_ADDRESS = re.compile(r"(?:(grpcs?)://)?((?:\[[0-9a-fA-F:.]+\]|[^\s/:@\[\]]+):\d{1,5})/?\Z")
_CHANNEL_OPTIONS = (
    # The scheduler's own limit holds, which Welcome tells (P10).
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A channel of its own for each connection: the host backs off, not a connection that others share.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_retries", 0),
)
# Bytes of definitions in one message of a Hello, about; and leases.
_BYTES_PER_CHUNK = 1024 * 1024
_HELD_PER_CHUNK = 10_000

_Defaults = RetryPolicy()


def open_channel(address: str) -> grpc.Channel:
    """A channel to `host:port`, `grpc://host:port`, or `grpcs://host:port` with TLS."""
    match = _ADDRESS.match(address) if isinstance(address, str) else None
    if match is None:
        allowed = "allowed are host:port, grpc://host:port and grpcs://host:port of a scheduler (`cloaca server`)"
        raise OptionsError("address", [f"is {address!r}; {allowed}"])
    scheme, target = match.groups()
    if scheme == "grpcs":
        return grpc.secure_channel(target, grpc.ssl_channel_credentials(), options=_CHANNEL_OPTIONS)
    return grpc.insecure_channel(target, options=_CHANNEL_OPTIONS)


def elsewhere(address: str, other: str) -> str | None:
    """Where a scheduler sends its host, with the protection of the address that it came by; None for no address (P12)."""
    match = _ADDRESS.match(other)
    if match is None:
        return None
    return ("grpcs://" if address.startswith("grpcs://") else "grpc://") + match.group(2)


def remote_error(error: Any) -> RemoteError:
    """The code, the problems and the delay that the details of a status carry."""
    status = error.code().name
    code, problems, retry_after_ms = status, [], None
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        details = status_pb2.Status()
        try:
            details.ParseFromString(value)
        except DecodeError:
            continue
        for detail in details.details:
            info, bad, retry = (
                error_details_pb2.ErrorInfo(),
                error_details_pb2.BadRequest(),
                error_details_pb2.RetryInfo(),
            )
            if detail.Unpack(info) and info.reason:
                code = info.reason
            elif detail.Unpack(bad):
                problems = [f"{violation.field}: {violation.description}" for violation in bad.field_violations]
            elif detail.Unpack(retry):
                retry_after_ms = retry.retry_delay.ToMilliseconds()
    return RemoteError(code, error.details() or status, status=status, problems=problems, retry_after_ms=retry_after_ms)


def definition_of(workflow: Workflow) -> definition_pb2.WorkflowDefinition:
    """The definition as it travels. What is as by default is not said: so the version is the same in every language."""
    return definition_pb2.WorkflowDefinition(
        name=workflow.name,
        description=workflow.description,
        tags=workflow.tags,
        tasks=[_task_definition(task) for task in workflow.tasks],
    )


def _task_definition(task: Task) -> definition_pb2.TaskDefinition:
    definition = definition_pb2.TaskDefinition(id=task.id, dependencies=task.dependencies, timeout_ms=task.timeout_ms)
    policy = task.retry
    if policy != _Defaults:
        retry = definition.retry
        retry.SetInParent()
        retry.attempts = policy.attempts
        if policy.backoff != _Defaults.backoff:
            retry.backoff = definition_pb2.RetryBackoff.Value(f"RETRY_BACKOFF_{policy.backoff.upper()}")
        if policy.delay_ms != _Defaults.delay_ms:
            retry.delay_ms = policy.delay_ms
        if policy.max_delay_ms != _Defaults.max_delay_ms:
            retry.max_delay_ms = policy.max_delay_ms
        if policy.condition != _Defaults.condition:
            retry.condition = definition_pb2.RetryCondition.Value(f"RETRY_CONDITION_{policy.condition.upper()}")
        if policy.jitter != _Defaults.jitter:
            retry.jitter = policy.jitter
    return definition


def hello_events(
    hello: host_service_pb2.Hello,
    definitions: Sequence[definition_pb2.WorkflowDefinition],
    implementations: Iterable[definition_pb2.Implementation],
    held: Sequence[host_service_pb2.HeldLease],
) -> list[host_service_pb2.HostEvent]:
    """The Hello, and the chunks that go on with it when it is long (P1). Implementations come last: those without a version
    refer to the definitions."""
    parts = list(_chunks(definitions, held))
    parts[-1][2].extend(implementations)
    events = []
    for index, (some_definitions, some_held, some_implementations) in enumerate(parts):
        part: Any = hello if index == 0 else host_service_pb2.HelloChunk()
        part.definitions.extend(some_definitions)
        part.implementations.extend(some_implementations)
        part.held_leases.extend(some_held)
        part.more = index < len(parts) - 1
        named = {"hello": part} if index == 0 else {"hello_chunk": part}
        events.append(host_service_pb2.HostEvent(**named))
    return events


def _chunks(
    definitions: Sequence[definition_pb2.WorkflowDefinition], held: Sequence[host_service_pb2.HeldLease]
) -> Iterator[tuple[list[Any], list[Any], list[Any]]]:
    part: list[Any] = []
    size = 0
    first_held = list(held[:_HELD_PER_CHUNK])
    for definition in definitions:
        own = definition.ByteSize()
        if part and size + own > _BYTES_PER_CHUNK:
            yield part, first_held, []
            part, size, first_held = [], 0, []
        part.append(definition)
        size += own
    yield part, first_held, []
    for start in range(_HELD_PER_CHUNK, len(held), _HELD_PER_CHUNK):
        yield [], list(held[start : start + _HELD_PER_CHUNK]), []
