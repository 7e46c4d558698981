// Type tests: tsc checks this file, nothing runs it.
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { ErrorRecord } from "../errors/index.js";
import {
  Context,
  noHandle,
  type OpenValues,
  type RuleLike,
  rule,
  type TaskHandle,
  task,
  WorkflowBuilder,
  type WorkflowDefinition,
  workflow,
} from "./index.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_Holds extends true>(): void {}

declare function findFile(): string | undefined;

// The example of the design.
export const etl = workflow("etl", ({ task }) => {
  const fetchData = task({ id: "fetch_data" }, async (context) => context.set("raw", [1, 2, 3]));
  const waitForFile = task({ id: "wait_for_file", dependencies: [fetchData] }, async (context, handle) => {
    const file = await handle.deferUntil(() => findFile(), 1000);
    is<Equal<typeof file, string>>();
    return { file, n: context.get("raw").length };
  });
  task({ id: "report", dependencies: [waitForFile] }, async (context) => {
    const raw = context.get("raw");
    const file = context.get("file");
    const n = context.require("n");
    is<Equal<[typeof raw, typeof file, typeof n], [number[], string, number]>>();
    // @ts-expect-error no task before this one sets it
    context.get("typo");
  });
});
is<Equal<typeof etl, WorkflowDefinition<OpenValues>>>();

// The open doors.
workflow("doors", ({ task }) => {
  task({ id: "a" }, (context) => {
    const day = context.get<string>("day");
    const retries = context.get("retries", 3);
    const flag = context.get("flag", false);
    const list = context.get("list", ["a"]);
    const required = context.require<{ x: number }>("point");
    const unknown = context.require("other");
    is<
      Equal<[typeof day, typeof retries, typeof flag, typeof list], [string | undefined, number, boolean, string[]]>
    >();
    is<Equal<[typeof required, typeof unknown], [{ x: number }, unknown]>>();
    // @ts-expect-error nothing is known of the input
    context.get("day");
  });
});

// What a task sets within itself is known at once, and a key that it removed is gone.
workflow("within", ({ task }) => {
  const a = task({ id: "a" }, (context) => {
    const set = context.set("n", 1).set("s", "x").insert("b", true);
    const [n, s, b] = [set.get("n"), set.get("s"), set.get("b")];
    is<Equal<[typeof n, typeof s, typeof b], [number, string, boolean]>>();
    // @ts-expect-error removed
    set.remove("s").get("s");
    return set.remove("s").update("n", "now a string");
  });
  task({ id: "b", dependencies: [a] }, (context) => {
    const n = context.get("n");
    const b = context.get("b");
    is<Equal<[typeof n, typeof b], [string, boolean]>>();
    // @ts-expect-error removed before
    context.get("s");
  });
});

// Branches: everything is there, and a key of two is a union.
workflow("branches", ({ task }) => {
  const start = task({ id: "start" }, () => ({ raw: [1], x: null }));
  const left = task({ id: "left", dependencies: [start] }, () => ({ x: 1, l: true }));
  const right = task({ id: "right", dependencies: [start] }, () => ({ x: "one", r: true }));
  const nothing = task({ id: "nothing", dependencies: [start] }, async () => {});
  task({ id: "join", dependencies: [left, right] }, (context) => {
    const [x, l, r, raw] = [context.get("x"), context.get("l"), context.get("r"), context.get("raw")];
    is<Equal<[typeof x, typeof l, typeof r, typeof raw], [number | string, boolean, boolean, number[]]>>();
  });
  task({ id: "same", dependencies: [start, nothing] }, (context) => {
    const x = context.get("x");
    is<Equal<typeof x, null>>();
  });
});

