import datetime

from cloaca.v1 import error_pb2 as _error_pb2
from cloaca.v1 import run_pb2 as _run_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WaitReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WAIT_REASON_UNSPECIFIED: _ClassVar[WaitReason]
    WAIT_REASON_ENDED: _ClassVar[WaitReason]
    WAIT_REASON_DEPENDENCY: _ClassVar[WaitReason]
    WAIT_REASON_RETRY_DELAY: _ClassVar[WaitReason]
    WAIT_REASON_RUN_PAUSED: _ClassVar[WaitReason]
    WAIT_REASON_WORKFLOW_PAUSED: _ClassVar[WaitReason]
    WAIT_REASON_NO_HOST: _ClassVar[WaitReason]
    WAIT_REASON_NO_HOST_FOR_VERSION: _ClassVar[WaitReason]
    WAIT_REASON_HOSTS_DRAINING: _ClassVar[WaitReason]
    WAIT_REASON_HOSTS_DISCONNECTED: _ClassVar[WaitReason]
    WAIT_REASON_NO_FREE_SLOT: _ClassVar[WaitReason]
    WAIT_REASON_NEXT_TURN: _ClassVar[WaitReason]
    WAIT_REASON_EXECUTING: _ClassVar[WaitReason]
    WAIT_REASON_CONDITION: _ClassVar[WaitReason]
    WAIT_REASON_SLOT_TO_RESUME: _ClassVar[WaitReason]
WAIT_REASON_UNSPECIFIED: WaitReason
WAIT_REASON_ENDED: WaitReason
WAIT_REASON_DEPENDENCY: WaitReason
WAIT_REASON_RETRY_DELAY: WaitReason
WAIT_REASON_RUN_PAUSED: WaitReason
WAIT_REASON_WORKFLOW_PAUSED: WaitReason
WAIT_REASON_NO_HOST: WaitReason
WAIT_REASON_NO_HOST_FOR_VERSION: WaitReason
WAIT_REASON_HOSTS_DRAINING: WaitReason
WAIT_REASON_HOSTS_DISCONNECTED: WaitReason
WAIT_REASON_NO_FREE_SLOT: WaitReason
WAIT_REASON_NEXT_TURN: WaitReason
WAIT_REASON_EXECUTING: WaitReason
WAIT_REASON_CONDITION: WaitReason
WAIT_REASON_SLOT_TO_RESUME: WaitReason

