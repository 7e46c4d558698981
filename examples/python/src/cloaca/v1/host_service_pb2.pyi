from cloaca.v1 import context_pb2 as _context_pb2
from cloaca.v1 import definition_pb2 as _definition_pb2
from cloaca.v1 import error_pb2 as _error_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LeaseState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEASE_STATE_UNSPECIFIED: _ClassVar[LeaseState]
    LEASE_STATE_HELD: _ClassVar[LeaseState]
    LEASE_STATE_DEFERRING: _ClassVar[LeaseState]
    LEASE_STATE_DEFERRED: _ClassVar[LeaseState]
    LEASE_STATE_RECLAIMING: _ClassVar[LeaseState]
    LEASE_STATE_FINISHED: _ClassVar[LeaseState]
    LEASE_STATE_ENDING: _ClassVar[LeaseState]
    LEASE_STATE_REVOKED: _ClassVar[LeaseState]

class DeferralOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEFERRAL_OUTCOME_UNSPECIFIED: _ClassVar[DeferralOutcome]
    DEFERRAL_OUTCOME_MET: _ClassVar[DeferralOutcome]
    DEFERRAL_OUTCOME_MAX_WAIT: _ClassVar[DeferralOutcome]

class CancelReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CANCEL_REASON_UNSPECIFIED: _ClassVar[CancelReason]
    CANCEL_REASON_RUN_CANCELLED: _ClassVar[CancelReason]
    CANCEL_REASON_TIMEOUT: _ClassVar[CancelReason]
    CANCEL_REASON_RUN_TIMEOUT: _ClassVar[CancelReason]

class ReceiptResult(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECEIPT_RESULT_UNSPECIFIED: _ClassVar[ReceiptResult]
    RECEIPT_RESULT_APPLIED: _ClassVar[ReceiptResult]
    RECEIPT_RESULT_DUPLICATE: _ClassVar[ReceiptResult]
    RECEIPT_RESULT_CONFLICT: _ClassVar[ReceiptResult]
    RECEIPT_RESULT_STALE: _ClassVar[ReceiptResult]
    RECEIPT_RESULT_REJECTED: _ClassVar[ReceiptResult]
LEASE_STATE_UNSPECIFIED: LeaseState
LEASE_STATE_HELD: LeaseState
LEASE_STATE_DEFERRING: LeaseState
LEASE_STATE_DEFERRED: LeaseState
LEASE_STATE_RECLAIMING: LeaseState
LEASE_STATE_FINISHED: LeaseState
LEASE_STATE_ENDING: LeaseState
LEASE_STATE_REVOKED: LeaseState
DEFERRAL_OUTCOME_UNSPECIFIED: DeferralOutcome
DEFERRAL_OUTCOME_MET: DeferralOutcome
DEFERRAL_OUTCOME_MAX_WAIT: DeferralOutcome
CANCEL_REASON_UNSPECIFIED: CancelReason
CANCEL_REASON_RUN_CANCELLED: CancelReason
CANCEL_REASON_TIMEOUT: CancelReason
CANCEL_REASON_RUN_TIMEOUT: CancelReason
RECEIPT_RESULT_UNSPECIFIED: ReceiptResult
RECEIPT_RESULT_APPLIED: ReceiptResult
RECEIPT_RESULT_DUPLICATE: ReceiptResult
RECEIPT_RESULT_CONFLICT: ReceiptResult
RECEIPT_RESULT_STALE: ReceiptResult
RECEIPT_RESULT_REJECTED: ReceiptResult

class WorkRequest(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[HostEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[HostEvent, _Mapping]]] = ...) -> None: ...

class WorkResponse(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[SchedulerEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[SchedulerEvent, _Mapping]]] = ...) -> None: ...