// Results: this or that, nothing, another context, an error.
workflow("results", ({ task }) => {
  const either = task({ id: "either" }, async () => (Math.random() > 0.5 ? { a: 1 } : { b: "x" }));
  task({ id: "after_either", dependencies: [either] }, (context) => {
    const [a, b] = [context.get("a"), context.get("b")];
    is<Equal<[typeof a, typeof b], [number | undefined, string | undefined]>>();
  });
  const maybe = task({ id: "maybe", dependencies: [either] }, async (context) => {
    if (context.get("a") === undefined) return;
    return { c: true };
  });
  task({ id: "after_maybe", dependencies: [maybe] }, (context) => {
    const c = context.get("c");
    is<Equal<typeof c, boolean | undefined>>();
  });
  const other = task({ id: "other", dependencies: [either] }, () => new Context({ only: 1 }));
  task({ id: "after_other", dependencies: [other] }, (context) => {
    const only = context.get("only");
    is<Equal<typeof only, number>>();
    // @ts-expect-error another context replaces what was there
    context.get("a");
  });
  const fails = task({ id: "fails", dependencies: [other] }, () => {
    throw new Error("always");
  });
  task({ id: "after_fails", dependencies: [fails] }, (context) => {
    const only = context.get("only");
    is<Equal<typeof only, number>>();
  });
  const record = task({ id: "record" }, async (): Promise<Record<string, number>> => ({}));
  task({ id: "after_record", dependencies: [record] }, (context) => {
    const any = context.get("any");
    is<Equal<typeof any, number>>();
  });
  // @ts-expect-error an array is no result
  task({ id: "array" }, () => [1]);
  // @ts-expect-error a string is no result
  task({ id: "string" }, async () => "done");
  // @ts-expect-error a Map is no result
  task({ id: "map" }, () => new Map());
  // @ts-expect-error a Date is no result
  task({ id: "date" }, () => new Date());
  // @ts-expect-error a function is no result
  task({ id: "function" }, () => () => {});
});

// Ids open the context; known tasks beside them stay known.
workflow("ids", ({ task }) => {
  const known = task({ id: "known" }, () => ({ n: 1 }));
  task({ id: "by_id", dependencies: ["known"] }, (context) => {
    const anything = context.get("anything");
    is<Equal<typeof anything, unknown>>();
  });
  const both = task({ id: "both", dependencies: ["other", known] }, (context) => {
    const [anything, n] = [context.get("anything"), context.get("n")];
    is<Equal<[typeof anything, typeof n], [unknown, number]>>();
    return { m: 1 };
  });
  task({ id: "after", dependencies: [both] }, (context) => {
    const [anything, m] = [context.get("anything"), context.get("m")];
    is<Equal<[typeof anything, typeof m], [unknown, number]>>();
  });
  const many = [1, 2, 3].map((n) => task({ id: `part_${n}` }, () => ({ part: n })));
  task({ id: "join", dependencies: many }, (context) => {
    const part = context.get("part");
    is<Equal<typeof part, number | undefined>>();
  });
});

// Values: what JSON has no place for is refused where one can see it.
{
  const context = new Context();
  context.set("ok", { a: [1, "x", null, { b: true }] });
  context.set("unknown", JSON.parse("1") as unknown);
  // @ts-expect-error a Date
  context.set("at", new Date());
  // @ts-expect-error undefined
  context.set("nothing", undefined);
  // @ts-expect-error a bigint
  context.set("big", 1n);
  // @ts-expect-error a Map
  context.set("map", new Map());
  // @ts-expect-error a promise
  context.insert("later", Promise.resolve(1));
  // @ts-expect-error a function
  context.update("fn", () => {});
}