class RunSpec(_message.Message):
    __slots__ = ("workflow", "version", "context", "priority", "labels", "traceparent", "request_id", "timeout_ms")
    class ContextEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    WORKFLOW_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    workflow: str
    version: str
    context: _containers.ScalarMap[str, str]
    priority: int
    labels: _containers.ScalarMap[str, str]
    traceparent: str
    request_id: str
    timeout_ms: int
    def __init__(self, workflow: _Optional[str] = ..., version: _Optional[str] = ..., context: _Optional[_Mapping[str, str]] = ..., priority: _Optional[int] = ..., labels: _Optional[_Mapping[str, str]] = ..., traceparent: _Optional[str] = ..., request_id: _Optional[str] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class StartRunRequest(_message.Message):
    __slots__ = ("namespace", "run")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    run: RunSpec
    def __init__(self, namespace: _Optional[str] = ..., run: _Optional[_Union[RunSpec, _Mapping]] = ...) -> None: ...

class StartRunResponse(_message.Message):
    __slots__ = ("run_id", "workflow_version", "existing")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_VERSION_FIELD_NUMBER: _ClassVar[int]
    EXISTING_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    workflow_version: str
    existing: bool
    def __init__(self, run_id: _Optional[str] = ..., workflow_version: _Optional[str] = ..., existing: _Optional[bool] = ...) -> None: ...

class StartRunsRequest(_message.Message):
    __slots__ = ("namespace", "runs")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    runs: _containers.RepeatedCompositeFieldContainer[RunSpec]
    def __init__(self, namespace: _Optional[str] = ..., runs: _Optional[_Iterable[_Union[RunSpec, _Mapping]]] = ...) -> None: ...

class StartRunsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[StartResult]
    def __init__(self, results: _Optional[_Iterable[_Union[StartResult, _Mapping]]] = ...) -> None: ...

class StartResult(_message.Message):
    __slots__ = ("started", "error")
    STARTED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    started: StartRunResponse
    error: _error_pb2.Error
    def __init__(self, started: _Optional[_Union[StartRunResponse, _Mapping]] = ..., error: _Optional[_Union[_error_pb2.Error, _Mapping]] = ...) -> None: ...

class GetRunRequest(_message.Message):
    __slots__ = ("namespace", "run_id", "wait_ms")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    run_id: str
    wait_ms: int
    def __init__(self, namespace: _Optional[str] = ..., run_id: _Optional[str] = ..., wait_ms: _Optional[int] = ...) -> None: ...

class GetRunResponse(_message.Message):
    __slots__ = ("run",)
    RUN_FIELD_NUMBER: _ClassVar[int]
    run: _run_pb2.Run
    def __init__(self, run: _Optional[_Union[_run_pb2.Run, _Mapping]] = ...) -> None: ...

class ListRunsRequest(_message.Message):
    __slots__ = ("namespace", "workflow", "statuses", "page_size", "page_token")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    workflow: str
    statuses: _containers.RepeatedScalarFieldContainer[_run_pb2.RunStatus]
    page_size: int
    page_token: str
    def __init__(self, namespace: _Optional[str] = ..., workflow: _Optional[str] = ..., statuses: _Optional[_Iterable[_Union[_run_pb2.RunStatus, str]]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRunsResponse(_message.Message):
    __slots__ = ("runs", "next_page_token")
    RUNS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[_run_pb2.Run]
    next_page_token: str
    def __init__(self, runs: _Optional[_Iterable[_Union[_run_pb2.Run, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListTaskRunsRequest(_message.Message):
    __slots__ = ("namespace", "run_id", "page_size", "page_token")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    run_id: str
    page_size: int
    page_token: str
    def __init__(self, namespace: _Optional[str] = ..., run_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTaskRunsResponse(_message.Message):
    __slots__ = ("task_runs", "next_page_token")
    TASK_RUNS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    task_runs: _containers.RepeatedCompositeFieldContainer[_run_pb2.TaskRun]
    next_page_token: str
    def __init__(self, task_runs: _Optional[_Iterable[_Union[_run_pb2.TaskRun, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchRunsRequest(_message.Message):
    __slots__ = ("namespace", "run_id", "workflow", "types", "cursor", "from_start", "until_end")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    FROM_START_FIELD_NUMBER: _ClassVar[int]
    UNTIL_END_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    run_id: str
    workflow: str
    types: _containers.RepeatedScalarFieldContainer[_run_pb2.RunEventType]
    cursor: str
    from_start: bool
    until_end: bool
    def __init__(self, namespace: _Optional[str] = ..., run_id: _Optional[str] = ..., workflow: _Optional[str] = ..., types: _Optional[_Iterable[_Union[_run_pb2.RunEventType, str]]] = ..., cursor: _Optional[str] = ..., from_start: _Optional[bool] = ..., until_end: _Optional[bool] = ...) -> None: ...

class WatchRunsResponse(_message.Message):
    __slots__ = ("events", "cursor")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_run_pb2.RunEvent]
    cursor: str
    def __init__(self, events: _Optional[_Iterable[_Union[_run_pb2.RunEvent, _Mapping]]] = ..., cursor: _Optional[str] = ...) -> None: ...

class CancelRunRequest(_message.Message):
    __slots__ = ("namespace", "run_id", "reason")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    run_id: str
    reason: str
    def __init__(self, namespace: _Optional[str] = ..., run_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CancelRunResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: _run_pb2.RunStatus
    def __init__(self, status: _Optional[_Union[_run_pb2.RunStatus, str]] = ...) -> None: ...

class PauseRunRequest(_message.Message):
    __slots__ = ("namespace", "run_id", "reason")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    run_id: str
    reason: str
    def __init__(self, namespace: _Optional[str] = ..., run_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class PauseRunResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: _run_pb2.RunStatus
    def __init__(self, status: _Optional[_Union[_run_pb2.RunStatus, str]] = ...) -> None: ...

class ResumeRunRequest(_message.Message):
    __slots__ = ("namespace", "run_id")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    run_id: str
    def __init__(self, namespace: _Optional[str] = ..., run_id: _Optional[str] = ...) -> None: ...

class ResumeRunResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: _run_pb2.RunStatus
    def __init__(self, status: _Optional[_Union[_run_pb2.RunStatus, str]] = ...) -> None: ...

class RetryRunRequest(_message.Message):
    __slots__ = ("namespace", "run_id", "request_id")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    run_id: str
    request_id: str
    def __init__(self, namespace: _Optional[str] = ..., run_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class RetryRunResponse(_message.Message):
    __slots__ = ("status", "reset_tasks")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RESET_TASKS_FIELD_NUMBER: _ClassVar[int]
    status: _run_pb2.RunStatus
    reset_tasks: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, status: _Optional[_Union[_run_pb2.RunStatus, str]] = ..., reset_tasks: _Optional[_Iterable[str]] = ...) -> None: ...

class ExplainRunRequest(_message.Message):
    __slots__ = ("namespace", "run_id", "tasks")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    run_id: str
    tasks: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, namespace: _Optional[str] = ..., run_id: _Optional[str] = ..., tasks: _Optional[_Iterable[str]] = ...) -> None: ...

class ExplainRunResponse(_message.Message):
    __slots__ = ("status", "tasks", "left_out")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    status: _run_pb2.RunStatus
    tasks: _containers.RepeatedCompositeFieldContainer[TaskExplanation]
    left_out: int
    def __init__(self, status: _Optional[_Union[_run_pb2.RunStatus, str]] = ..., tasks: _Optional[_Iterable[_Union[TaskExplanation, _Mapping]]] = ..., left_out: _Optional[int] = ...) -> None: ...

class TaskExplanation(_message.Message):
    __slots__ = ("task", "state", "reason", "message", "waiting_for_tasks", "hosts", "until")
    TASK_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    WAITING_FOR_TASKS_FIELD_NUMBER: _ClassVar[int]
    HOSTS_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    task: str
    state: _run_pb2.TaskRunState
    reason: WaitReason
    message: str
    waiting_for_tasks: _containers.RepeatedScalarFieldContainer[str]
    hosts: _containers.RepeatedScalarFieldContainer[str]
    until: _timestamp_pb2.Timestamp
    def __init__(self, task: _Optional[str] = ..., state: _Optional[_Union[_run_pb2.TaskRunState, str]] = ..., reason: _Optional[_Union[WaitReason, str]] = ..., message: _Optional[str] = ..., waiting_for_tasks: _Optional[_Iterable[str]] = ..., hosts: _Optional[_Iterable[str]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
