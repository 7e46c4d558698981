import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RetryBackoff(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETRY_BACKOFF_UNSPECIFIED: _ClassVar[RetryBackoff]
    RETRY_BACKOFF_FIXED: _ClassVar[RetryBackoff]
    RETRY_BACKOFF_LINEAR: _ClassVar[RetryBackoff]
    RETRY_BACKOFF_EXPONENTIAL: _ClassVar[RetryBackoff]

class RetryCondition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RETRY_CONDITION_UNSPECIFIED: _ClassVar[RetryCondition]
    RETRY_CONDITION_NEVER: _ClassVar[RetryCondition]
    RETRY_CONDITION_TRANSIENT: _ClassVar[RetryCondition]
    RETRY_CONDITION_ALL: _ClassVar[RetryCondition]

class ContextOperator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTEXT_OPERATOR_UNSPECIFIED: _ClassVar[ContextOperator]
    CONTEXT_OPERATOR_EQUALS: _ClassVar[ContextOperator]
    CONTEXT_OPERATOR_NOT_EQUALS: _ClassVar[ContextOperator]
    CONTEXT_OPERATOR_GREATER: _ClassVar[ContextOperator]
    CONTEXT_OPERATOR_LESS: _ClassVar[ContextOperator]
    CONTEXT_OPERATOR_CONTAINS: _ClassVar[ContextOperator]
    CONTEXT_OPERATOR_NOT_CONTAINS: _ClassVar[ContextOperator]
    CONTEXT_OPERATOR_EXISTS: _ClassVar[ContextOperator]
    CONTEXT_OPERATOR_NOT_EXISTS: _ClassVar[ContextOperator]
RETRY_BACKOFF_UNSPECIFIED: RetryBackoff
RETRY_BACKOFF_FIXED: RetryBackoff
RETRY_BACKOFF_LINEAR: RetryBackoff
RETRY_BACKOFF_EXPONENTIAL: RetryBackoff
RETRY_CONDITION_UNSPECIFIED: RetryCondition
RETRY_CONDITION_NEVER: RetryCondition
RETRY_CONDITION_TRANSIENT: RetryCondition
RETRY_CONDITION_ALL: RetryCondition
CONTEXT_OPERATOR_UNSPECIFIED: ContextOperator
CONTEXT_OPERATOR_EQUALS: ContextOperator
CONTEXT_OPERATOR_NOT_EQUALS: ContextOperator
CONTEXT_OPERATOR_GREATER: ContextOperator
CONTEXT_OPERATOR_LESS: ContextOperator
CONTEXT_OPERATOR_CONTAINS: ContextOperator
CONTEXT_OPERATOR_NOT_CONTAINS: ContextOperator
CONTEXT_OPERATOR_EXISTS: ContextOperator
CONTEXT_OPERATOR_NOT_EXISTS: ContextOperator

class WorkflowDefinition(_message.Message):
    __slots__ = ("name", "description", "tasks", "tags")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    tasks: _containers.RepeatedCompositeFieldContainer[TaskDefinition]
    tags: _containers.ScalarMap[str, str]
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., tasks: _Optional[_Iterable[_Union[TaskDefinition, _Mapping]]] = ..., tags: _Optional[_Mapping[str, str]] = ...) -> None: ...

class TaskDefinition(_message.Message):
    __slots__ = ("id", "dependencies", "timeout_ms", "retry", "trigger_rule")
    ID_FIELD_NUMBER: _ClassVar[int]
    DEPENDENCIES_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_RULE_FIELD_NUMBER: _ClassVar[int]
    id: str
    dependencies: _containers.RepeatedScalarFieldContainer[str]
    timeout_ms: int
    retry: RetryPolicy
    trigger_rule: TriggerRule
    def __init__(self, id: _Optional[str] = ..., dependencies: _Optional[_Iterable[str]] = ..., timeout_ms: _Optional[int] = ..., retry: _Optional[_Union[RetryPolicy, _Mapping]] = ..., trigger_rule: _Optional[_Union[TriggerRule, _Mapping]] = ...) -> None: ...

