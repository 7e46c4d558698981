import datetime

from cloaca.v1 import error_pb2 as _error_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RunStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RUN_STATUS_UNSPECIFIED: _ClassVar[RunStatus]
    RUN_STATUS_PENDING: _ClassVar[RunStatus]
    RUN_STATUS_RUNNING: _ClassVar[RunStatus]
    RUN_STATUS_SUCCEEDED: _ClassVar[RunStatus]
    RUN_STATUS_FAILED: _ClassVar[RunStatus]
    RUN_STATUS_CANCELLED: _ClassVar[RunStatus]
    RUN_STATUS_PAUSED: _ClassVar[RunStatus]

class TaskRunState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TASK_RUN_STATE_UNSPECIFIED: _ClassVar[TaskRunState]
    TASK_RUN_STATE_WAITING: _ClassVar[TaskRunState]
    TASK_RUN_STATE_READY: _ClassVar[TaskRunState]
    TASK_RUN_STATE_LEASED: _ClassVar[TaskRunState]
    TASK_RUN_STATE_DEFERRED: _ClassVar[TaskRunState]
    TASK_RUN_STATE_RECLAIMING: _ClassVar[TaskRunState]
    TASK_RUN_STATE_SUCCEEDED: _ClassVar[TaskRunState]
    TASK_RUN_STATE_FAILED: _ClassVar[TaskRunState]
    TASK_RUN_STATE_CANCELLED: _ClassVar[TaskRunState]
    TASK_RUN_STATE_SKIPPED: _ClassVar[TaskRunState]
    TASK_RUN_STATE_RETRYING: _ClassVar[TaskRunState]

class SkipCause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SKIP_CAUSE_UNSPECIFIED: _ClassVar[SkipCause]
    SKIP_CAUSE_UPSTREAM_FAILED: _ClassVar[SkipCause]
    SKIP_CAUSE_RULE: _ClassVar[SkipCause]

class RunEventType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RUN_EVENT_TYPE_UNSPECIFIED: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_RUN_STARTED: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_RUN_SUCCEEDED: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_RUN_FAILED: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_RUN_CANCELLED: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_TASK_READY: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_TASK_LEASED: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_TASK_DEFERRED: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_TASK_RECLAIMING: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_TASK_RESUMED: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_TASK_CHECKPOINTED: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_TASK_SUCCEEDED: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_TASK_FAILED: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_TASK_CANCELLED: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_TASK_SKIPPED: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_TASK_DECLINED: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_TASK_LOST: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_LEASE_ENDED: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_RUN_PAUSED: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_RUN_RESUMED: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_RUN_RETRIED: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_TASK_RETRYING: _ClassVar[RunEventType]
    RUN_EVENT_TYPE_TASK_RESET: _ClassVar[RunEventType]
RUN_STATUS_UNSPECIFIED: RunStatus
RUN_STATUS_PENDING: RunStatus
RUN_STATUS_RUNNING: RunStatus
RUN_STATUS_SUCCEEDED: RunStatus
RUN_STATUS_FAILED: RunStatus
RUN_STATUS_CANCELLED: RunStatus
RUN_STATUS_PAUSED: RunStatus
TASK_RUN_STATE_UNSPECIFIED: TaskRunState
TASK_RUN_STATE_WAITING: TaskRunState
TASK_RUN_STATE_READY: TaskRunState
TASK_RUN_STATE_LEASED: TaskRunState
TASK_RUN_STATE_DEFERRED: TaskRunState
TASK_RUN_STATE_RECLAIMING: TaskRunState
TASK_RUN_STATE_SUCCEEDED: TaskRunState
TASK_RUN_STATE_FAILED: TaskRunState
TASK_RUN_STATE_CANCELLED: TaskRunState
TASK_RUN_STATE_SKIPPED: TaskRunState
TASK_RUN_STATE_RETRYING: TaskRunState
SKIP_CAUSE_UNSPECIFIED: SkipCause
SKIP_CAUSE_UPSTREAM_FAILED: SkipCause
SKIP_CAUSE_RULE: SkipCause
RUN_EVENT_TYPE_UNSPECIFIED: RunEventType
RUN_EVENT_TYPE_RUN_STARTED: RunEventType
RUN_EVENT_TYPE_RUN_SUCCEEDED: RunEventType
RUN_EVENT_TYPE_RUN_FAILED: RunEventType
RUN_EVENT_TYPE_RUN_CANCELLED: RunEventType
RUN_EVENT_TYPE_TASK_READY: RunEventType
RUN_EVENT_TYPE_TASK_LEASED: RunEventType
RUN_EVENT_TYPE_TASK_DEFERRED: RunEventType
RUN_EVENT_TYPE_TASK_RECLAIMING: RunEventType
RUN_EVENT_TYPE_TASK_RESUMED: RunEventType
RUN_EVENT_TYPE_TASK_CHECKPOINTED: RunEventType
RUN_EVENT_TYPE_TASK_SUCCEEDED: RunEventType
RUN_EVENT_TYPE_TASK_FAILED: RunEventType
RUN_EVENT_TYPE_TASK_CANCELLED: RunEventType
RUN_EVENT_TYPE_TASK_SKIPPED: RunEventType
RUN_EVENT_TYPE_TASK_DECLINED: RunEventType
RUN_EVENT_TYPE_TASK_LOST: RunEventType
RUN_EVENT_TYPE_LEASE_ENDED: RunEventType
RUN_EVENT_TYPE_RUN_PAUSED: RunEventType
RUN_EVENT_TYPE_RUN_RESUMED: RunEventType
RUN_EVENT_TYPE_RUN_RETRIED: RunEventType
RUN_EVENT_TYPE_TASK_RETRYING: RunEventType
RUN_EVENT_TYPE_TASK_RESET: RunEventType

