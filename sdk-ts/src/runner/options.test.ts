import { describe, expect, it } from "vitest";
import { OptionsError } from "../errors/index.js";
import { DefaultRunner } from "./default-runner.js";
import { checkDeferOptions } from "./defer-options.js";
import { Host } from "./host.js";

/** Path and message of each problem that `call` reports. */
function problemsOf(call: () => unknown): string[] {
  try {
    call();
  } catch (error) {
    if (error instanceof OptionsError) return error.problems.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}

/** Options as a program in JavaScript may write them. */
const loose = (options: unknown): never => options as never;

describe("options of a deferral", () => {
  it("are an interval of one second unless told otherwise; a number is the interval", () => {
    const poll = () => true;
    expect(checkDeferOptions(poll)).toEqual({ pollIntervalMs: 1_000, maxWaitMs: 0, describe: undefined });
    expect(checkDeferOptions(poll, 5)).toMatchObject({ pollIntervalMs: 5 });
    expect(checkDeferOptions(poll, { maxWaitMs: 10.2, pollIntervalMs: 1.5, describe: "rain" })).toEqual({
      pollIntervalMs: 2,
      maxWaitMs: 11,
      describe: "rain",
    });
  });

  it.each([
    [
      "a condition that was called already",
      true,
      1,
      ["condition: is the boolean true; pass a function that is called to ask"],
    ],
    ["an interval of 0", () => true, 0, ["pollIntervalMs: is the number 0; allowed are 1 to 2147483647 milliseconds"]],
    ["NaN", () => true, Number.NaN, ["pollIntervalMs: is the number NaN; allowed are 1 to 2147483647 milliseconds"]],
    [
      "everything at once",
      "file",
      { pollInterval: 5, maxWaitMs: -1, describe: "x".repeat(1_001) },
      [
        'condition: is the string "file"; pass a function that is called to ask',
        'pollInterval: "pollInterval" is not an option of a deferral; options are pollIntervalMs, maxWaitMs, describe; did you mean "pollIntervalMs"?',
        "maxWaitMs: is the number -1; allowed are 1 to 2147483647 milliseconds",
        "describe: has 1001 UTF-16 units; at most 1000 are allowed",
      ],
    ],
    ["null", () => true, null, [": the options are null; write an object with pollIntervalMs, maxWaitMs, describe"]],
  ])("refuse %s, all problems at once", (_name, condition, options, problems) => {
    expect(problemsOf(() => checkDeferOptions(condition, loose(options)))).toEqual(problems);
  });
});

describe("options of a host", () => {
  it("have defaults", () => {
    const { options } = new Host({ url: "grpc://scheduler:7233" });
    expect(options).toMatchObject({ slots: 10, maxLeases: 0, namespace: "", labels: {}, drainGraceMs: 10_000 });
    expect(options.hostId).toMatch(/^[A-Za-z_][A-Za-z0-9_.-]*-\d+$/);
  });

  it("are refused with all problems at once", () => {
    const wrong = {
      slot: 1,
      slots: 1.5,
      hostId: "4 hosts",
      labels: { a: 1, "": "b", c: "\ud800" },
      log: {},
      drainGraceMs: -1,
      maxLeases: "1",
    };
    expect(problemsOf(() => new Host(loose(wrong))).map((problem) => problem.replace(/[;,].*/, ""))).toEqual([
      'slot: "slot" is not an option of a host',
      "slots: is the number 1.5",
      'hostId: "4 hosts" starts with "4"',
      'labels["a"]: is the number 1',
      'labels[""]: the name is empty',
      'labels["c"]: holds a lone surrogate (half of a pair)',
      "log: is an object",
      "drainGraceMs: is the number -1",
      'maxLeases: is the string "1"',
      "url: is missing",
    ]);
  });

  it("are labels of text, so many bytes of them", () => {
    const url = "grpc://scheduler:7233";
    for (const [labels, problem] of [
      ["x", 'labels: is the string "x"; write an object whose values are text'],
      [{ é: "x".repeat(16_384) }, "labels: has 16386 bytes of names and texts; at most 16384 are allowed"],
    ]) {
      expect(problemsOf(() => new Host(loose({ url, labels })))).toEqual([problem]);
    }
    expect(new Host({ url, labels: { é: "x".repeat(16_382) } }).options.labels).toHaveProperty("é");
  });

  it.each(["http://scheduler:7233", "scheduler", "grpc://scheduler", "grpc://scheduler:65536", 7233])(
    "refuse the address %s",
    (url) => {
      expect(problemsOf(() => new Host(loose({ url })))).toEqual([
        expect.stringMatching(/^url: .*write grpc:\/\/host:port/),
      ]);
    },
  );

  it("take the namespace that is empty for the default one", () => {
    expect(new Host({ url: "grpc://scheduler:7233", namespace: "" }).options.namespace).toBe("");
  });
});

describe("options of host.run", () => {
  it("are refused with all problems at once, and the host does not run", async () => {
    const host = new Host({ url: "grpc://127.0.0.1:1" });
    const wrong = { signal: 5, handleSignal: true, handleSignals: "no" };
    const error: unknown = await host.run(loose(wrong)).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "OPTIONS_INVALID", message: expect.stringMatching(/^host\.run: 3 problems/) });
    expect((error as OptionsError).problems.map(({ message }) => message)).toEqual([
      "is the number 5; write an AbortSignal, such as the signal of an AbortController",
      '"handleSignal" is not an option of host.run; options are signal, handleSignals; did you mean "handleSignals"?',
      '"no" is not one of true, false',
    ]);
    await host.run({ signal: AbortSignal.abort(), handleSignals: false });
  });
});

describe("options of a runner", () => {
  it.each(["nope", "127.0.0.1", "localhost:65536", ":7233", "grpc://127.0.0.1:0", 7233])(
    "refuse to listen on %s, and say what would be right",
    (listen) => {
      expect(problemsOf(() => new DefaultRunner(loose({ url: "memory:", listen })))).toEqual([
        expect.stringMatching(
          /^listen: is the .*; write host:port, such as 127\.0\.0\.1:7233; port 0 takes a free one$/,
        ),
      ]);
    },
  );

  it.each(["127.0.0.1:0", "localhost:65535", "[::1]:7233", "[::ffff:127.0.0.1]:7233", "scheduler.internal:7233"])(
    "take %s to listen on, and to connect to",
    (listen) => {
      expect(problemsOf(() => new DefaultRunner({ url: "memory:", listen }))).toEqual([]);
      expect(problemsOf(() => new DefaultRunner(`grpc://${listen}`))).toEqual([]);
    },
  );

  it("are a url, or an object", () => {
    expect(new DefaultRunner("memory:").options).toEqual({ url: "memory:" });
    expect(problemsOf(() => new DefaultRunner({ url: "sqlite://runs.db", slots: 2, listen: "127.0.0.1:0" }))).toEqual(
      [],
    );
  });

  it.each(["runs.db:1", "postgres://db", "", undefined])("refuse the url %s, and say what would be right", (url) => {
    const forms = "write memory:, sqlite://<path>, grpc://host:port or grpcs://host:port";
    expect(problemsOf(() => new DefaultRunner(loose({ url })))).toEqual([expect.stringContaining(forms)]);
  });
});

it("P1: hosts of one process that say no name have different ones", () => {
  const url = "grpc://127.0.0.1:1";
  const [one, two] = [new Host({ url }), new Host({ url })].map(({ options }) => options.hostId);
  expect(one).toContain(String(process.pid));
  expect(two).toContain(String(process.pid));
  expect(one).not.toBe(two);
});
