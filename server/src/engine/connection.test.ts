/** What a connection holds on to: it lives for days, and a long Hello may be 64 MiB. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { DEFAULT_HELLO, workflowOf } from "../testing/scripted-host.js";
import { Connection, type ConnectionOwner, type Wire } from "./connection.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const WIRE: Wire = { isWritable: true, repeats: false, send() {}, close() {}, setReading() {} };
const OWNER: ConnectionOwner = { opening() {}, heard() {}, received() {}, writable() {}, closed() {} };

/** Says a Hello that goes on; returns what stands for all of its definitions. */
function sayHello(connection: Connection): WeakRef<object> {
  const definition = workflowOf("work", { a: [] });
  const hello = { ...DEFAULT_HELLO, definitions: [definition], more: true };
  connection.receive([{ seq: 0, type: "hello", hello, bytes: 100 }]);
  return new WeakRef(definition);
}

/** Whether it is still referenced, once nothing but the connection could. */
async function isHeld(ref: WeakRef<object>): Promise<boolean> {
  // A reference that was made, or asked, in this turn holds on until its end.
  await nextTurn();
  collectGarbage();
  return ref.deref() !== undefined;
}

describe("a Hello that goes on in chunks", () => {
  const end = { definitions: [], implementations: [], held: [], more: false };

  it.each<[string, (connection: Connection) => void]>([
    ["it is whole", (it) => it.receive([{ seq: 0, type: "hello_chunk", chunk: end, bytes: 10 }])],
    ["the host has gone", (it) => it.ended(false)],
    ["its connection was closed", (it) => it.finish()],
  ])("is kept until %s, and no longer", async (_when, happen) => {
    const connection = new Connection(WIRE, OWNER, 4_096);
    const definition = sayHello(connection);
    expect(await isHeld(definition)).toBe(true);
    happen(connection);
    expect(await isHeld(definition)).toBe(false);
    expect(connection.phase).not.toBe("new");
  });
});
