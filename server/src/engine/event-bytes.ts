/** Upper bounds of what events take in a message, in bytes, that cost no encoding. */
import type { LeaseGrant } from "../core/grants.js";
import type { ReceiptError } from "../core/lease-events.js";
import type { NumberedReceipt, SchedulerEvent } from "./events.js";

/** An event without its texts: ids and numbers. */
const PLAIN = 128;
/** A lease without its context. */
const LEASE = 512;

export function eventBytes(event: SchedulerEvent): number {
  switch (event.type) {
    case "lease":
      return leaseBytes(event.lease);
    case "cancel":
    case "revoked":
      return PLAIN + utf8(event.detail);
    case "receipts":
      return event.exceptions.reduce((bytes, exception) => bytes + receiptBytes(exception), PLAIN);
    case "registered":
      return PLAIN + event.workflows.length * 2 * PLAIN;
    case "welcome": {
      const { verdicts, workflows } = event.welcome;
      const plain = PLAIN + LEASE + verdicts.length * PLAIN + workflows.length * 2 * PLAIN;
      return verdicts.reduce((bytes, { detail }) => bytes + utf8(detail), plain);
    }
    case "drain":
      return PLAIN + utf8(event.drain.reason);
    case "deferred":
    case "granted":
    case "heartbeat_ack":
      return PLAIN;
  }
}

export function leaseBytes({ input, checkpoint, run }: LeaseGrant): number {
  let bytes = LEASE + textBytes(input) + textBytes(run.labels);
  if (checkpoint !== null) {
    bytes += textBytes(checkpoint.set);
    for (const key of checkpoint.removed) bytes += utf8(key);
  }
  return bytes;
}

export function receiptBytes({ error }: NumberedReceipt): number {
  return error === undefined ? PLAIN : PLAIN + errorBytes(error);
}

function errorBytes({ message, problems }: ReceiptError): number {
  let bytes = utf8(message);
  for (const { field, description } of problems) bytes += utf8(field) + utf8(description);
  return bytes;
}

function textBytes(text: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const key in text) bytes += utf8(key) + utf8(text[key] ?? "");
  return bytes;
}

/** With its tag and length. */
function utf8(text: string): number {
  return 3 * text.length + 8;
}