// Input: by name, or by a schema.
{
  const named = workflow<{ day: string; n?: number }>("named", ({ task }) => {
    const a = task({ id: "a" }, (context) => {
      const [day, n] = [context.get("day"), context.get("n")];
      is<Equal<[typeof day, typeof n], [string, number | undefined]>>();
      return { a: 1 };
    });
    task({ id: "b", dependencies: [a] }, (context) => {
      const day = context.get("day");
      is<Equal<typeof day, string>>();
    });
  });
  is<Equal<typeof named, WorkflowDefinition<{ day: string; n?: number }>>>();

  const described = workflow<{ day: string }>("described", { description: "x", tags: { a: "b" } }, ({ task }) => {
    task({ id: "a" }, (context) => {
      is<Equal<ReturnType<typeof day>, string>>();
      function day() {
        return context.get("day");
      }
    });
  });
  is<Equal<typeof described, WorkflowDefinition<{ day: string }>>>();

  const schema = {} as StandardSchemaV1<{ day?: string }, { day: string }>;
  const checked = workflow("checked", { input: schema, description: "With a schema" }, ({ task }) => {
    task({ id: "a" }, (context) => {
      const day = context.get("day");
      is<Equal<typeof day, string>>();
      // @ts-expect-error the schema does not know it
      context.get("typo");
    });
  });
  is<Equal<typeof checked, WorkflowDefinition<{ day?: string }>>>();
  const built = new WorkflowBuilder("built").input(schema).build();
  is<Equal<typeof built, WorkflowDefinition<{ day?: string }>>>();

  interface Input {
    readonly day: string;
  }
  const every: WorkflowDefinition[] = [etl, named, checked, built, workflow<Input>("interface", () => {})];
  const open: WorkflowDefinition<OpenValues> = etl;
  void [every, open];

  // @ts-expect-error an unknown option
  workflow("wrong", { descriptoin: "x" }, () => {});
}

// Under a trigger rule that also holds after a failure or a skip, what dependencies set may be missing.
workflow<{ day: string }>("rules", ({ task }) => {
  const first = task({ id: "first", triggerRule: "always" }, (context) => {
    const day = context.get("day");
    is<Equal<typeof day, string>>();
    return { n: 1 };
  });
  const second = task({ id: "second", dependencies: [first] }, () => ({ s: "x" }));
  const always = task({ id: "always", dependencies: [first, second], triggerRule: "always" }, (context) => {
    const [n, s, day] = [context.get("n"), context.get("s"), context.get("day")];
    is<Equal<[typeof n, typeof s, typeof day], [number | undefined, string | undefined, string | undefined]>>();
    const [sure, required] = [context.get("n", 0), context.require("s")];
    is<Equal<[typeof sure, typeof required], [number, string]>>();
    // @ts-expect-error no task before this one sets it
    context.get("typo");
    return { own: true };
  });
  task({ id: "after", dependencies: [always] }, (context) => {
    const [n, own] = [context.get("n"), context.get("own")];
    is<Equal<[typeof n, typeof own], [number | undefined, boolean]>>();
  });
  const partial = [
    rule.always(),
    rule.failed(first),
    rule.any("all_success", rule.skipped("second")),
    rule.all(rule.always(), rule.contextValue("n", "greater", 3)),
    rule.all(...([] as RuleLike[])),
  ] as const;
  task({ id: "a", dependencies: [second], triggerRule: partial[0] }, missing);
  task({ id: "b", dependencies: [second], triggerRule: partial[1] }, missing);
  task({ id: "c", dependencies: [second], triggerRule: partial[2] }, missing);
  task({ id: "d", dependencies: [second], triggerRule: partial[3] }, missing);
  task({ id: "e", dependencies: [second], triggerRule: partial[4] }, missing);
  task({ id: "f", dependencies: [second], triggerRule: partial[0] as RuleLike }, missing);
  function missing(context: Context<{ n?: number | undefined; s?: string | undefined }>): void {
    const s = context.get("s");
    is<Equal<typeof s, string | undefined>>();
  }
  // @ts-expect-error it needs what may be missing
  task({ id: "g", dependencies: [second], triggerRule: "always" }, whole);
  task({ id: "h", dependencies: [second], triggerRule: "all_success" }, whole);
  task({ id: "i", dependencies: [second], triggerRule: rule.allSuccess() }, whole);
  task({ id: "j", dependencies: [second], triggerRule: undefined }, whole);
  const both = rule.all(rule.contextValue("n", "greater", 3), rule.all("all_success"));
  task({ id: "k", dependencies: [second], triggerRule: both }, whole);
  function whole(context: Context<{ n: number; s: string }>): void {
    context.get("s").trim();
  }
  // @ts-expect-error no rule has this name
  task({ id: "l", triggerRule: "all_failed" }, () => {});
  // @ts-expect-error no operator has this name
  rule.contextValue("n", "more", 3);
  // @ts-expect-error there is nothing to compare with
  rule.contextValue("n", "equals");
  // @ts-expect-error it takes no value
  rule.contextValue("n", "exists", 3);
  // @ts-expect-error numbers and strings have an order
  rule.contextValue("n", "less", [3]);
  // @ts-expect-error a task has an id, or is one
  rule.failed(3);
});

