export { type AnyContext, Context } from "./context.js";
export type { NoValues, OpenValues } from "./context-types.js";
export type {
  ContextOperator,
  InputSchema,
  OnFailure,
  OnRetry,
  OnSuccess,
  ResolvedRule,
  ResolvedTask,
  RetryBackoff,
  RetryCondition,
  RetryInfo,
  RetryPolicy,
  TaskInfo,
  WorkflowDefinition,
} from "./definition.js";
export type { FunctionTaskMaker, FunctionTaskOptions } from "./function-task.js";
export type { MethodDependency, MethodTaskOptions, TaskDecorator, TaskMethod } from "./method-task.js";
export { noHandle } from "./no-handle.js";
export type { RetryOptions } from "./retry-options.js";
export { task } from "./task.js";
export type { DeferOptions, TaskHandle, Truthy } from "./task-handle.js";
export type { CommonTaskOptions } from "./task-options.js";
export type {
  AnyTask,
  Dependency,
  FunctionTask,
  InputOf,
  MaybePromise,
  OutputOf,
  RuledInput,
  TaskReference,
  TaskResult,
} from "./task-types.js";
export { type RuleLike, type RuleTask, rule, type TriggerRule } from "./trigger-rule.js";
export { type WorkflowOptions, type WorkflowOptionsWithInput, type WorkflowScope, workflow } from "./workflow.js";
export { WorkflowBuilder } from "./workflow-builder.js";
