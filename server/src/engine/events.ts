/** What hosts and the scheduler say to each other, in words of the domain; `rpc/` translates them to the wire. */
import type { LeaseGrant } from "../core/grants.js";
import type { LeaseEvent, Receipt, ReceiptError } from "../core/lease-events.js";
import type { WorkflowDefinition } from "../core/model.js";
import type { HostEffect } from "../core/run-draft.js";
import type { SessionRecord } from "../core/session.js";
import type { LeaseVerdict, ListedLease, RegisteredWorkflow } from "../store/store.js";

/** What a host brings: workflows, and tasks that it has code for. */
export interface Offer {
  readonly definitions: readonly WorkflowDefinition[];
  readonly implementations: readonly OfferedImplementation[];
}

export interface OfferedImplementation {
  readonly workflow: string;
  /** Empty means every task. */
  readonly tasks: readonly string[];
  /** Empty means the version of the definition that came with it. */
  readonly version: string;
  readonly anyVersion: boolean;
}

export interface Hello extends Offer {
  readonly protocolMin: number;
  readonly protocolMax: number;
  readonly namespace: string;
  readonly hostId: string;
  readonly instanceId: string;
  readonly resumeToken: string;
  readonly sdk: string;
  readonly buildId: string;
  readonly slots: number;
  readonly maxLeases: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
  readonly held: readonly ListedLease[];
  /** 0 means the scheduler's own. */
  readonly requestedTtlMs: number;
  readonly more: boolean;
}

export interface HelloChunk extends Offer {
  readonly held: readonly ListedLease[];
  readonly more: boolean;
}

/** `bytes` of a Hello that goes on, and of its chunks, is what they took on the wire; it is 0 for a Hello that is whole. */
export type HostEvent = { readonly seq: number } & (
  | { readonly type: "hello"; readonly hello: Hello; readonly bytes: number }
  | { readonly type: "hello_chunk"; readonly chunk: HelloChunk; readonly bytes: number }
  | { readonly type: "heartbeat"; readonly nonce: bigint; readonly mainLoopLagMs: number }
  | { readonly type: "lease_event"; readonly event: LeaseEvent }
  | { readonly type: "set_slots"; readonly slots: number }
  | { readonly type: "register"; readonly offer: Offer }
  | { readonly type: "drain"; readonly reason: string }
  /** Refused at the door: an unknown event, or one whose fields cannot be right. */
  | { readonly type: "refused"; readonly error: ReceiptError }
);

export interface NumberedReceipt extends Receipt {
  readonly seq: number;
}

export interface Welcome {
  readonly protocolVersion: number;
  readonly session: SessionRecord;
  readonly resumed: boolean;
  readonly heartbeatIntervalMs: number;
  readonly verdicts: readonly LeaseVerdict[];
  readonly workflows: readonly RegisteredWorkflow[];
}

export interface Drain {
  readonly graceMs: number;
  readonly reason: string;
  /** The scheduler itself goes away. */
  readonly reconnect: boolean;
  readonly reconnectAfterMs: number;
}

export type SchedulerEvent =
  | { readonly type: "welcome"; readonly welcome: Welcome }
  | { readonly type: "lease"; readonly lease: LeaseGrant }
  | { readonly type: "receipts"; readonly upTo: number; readonly exceptions: readonly NumberedReceipt[] }
  | { readonly type: "heartbeat_ack"; readonly nonce: bigint }
  | { readonly type: "registered"; readonly seq: number; readonly workflows: readonly RegisteredWorkflow[] }
  | { readonly type: "drain"; readonly drain: Drain }
  | HostEffect;
