from cloaca.v1 import run_pb2 as _run_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListHostsRequest(_message.Message):
    __slots__ = ("namespace", "page_size", "page_token")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    page_size: int
    page_token: str
    def __init__(self, namespace: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListHostsResponse(_message.Message):
    __slots__ = ("hosts", "next_page_token")
    HOSTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    hosts: _containers.RepeatedCompositeFieldContainer[HostInfo]
    next_page_token: str
    def __init__(self, hosts: _Optional[_Iterable[_Union[HostInfo, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class HostInfo(_message.Message):
    __slots__ = ("host_id", "instance_id", "session_id", "generation", "connected", "draining", "slots", "held", "deferred", "max_leases", "labels", "sdk", "build_id", "main_loop_lag_ms", "last_heard_ms", "leases", "implements")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    CONNECTED_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    DEFERRED_FIELD_NUMBER: _ClassVar[int]
    MAX_LEASES_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    SDK_FIELD_NUMBER: _ClassVar[int]
    BUILD_ID_FIELD_NUMBER: _ClassVar[int]
    MAIN_LOOP_LAG_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_HEARD_MS_FIELD_NUMBER: _ClassVar[int]
    LEASES_FIELD_NUMBER: _ClassVar[int]
    IMPLEMENTS_FIELD_NUMBER: _ClassVar[int]
    host_id: str
    instance_id: str
    session_id: str
    generation: int
    connected: bool
    draining: bool
    slots: int
    held: int
    deferred: int
    max_leases: int
    labels: _containers.ScalarMap[str, str]
    sdk: str
    build_id: str
    main_loop_lag_ms: int
    last_heard_ms: int
    leases: _containers.RepeatedCompositeFieldContainer[HostLease]
    implements: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, host_id: _Optional[str] = ..., instance_id: _Optional[str] = ..., session_id: _Optional[str] = ..., generation: _Optional[int] = ..., connected: _Optional[bool] = ..., draining: _Optional[bool] = ..., slots: _Optional[int] = ..., held: _Optional[int] = ..., deferred: _Optional[int] = ..., max_leases: _Optional[int] = ..., labels: _Optional[_Mapping[str, str]] = ..., sdk: _Optional[str] = ..., build_id: _Optional[str] = ..., main_loop_lag_ms: _Optional[int] = ..., last_heard_ms: _Optional[int] = ..., leases: _Optional[_Iterable[_Union[HostLease, _Mapping]]] = ..., implements: _Optional[_Iterable[str]] = ...) -> None: ...

class HostLease(_message.Message):
    __slots__ = ("lease_id", "run_id", "task", "state", "ending")
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ENDING_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    run_id: str
    task: str
    state: _run_pb2.TaskRunState
    ending: bool
    def __init__(self, lease_id: _Optional[str] = ..., run_id: _Optional[str] = ..., task: _Optional[str] = ..., state: _Optional[_Union[_run_pb2.TaskRunState, str]] = ..., ending: _Optional[bool] = ...) -> None: ...

class DrainHostRequest(_message.Message):
    __slots__ = ("namespace", "host_id", "grace_ms", "reason")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    host_id: str
    grace_ms: int
    reason: str
    def __init__(self, namespace: _Optional[str] = ..., host_id: _Optional[str] = ..., grace_ms: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class DrainHostResponse(_message.Message):
    __slots__ = ("host",)
    HOST_FIELD_NUMBER: _ClassVar[int]
    host: HostInfo
    def __init__(self, host: _Optional[_Union[HostInfo, _Mapping]] = ...) -> None: ...