class HostEvent(_message.Message):
    __slots__ = ("seq", "hello", "complete", "fail", "defer_until", "reclaim", "checkpoint", "stopped", "decline", "heartbeat", "register", "set_slots", "drain", "hello_chunk")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    FAIL_FIELD_NUMBER: _ClassVar[int]
    DEFER_UNTIL_FIELD_NUMBER: _ClassVar[int]
    RECLAIM_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    DECLINE_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    REGISTER_FIELD_NUMBER: _ClassVar[int]
    SET_SLOTS_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    HELLO_CHUNK_FIELD_NUMBER: _ClassVar[int]
    seq: int
    hello: Hello
    complete: Complete
    fail: Fail
    defer_until: DeferUntil
    reclaim: Reclaim
    checkpoint: Checkpoint
    stopped: Stopped
    decline: Decline
    heartbeat: Heartbeat
    register: Register
    set_slots: SetSlots
    drain: HostDrain
    hello_chunk: HelloChunk
    def __init__(self, seq: _Optional[int] = ..., hello: _Optional[_Union[Hello, _Mapping]] = ..., complete: _Optional[_Union[Complete, _Mapping]] = ..., fail: _Optional[_Union[Fail, _Mapping]] = ..., defer_until: _Optional[_Union[DeferUntil, _Mapping]] = ..., reclaim: _Optional[_Union[Reclaim, _Mapping]] = ..., checkpoint: _Optional[_Union[Checkpoint, _Mapping]] = ..., stopped: _Optional[_Union[Stopped, _Mapping]] = ..., decline: _Optional[_Union[Decline, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., register: _Optional[_Union[Register, _Mapping]] = ..., set_slots: _Optional[_Union[SetSlots, _Mapping]] = ..., drain: _Optional[_Union[HostDrain, _Mapping]] = ..., hello_chunk: _Optional[_Union[HelloChunk, _Mapping]] = ...) -> None: ...

class SchedulerEvent(_message.Message):
    __slots__ = ("welcome", "lease", "deferred", "slot_granted", "cancel", "revoked", "receipts", "heartbeat_ack", "registered", "drain")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    DEFERRED_FIELD_NUMBER: _ClassVar[int]
    SLOT_GRANTED_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    REVOKED_FIELD_NUMBER: _ClassVar[int]
    RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_ACK_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    lease: Lease
    deferred: Deferred
    slot_granted: SlotGranted
    cancel: Cancel
    revoked: Revoked
    receipts: Receipts
    heartbeat_ack: HeartbeatAck
    registered: Registered
    drain: SchedulerDrain
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., lease: _Optional[_Union[Lease, _Mapping]] = ..., deferred: _Optional[_Union[Deferred, _Mapping]] = ..., slot_granted: _Optional[_Union[SlotGranted, _Mapping]] = ..., cancel: _Optional[_Union[Cancel, _Mapping]] = ..., revoked: _Optional[_Union[Revoked, _Mapping]] = ..., receipts: _Optional[_Union[Receipts, _Mapping]] = ..., heartbeat_ack: _Optional[_Union[HeartbeatAck, _Mapping]] = ..., registered: _Optional[_Union[Registered, _Mapping]] = ..., drain: _Optional[_Union[SchedulerDrain, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("protocol_min", "protocol_max", "namespace", "host_id", "instance_id", "resume_token", "sdk", "build_id", "slots", "max_leases", "labels", "capabilities", "definitions", "implementations", "held_leases", "more", "requested_ttl_ms")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PROTOCOL_MIN_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_MAX_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SDK_FIELD_NUMBER: _ClassVar[int]
    BUILD_ID_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    MAX_LEASES_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    IMPLEMENTATIONS_FIELD_NUMBER: _ClassVar[int]
    HELD_LEASES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_TTL_MS_FIELD_NUMBER: _ClassVar[int]
    protocol_min: int
    protocol_max: int
    namespace: str
    host_id: str
    instance_id: str
    resume_token: str
    sdk: Sdk
    build_id: str
    slots: int
    max_leases: int
    labels: _containers.ScalarMap[str, str]
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    definitions: _containers.RepeatedCompositeFieldContainer[_definition_pb2.WorkflowDefinition]
    implementations: _containers.RepeatedCompositeFieldContainer[_definition_pb2.Implementation]
    held_leases: _containers.RepeatedCompositeFieldContainer[HeldLease]
    more: bool
    requested_ttl_ms: int
    def __init__(self, protocol_min: _Optional[int] = ..., protocol_max: _Optional[int] = ..., namespace: _Optional[str] = ..., host_id: _Optional[str] = ..., instance_id: _Optional[str] = ..., resume_token: _Optional[str] = ..., sdk: _Optional[_Union[Sdk, _Mapping]] = ..., build_id: _Optional[str] = ..., slots: _Optional[int] = ..., max_leases: _Optional[int] = ..., labels: _Optional[_Mapping[str, str]] = ..., capabilities: _Optional[_Iterable[str]] = ..., definitions: _Optional[_Iterable[_Union[_definition_pb2.WorkflowDefinition, _Mapping]]] = ..., implementations: _Optional[_Iterable[_Union[_definition_pb2.Implementation, _Mapping]]] = ..., held_leases: _Optional[_Iterable[_Union[HeldLease, _Mapping]]] = ..., more: _Optional[bool] = ..., requested_ttl_ms: _Optional[int] = ...) -> None: ...

class HelloChunk(_message.Message):
    __slots__ = ("definitions", "implementations", "held_leases", "more")
    DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    IMPLEMENTATIONS_FIELD_NUMBER: _ClassVar[int]
    HELD_LEASES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    definitions: _containers.RepeatedCompositeFieldContainer[_definition_pb2.WorkflowDefinition]
    implementations: _containers.RepeatedCompositeFieldContainer[_definition_pb2.Implementation]
    held_leases: _containers.RepeatedCompositeFieldContainer[HeldLease]
    more: bool
    def __init__(self, definitions: _Optional[_Iterable[_Union[_definition_pb2.WorkflowDefinition, _Mapping]]] = ..., implementations: _Optional[_Iterable[_Union[_definition_pb2.Implementation, _Mapping]]] = ..., held_leases: _Optional[_Iterable[_Union[HeldLease, _Mapping]]] = ..., more: _Optional[bool] = ...) -> None: ...

class Sdk(_message.Message):
    __slots__ = ("name", "version", "language")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    language: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., language: _Optional[str] = ...) -> None: ...

class HeldLease(_message.Message):
    __slots__ = ("lease_id", "state", "deferral")
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DEFERRAL_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    state: LeaseState
    deferral: int
    def __init__(self, lease_id: _Optional[str] = ..., state: _Optional[_Union[LeaseState, str]] = ..., deferral: _Optional[int] = ...) -> None: ...

class LeaseVerdict(_message.Message):
    __slots__ = ("lease_id", "state", "deferral", "outcome", "cancel_reason", "failure", "detail")
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DEFERRAL_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CANCEL_REASON_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    state: LeaseState
    deferral: int
    outcome: DeferralOutcome
    cancel_reason: CancelReason
    failure: FailureVerdict
    detail: str
    def __init__(self, lease_id: _Optional[str] = ..., state: _Optional[_Union[LeaseState, str]] = ..., deferral: _Optional[int] = ..., outcome: _Optional[_Union[DeferralOutcome, str]] = ..., cancel_reason: _Optional[_Union[CancelReason, str]] = ..., failure: _Optional[_Union[FailureVerdict, _Mapping]] = ..., detail: _Optional[str] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("protocol_version", "session_id", "resume_token", "generation", "resumed", "ttl_ms", "heartbeat_interval_ms", "limits", "capabilities", "verdicts", "workflows", "scheduler_version")
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    RESUMED_FIELD_NUMBER: _ClassVar[int]
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    WORKFLOWS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULER_VERSION_FIELD_NUMBER: _ClassVar[int]
    protocol_version: int
    session_id: str
    resume_token: str
    generation: int
    resumed: bool
    ttl_ms: int
    heartbeat_interval_ms: int
    limits: Limits
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    verdicts: _containers.RepeatedCompositeFieldContainer[LeaseVerdict]
    workflows: _containers.RepeatedCompositeFieldContainer[RegisteredWorkflow]
    scheduler_version: str
    def __init__(self, protocol_version: _Optional[int] = ..., session_id: _Optional[str] = ..., resume_token: _Optional[str] = ..., generation: _Optional[int] = ..., resumed: _Optional[bool] = ..., ttl_ms: _Optional[int] = ..., heartbeat_interval_ms: _Optional[int] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., capabilities: _Optional[_Iterable[str]] = ..., verdicts: _Optional[_Iterable[_Union[LeaseVerdict, _Mapping]]] = ..., workflows: _Optional[_Iterable[_Union[RegisteredWorkflow, _Mapping]]] = ..., scheduler_version: _Optional[str] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_message_bytes", "max_patch_bytes", "max_context_bytes", "max_failure_bytes", "max_tasks")
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_PATCH_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_CONTEXT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_FAILURE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_TASKS_FIELD_NUMBER: _ClassVar[int]
    max_message_bytes: int
    max_patch_bytes: int
    max_context_bytes: int
    max_failure_bytes: int
    max_tasks: int
    def __init__(self, max_message_bytes: _Optional[int] = ..., max_patch_bytes: _Optional[int] = ..., max_context_bytes: _Optional[int] = ..., max_failure_bytes: _Optional[int] = ..., max_tasks: _Optional[int] = ...) -> None: ...

class RegisteredWorkflow(_message.Message):
    __slots__ = ("name", "version", "created")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    created: bool
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., created: _Optional[bool] = ...) -> None: ...

class Register(_message.Message):
    __slots__ = ("definitions", "implementations")
    DEFINITIONS_FIELD_NUMBER: _ClassVar[int]
    IMPLEMENTATIONS_FIELD_NUMBER: _ClassVar[int]
    definitions: _containers.RepeatedCompositeFieldContainer[_definition_pb2.WorkflowDefinition]
    implementations: _containers.RepeatedCompositeFieldContainer[_definition_pb2.Implementation]
    def __init__(self, definitions: _Optional[_Iterable[_Union[_definition_pb2.WorkflowDefinition, _Mapping]]] = ..., implementations: _Optional[_Iterable[_Union[_definition_pb2.Implementation, _Mapping]]] = ...) -> None: ...

class Registered(_message.Message):
    __slots__ = ("seq", "workflows")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    WORKFLOWS_FIELD_NUMBER: _ClassVar[int]
    seq: int
    workflows: _containers.RepeatedCompositeFieldContainer[RegisteredWorkflow]
    def __init__(self, seq: _Optional[int] = ..., workflows: _Optional[_Iterable[_Union[RegisteredWorkflow, _Mapping]]] = ...) -> None: ...

class SetSlots(_message.Message):
    __slots__ = ("slots",)
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    slots: int
    def __init__(self, slots: _Optional[int] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("nonce", "main_loop_lag_ms")
    NONCE_FIELD_NUMBER: _ClassVar[int]
    MAIN_LOOP_LAG_MS_FIELD_NUMBER: _ClassVar[int]
    nonce: int
    main_loop_lag_ms: int
    def __init__(self, nonce: _Optional[int] = ..., main_loop_lag_ms: _Optional[int] = ...) -> None: ...

class HeartbeatAck(_message.Message):
    __slots__ = ("nonce",)
    NONCE_FIELD_NUMBER: _ClassVar[int]
    nonce: int
    def __init__(self, nonce: _Optional[int] = ...) -> None: ...

class Lease(_message.Message):
    __slots__ = ("lease_id", "run_id", "workflow", "task", "attempt", "recovery", "fence", "input", "checkpoint", "timeout_remaining_ms", "namespace", "workflow_version", "task_run_id", "priority", "traceparent", "labels")
    class InputEntry(_message.Message):
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
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_REMAINING_MS_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_VERSION_FIELD_NUMBER: _ClassVar[int]
    TASK_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    run_id: str
    workflow: str
    task: str
    attempt: int
    recovery: int
    fence: int
    input: _containers.ScalarMap[str, str]
    checkpoint: _context_pb2.Patch
    timeout_remaining_ms: int
    namespace: str
    workflow_version: str
    task_run_id: str
    priority: int
    traceparent: str
    labels: _containers.ScalarMap[str, str]
    def __init__(self, lease_id: _Optional[str] = ..., run_id: _Optional[str] = ..., workflow: _Optional[str] = ..., task: _Optional[str] = ..., attempt: _Optional[int] = ..., recovery: _Optional[int] = ..., fence: _Optional[int] = ..., input: _Optional[_Mapping[str, str]] = ..., checkpoint: _Optional[_Union[_context_pb2.Patch, _Mapping]] = ..., timeout_remaining_ms: _Optional[int] = ..., namespace: _Optional[str] = ..., workflow_version: _Optional[str] = ..., task_run_id: _Optional[str] = ..., priority: _Optional[int] = ..., traceparent: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Complete(_message.Message):
    __slots__ = ("lease_id", "patch")
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    PATCH_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    patch: _context_pb2.Patch
    def __init__(self, lease_id: _Optional[str] = ..., patch: _Optional[_Union[_context_pb2.Patch, _Mapping]] = ...) -> None: ...

class Fail(_message.Message):
    __slots__ = ("lease_id", "failure", "transient", "final", "next_delay_ms")
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    TRANSIENT_FIELD_NUMBER: _ClassVar[int]
    FINAL_FIELD_NUMBER: _ClassVar[int]
    NEXT_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    failure: _error_pb2.Failure
    transient: bool
    final: bool
    next_delay_ms: int
    def __init__(self, lease_id: _Optional[str] = ..., failure: _Optional[_Union[_error_pb2.Failure, _Mapping]] = ..., transient: _Optional[bool] = ..., final: _Optional[bool] = ..., next_delay_ms: _Optional[int] = ...) -> None: ...

class DeferUntil(_message.Message):
    __slots__ = ("lease_id", "deferral", "poll_interval_ms", "max_wait_ms", "description", "checkpoint")
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    DEFERRAL_FIELD_NUMBER: _ClassVar[int]
    POLL_INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    deferral: int
    poll_interval_ms: int
    max_wait_ms: int
    description: str
    checkpoint: _context_pb2.Patch
    def __init__(self, lease_id: _Optional[str] = ..., deferral: _Optional[int] = ..., poll_interval_ms: _Optional[int] = ..., max_wait_ms: _Optional[int] = ..., description: _Optional[str] = ..., checkpoint: _Optional[_Union[_context_pb2.Patch, _Mapping]] = ...) -> None: ...

class Deferred(_message.Message):
    __slots__ = ("lease_id", "deferral")
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    DEFERRAL_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    deferral: int
    def __init__(self, lease_id: _Optional[str] = ..., deferral: _Optional[int] = ...) -> None: ...

class Reclaim(_message.Message):
    __slots__ = ("lease_id", "deferral")
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    DEFERRAL_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    deferral: int
    def __init__(self, lease_id: _Optional[str] = ..., deferral: _Optional[int] = ...) -> None: ...

class SlotGranted(_message.Message):
    __slots__ = ("lease_id", "deferral", "outcome", "waited_ms")
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    DEFERRAL_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    WAITED_MS_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    deferral: int
    outcome: DeferralOutcome
    waited_ms: int
    def __init__(self, lease_id: _Optional[str] = ..., deferral: _Optional[int] = ..., outcome: _Optional[_Union[DeferralOutcome, str]] = ..., waited_ms: _Optional[int] = ...) -> None: ...

class Checkpoint(_message.Message):
    __slots__ = ("lease_id", "patch")
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    PATCH_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    patch: _context_pb2.Patch
    def __init__(self, lease_id: _Optional[str] = ..., patch: _Optional[_Union[_context_pb2.Patch, _Mapping]] = ...) -> None: ...

class Cancel(_message.Message):
    __slots__ = ("lease_id", "reason", "detail", "failure")
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    reason: CancelReason
    detail: str
    failure: FailureVerdict
    def __init__(self, lease_id: _Optional[str] = ..., reason: _Optional[_Union[CancelReason, str]] = ..., detail: _Optional[str] = ..., failure: _Optional[_Union[FailureVerdict, _Mapping]] = ...) -> None: ...

class Revoked(_message.Message):
    __slots__ = ("lease_id", "detail")
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    detail: str
    def __init__(self, lease_id: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class Stopped(_message.Message):
    __slots__ = ("lease_id",)
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    def __init__(self, lease_id: _Optional[str] = ...) -> None: ...

class Decline(_message.Message):
    __slots__ = ("lease_id", "checkpoint", "reason")
    LEASE_ID_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    lease_id: str
    checkpoint: _context_pb2.Patch
    reason: str
    def __init__(self, lease_id: _Optional[str] = ..., checkpoint: _Optional[_Union[_context_pb2.Patch, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class HostDrain(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class SchedulerDrain(_message.Message):
    __slots__ = ("grace_ms", "reason", "reconnect", "address", "reconnect_after_ms")
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RECONNECT_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    RECONNECT_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    grace_ms: int
    reason: str
    reconnect: bool
    address: str
    reconnect_after_ms: int
    def __init__(self, grace_ms: _Optional[int] = ..., reason: _Optional[str] = ..., reconnect: _Optional[bool] = ..., address: _Optional[str] = ..., reconnect_after_ms: _Optional[int] = ...) -> None: ...

class Receipts(_message.Message):
    __slots__ = ("up_to", "exceptions")
    UP_TO_FIELD_NUMBER: _ClassVar[int]
    EXCEPTIONS_FIELD_NUMBER: _ClassVar[int]
    up_to: int
    exceptions: _containers.RepeatedCompositeFieldContainer[Receipt]
    def __init__(self, up_to: _Optional[int] = ..., exceptions: _Optional[_Iterable[_Union[Receipt, _Mapping]]] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("seq", "result", "error", "failure")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    seq: int
    result: ReceiptResult
    error: _error_pb2.Error
    failure: FailureVerdict
    def __init__(self, seq: _Optional[int] = ..., result: _Optional[_Union[ReceiptResult, str]] = ..., error: _Optional[_Union[_error_pb2.Error, _Mapping]] = ..., failure: _Optional[_Union[FailureVerdict, _Mapping]] = ...) -> None: ...

class FailureVerdict(_message.Message):
    __slots__ = ("final", "retry_in_ms", "next_attempt")
    FINAL_FIELD_NUMBER: _ClassVar[int]
    RETRY_IN_MS_FIELD_NUMBER: _ClassVar[int]
    NEXT_ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    final: bool
    retry_in_ms: int
    next_attempt: int
    def __init__(self, final: _Optional[bool] = ..., retry_in_ms: _Optional[int] = ..., next_attempt: _Optional[int] = ...) -> None: ...

class ExchangeRequest(_message.Message):
    __slots__ = ("session_id", "resume_token", "events", "ack_response_id", "wait_ms")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    ACK_RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    resume_token: str
    events: _containers.RepeatedCompositeFieldContainer[HostEvent]
    ack_response_id: int
    wait_ms: int
    def __init__(self, session_id: _Optional[str] = ..., resume_token: _Optional[str] = ..., events: _Optional[_Iterable[_Union[HostEvent, _Mapping]]] = ..., ack_response_id: _Optional[int] = ..., wait_ms: _Optional[int] = ...) -> None: ...

class ExchangeResponse(_message.Message):
    __slots__ = ("response_id", "events")
    RESPONSE_ID_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    response_id: int
    events: _containers.RepeatedCompositeFieldContainer[SchedulerEvent]
    def __init__(self, response_id: _Optional[int] = ..., events: _Optional[_Iterable[_Union[SchedulerEvent, _Mapping]]] = ...) -> None: ...

class KeepAliveRequest(_message.Message):
    __slots__ = ("session_id", "resume_token", "main_loop_lag_ms")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MAIN_LOOP_LAG_MS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    resume_token: str
    main_loop_lag_ms: int
    def __init__(self, session_id: _Optional[str] = ..., resume_token: _Optional[str] = ..., main_loop_lag_ms: _Optional[int] = ...) -> None: ...

class KeepAliveResponse(_message.Message):
    __slots__ = ("ttl_ms",)
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    ttl_ms: int
    def __init__(self, ttl_ms: _Optional[int] = ...) -> None: ...