class RetryPolicy(_message.Message):
    __slots__ = ("attempts", "backoff", "delay_ms", "max_delay_ms", "condition", "jitter")
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    BACKOFF_FIELD_NUMBER: _ClassVar[int]
    DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    JITTER_FIELD_NUMBER: _ClassVar[int]
    attempts: int
    backoff: RetryBackoff
    delay_ms: int
    max_delay_ms: int
    condition: RetryCondition
    jitter: bool
    def __init__(self, attempts: _Optional[int] = ..., backoff: _Optional[_Union[RetryBackoff, str]] = ..., delay_ms: _Optional[int] = ..., max_delay_ms: _Optional[int] = ..., condition: _Optional[_Union[RetryCondition, str]] = ..., jitter: _Optional[bool] = ...) -> None: ...

class TriggerRule(_message.Message):
    __slots__ = ("all_success", "always", "all", "any", "none", "succeeded", "failed", "skipped", "context_value")
    ALL_SUCCESS_FIELD_NUMBER: _ClassVar[int]
    ALWAYS_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    ANY_FIELD_NUMBER: _ClassVar[int]
    NONE_FIELD_NUMBER: _ClassVar[int]
    SUCCEEDED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_VALUE_FIELD_NUMBER: _ClassVar[int]
    all_success: bool
    always: bool
    all: TriggerRules
    any: TriggerRules
    none: TriggerRules
    succeeded: str
    failed: str
    skipped: str
    context_value: ContextCondition
    def __init__(self, all_success: _Optional[bool] = ..., always: _Optional[bool] = ..., all: _Optional[_Union[TriggerRules, _Mapping]] = ..., any: _Optional[_Union[TriggerRules, _Mapping]] = ..., none: _Optional[_Union[TriggerRules, _Mapping]] = ..., succeeded: _Optional[str] = ..., failed: _Optional[str] = ..., skipped: _Optional[str] = ..., context_value: _Optional[_Union[ContextCondition, _Mapping]] = ...) -> None: ...

class TriggerRules(_message.Message):
    __slots__ = ("rules",)
    RULES_FIELD_NUMBER: _ClassVar[int]
    rules: _containers.RepeatedCompositeFieldContainer[TriggerRule]
    def __init__(self, rules: _Optional[_Iterable[_Union[TriggerRule, _Mapping]]] = ...) -> None: ...

class ContextCondition(_message.Message):
    __slots__ = ("key", "operator", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    operator: ContextOperator
    value: str
    def __init__(self, key: _Optional[str] = ..., operator: _Optional[_Union[ContextOperator, str]] = ..., value: _Optional[str] = ...) -> None: ...

class Implementation(_message.Message):
    __slots__ = ("workflow", "tasks", "version", "any_version")
    WORKFLOW_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ANY_VERSION_FIELD_NUMBER: _ClassVar[int]
    workflow: str
    tasks: _containers.RepeatedScalarFieldContainer[str]
    version: str
    any_version: bool
    def __init__(self, workflow: _Optional[str] = ..., tasks: _Optional[_Iterable[str]] = ..., version: _Optional[str] = ..., any_version: _Optional[bool] = ...) -> None: ...

class Workflow(_message.Message):
    __slots__ = ("namespace", "name", "version", "current", "registered_at", "task_count", "definition", "paused", "promoted")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_FIELD_NUMBER: _ClassVar[int]
    TASK_COUNT_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    PROMOTED_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    name: str
    version: str
    current: bool
    registered_at: _timestamp_pb2.Timestamp
    task_count: int
    definition: WorkflowDefinition
    paused: bool
    promoted: bool
    def __init__(self, namespace: _Optional[str] = ..., name: _Optional[str] = ..., version: _Optional[str] = ..., current: _Optional[bool] = ..., registered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., task_count: _Optional[int] = ..., definition: _Optional[_Union[WorkflowDefinition, _Mapping]] = ..., paused: _Optional[bool] = ..., promoted: _Optional[bool] = ...) -> None: ...
