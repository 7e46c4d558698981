/** Basic: contexts, patches and sizes. */
import { LIMITS } from "../stage/connection.js";
import { must, same } from "../stage/patience.js";
import type { Case } from "./case.js";
import { CONTEXT_TEXTS } from "./context-texts.js";

export const basicContexts: readonly Case[] = [
  {
    name: "own-keys",
    rules: ["C.1"],
    title: "sends back only what the task did itself",
    run: async (stage) => {
      const connection = await stage.connection();
      const given = stage.give(connection, "echo", { value: 1, other: [1, 2], third: "text" });
      const { value } = await connection.next("complete", given.id);
      same(value.patch?.set, { echoed: "1" }, "keys that were set");
      same(value.patch?.removed ?? [], [], "keys that were removed");
    },
  },
  {
    name: "edit",
    rules: ["C.1"],
    title: "tells which keys were removed, and names no key twice",
    run: async (stage) => {
      const connection = await stage.connection();
      const input = { set: { a: 1, b: "ü", gone: 2 }, remove: ["old", "gone"], old: true };
      const { value } = await connection.next("complete", stage.give(connection, "edit", input).id);
      const { set = {}, removed = [] } = value.patch ?? {};
      same(Object.keys(set).sort(), ["a", "b"], "keys that were set");
      same([JSON.parse(set["a"] ?? ""), JSON.parse(set["b"] ?? "")], [1, "ü"], "their values");
      must(removed.includes("old"), `removed is ${removed.join(", ")}`);
      // That "gone" was never there may be said or not.
      must(
        removed.every((key) => key === "old" || key === "gone"),
        `removed is ${removed.join(", ")}`,
      );
      same(new Set(removed).size, removed.length, "keys that are named once");
    },
  },
  {
    name: "checkpoint-applied",
    rules: ["P5.3"],
    title: "applies what earlier executions committed on top of the input",
    run: async (stage) => {
      const connection = await stage.connection();
      const changed = stage.give(
        connection,
        "echo",
        { value: 1 },
        { checkpoint: { set: { value: "2" } }, recovery: 1 },
      );
      same((await connection.next("complete", changed.id)).value.patch?.set, { echoed: "2" }, "a value that was set");
      const removed = stage.give(connection, "echo", { value: 1 }, { checkpoint: { removed: ["value"] }, attempt: 2 });
      same(
        (await connection.next("complete", removed.id)).value.patch?.set,
        { echoed: "null" },
        "one that was removed",
      );
    },
  },
  {
    name: "context-values",
    rules: ["C.2"],
    title: "gives back each JSON value as it is, or fails rather than change it",
    run: async (stage) => {
      const connection = await stage.connection();
      for (const { name, text, canonical = text, unsafe = false } of CONTEXT_TEXTS.filter(({ invalid }) => !invalid)) {
        const given = stage.give(connection, "echo", {}, { input: { value: text } });
        const { kind, value } = await connection.nextOf(["complete", "fail"], given.id);
        if (kind === "fail") {
          must(unsafe, `"${name}" (${text}) failed`);
          continue;
        }
        const echoed = "patch" in value ? (value.patch?.set["echoed"] ?? "nothing") : "nothing";
        // A language with integers of any size keeps them; what is compared as text must be.
        if (unsafe) must(digits(echoed) === digits(text), `"${name}": ${text} came back as ${echoed}`);
        else same(parsed(echoed), parsed(canonical), `"${name}"`);
      }
    },
  },
  {
    name: "context-invalid",
    rules: ["C.3"],
    title: "fails a task that reads a value which is not JSON text, and goes on",
    run: async (stage) => {
      const connection = await stage.connection();
      for (const { name, text } of CONTEXT_TEXTS.filter(({ invalid }) => invalid)) {
        const given = stage.give(connection, "echo", {}, { input: { value: text } });
        const { kind } = await connection.nextOf(["complete", "fail"], given.id);
        must(kind === "fail", `"${name}" (${JSON.stringify(text)}) was taken`);
      }
      await stage.works(connection);
    },
  },
  {
    name: "oversize",
    rules: ["P10.1"],
    title: "fails a task with CONTEXT_TOO_LARGE in place of a patch over the limit",
    run: async (stage) => {
      const connection = await stage.connectionWith({ limits: { ...LIMITS, maxPatchBytes: 10_000 } });
      const fits = stage.give(connection, "large", { bytes: 9_000 });
      await connection.next("complete", fits.id);
      const given = stage.give(connection, "large", { bytes: 10_100 });
      const { kind, value } = await connection.nextOf(["complete", "fail"], given.id);
      must(kind === "fail" && "failure" in value, "a patch over max_patch_bytes came");
      same(value.failure?.code, "CONTEXT_TOO_LARGE", "code");
      await stage.works(connection);
    },
  },
  {
    name: "split",
    rules: ["P10.2"],
    title: "never makes a message larger than the limit, whatever is ready at once",
    run: async (stage) => {
      const connection = await stage.connection();
      const leases = Array.from({ length: 4 }, () => stage.lease("large", { bytes: 1_500_000 }));
      connection.say(...leases.map(({ fields }) => ({ case: "lease" as const, value: fields })));
      for (const { id } of leases) await connection.next("complete", id);
    },
  },
];

/** By value: Python writes 1e21 otherwise than JavaScript, and both are right. */
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return `not JSON: ${text}`;
  }
};

const digits = (text: string): string => text.replace(/\s/g, "");