// Tasks outside of a scope, and what can be said of them.
{
  const a = task({ id: "a", timeoutMs: 5, handle: true }, async () => ({ n: 1 }));
  const b = task({ id: "b", dependencies: [a, "c"], onSuccess: (id, context, info) => [id, context, info] }, () => {});
  new WorkflowBuilder("etl")
    .description("x")
    .tag("team", "data")
    .addTask(a)
    .addTask(b)
    .addTask({ id: "c", dependencies: ["a"] }, async (context: Context, handle: TaskHandle) => {
      await handle.checkpoint();
      return { m: context.get("n") };
    })
    .build();
  // @ts-expect-error an unknown option
  task({ id: "a", retries: 3 }, () => {});
  task(
    {
      id: "a",
      retryAttempts: 3,
      retryBackoff: "linear",
      retryDelayMs: 5,
      retryMaxDelayMs: 50,
      retryCondition: "transient",
      retryJitter: false,
      onRetry: (id, error, context, info) => {
        is<Equal<[typeof id, typeof error, typeof context], [string, ErrorRecord, Context]>>();
        is<Equal<[typeof info.delayMs, typeof info.nextAttempt, typeof info.attempt], [number, number, number]>>();
      },
    },
    () => {},
  );
  // @ts-expect-error no backoff has this name
  task({ id: "a", retryBackoff: "expo" }, () => {});
  // @ts-expect-error no condition has this name
  task({ id: "a", retryCondition: "some" }, () => {});
  // @ts-expect-error milliseconds are a number
  task({ id: "a", timeoutMs: "5s" }, () => {});
  // @ts-expect-error a function is no dependency: make it a task
  task({ id: "a", dependencies: [() => {}] }, () => {});
  // @ts-expect-error addTask takes tasks
  new WorkflowBuilder("etl").addTask(() => {});
}

// A task in function form stays callable, in a test for example.
{
  const plain = task({ id: "a" }, (context) => context.set("n", 1));
  const n = plain(new Context<Record<never, never>>()).get("n");
  is<Equal<typeof n, number>>();
  const waits = task({ id: "b", dependencies: [plain] }, async (context, handle) => {
    await handle.deferUntil(() => true);
    return { m: context.get("n") };
  });
  void waits(new Context({ n: 1 }), noHandle);
  void waits(new Context({ n: 1 }), null);
  // @ts-expect-error its context lacks what the task before sets
  void waits(new Context({ m: 1 }));
}

// What a condition returns while it does not hold, does not come out.
export async function truthy(handle: TaskHandle): Promise<void> {
  const a = await handle.deferUntil(() => Promise.resolve<{ x: 1 } | null | undefined>(null));
  const b = await handle.deferUntil(() => [1][0] ?? (0 as const), { pollIntervalMs: 5, maxWaitMs: 10, describe: "x" });
  const c = await handle.deferUntil(async () => Math.random() > 0.5);
  is<Equal<[typeof a, typeof b, typeof c], [{ x: 1 }, number, true]>>();
  // @ts-expect-error an unknown option
  await handle.deferUntil(() => true, { poll: 5 });
}

// Contexts that know less take those that know more.
{
  const take = (context: Context<{ a: number }>): number => context.get("a");
  take(new Context({ a: 1, b: 2 }));
  take(new Context().set("a", 1));
  // @ts-expect-error a is a string there
  take(new Context({ a: "x" }));
  const open: Context = new Context({ a: 1 });
  void open;
}