class Run(_message.Message):
    __slots__ = ("namespace", "run_id", "workflow", "workflow_version", "status", "priority", "labels", "created_at", "started_at", "finished_at", "context", "reason", "task_counts", "deadline_at")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class TaskCountsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_VERSION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TASK_COUNTS_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_AT_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    run_id: str
    workflow: str
    workflow_version: str
    status: RunStatus
    priority: int
    labels: _containers.ScalarMap[str, str]
    created_at: _timestamp_pb2.Timestamp
    started_at: _timestamp_pb2.Timestamp
    finished_at: _timestamp_pb2.Timestamp
    context: _containers.ScalarMap[str, str]
    reason: str
    task_counts: _containers.ScalarMap[str, int]
    deadline_at: _timestamp_pb2.Timestamp
    def __init__(self, namespace: _Optional[str] = ..., run_id: _Optional[str] = ..., workflow: _Optional[str] = ..., workflow_version: _Optional[str] = ..., status: _Optional[_Union[RunStatus, str]] = ..., priority: _Optional[int] = ..., labels: _Optional[_Mapping[str, str]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finished_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., context: _Optional[_Mapping[str, str]] = ..., reason: _Optional[str] = ..., task_counts: _Optional[_Mapping[str, int]] = ..., deadline_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TaskRun(_message.Message):
    __slots__ = ("task", "state", "attempt", "recovery", "fence", "lease_id", "host_id", "deferral", "waiting_for", "failure", "reason", "ready_at", "started_at", "finished_at", "slot_held_ms", "retry_at", "skip_cause", "host_losses")
    TASK_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    DEFERRAL_FIELD_NUMBER: _ClassVar[int]
    WAITING_FOR_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    READY_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    SLOT_HELD_MS_FIELD_NUMBER: _ClassVar[int]
    RETRY_AT_FIELD_NUMBER: _ClassVar[int]
    SKIP_CAUSE_FIELD_NUMBER: _ClassVar[int]
    HOST_LOSSES_FIELD_NUMBER: _ClassVar[int]
    task: str
    state: TaskRunState
    attempt: int
    recovery: int
    fence: int
    lease_id: str
    host_id: str
    deferral: int
    waiting_for: str
    failure: _error_pb2.Failure
    reason: str
    ready_at: _timestamp_pb2.Timestamp
    started_at: _timestamp_pb2.Timestamp
    finished_at: _timestamp_pb2.Timestamp
    slot_held_ms: int
    retry_at: _timestamp_pb2.Timestamp
    skip_cause: SkipCause
    host_losses: _containers.RepeatedCompositeFieldContainer[_error_pb2.HostLoss]
    def __init__(self, task: _Optional[str] = ..., state: _Optional[_Union[TaskRunState, str]] = ..., attempt: _Optional[int] = ..., recovery: _Optional[int] = ..., fence: _Optional[int] = ..., lease_id: _Optional[str] = ..., host_id: _Optional[str] = ..., deferral: _Optional[int] = ..., waiting_for: _Optional[str] = ..., failure: _Optional[_Union[_error_pb2.Failure, _Mapping]] = ..., reason: _Optional[str] = ..., ready_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finished_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., slot_held_ms: _Optional[int] = ..., retry_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., skip_cause: _Optional[_Union[SkipCause, str]] = ..., host_losses: _Optional[_Iterable[_Union[_error_pb2.HostLoss, _Mapping]]] = ...) -> None: ...

class RunEvent(_message.Message):
    __slots__ = ("run_id", "event_seq", "at", "type", "task", "lease_id", "host_id", "attempt", "recovery", "slot_delta", "deferral", "reason", "failure", "workflow", "retry_at", "session_id", "slots", "workflow_version")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_SEQ_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_FIELD_NUMBER: _ClassVar[int]
    SLOT_DELTA_FIELD_NUMBER: _ClassVar[int]
    DEFERRAL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_FIELD_NUMBER: _ClassVar[int]
    RETRY_AT_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_VERSION_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    event_seq: int
    at: _timestamp_pb2.Timestamp
    type: RunEventType
    task: str
    lease_id: str
    host_id: str
    attempt: int
    recovery: int
    slot_delta: int
    deferral: int
    reason: str
    failure: _error_pb2.Failure
    workflow: str
    retry_at: _timestamp_pb2.Timestamp
    session_id: str
    slots: int
    workflow_version: str
    def __init__(self, run_id: _Optional[str] = ..., event_seq: _Optional[int] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., type: _Optional[_Union[RunEventType, str]] = ..., task: _Optional[str] = ..., lease_id: _Optional[str] = ..., host_id: _Optional[str] = ..., attempt: _Optional[int] = ..., recovery: _Optional[int] = ..., slot_delta: _Optional[int] = ..., deferral: _Optional[int] = ..., reason: _Optional[str] = ..., failure: _Optional[_Union[_error_pb2.Failure, _Mapping]] = ..., workflow: _Optional[str] = ..., retry_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., session_id: _Optional[str] = ..., slots: _Optional[int] = ..., workflow_version: _Optional[str] = ...) -> None: ...
