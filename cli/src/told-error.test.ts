import { ConnectionError, RemoteError } from "@cloaca/sdk/client";
import { describe, expect, it } from "vitest";
import { CommandError } from "./command-error.js";
import { Session } from "./session.js";
import { toCommandError } from "./told-error.js";

const told = (error: unknown) => {
  const { exitCode, code, message, hints } = toCommandError(error);
  return { exitCode, code, message, next: hints.map(({ command }) => command) };
};

describe("what a command says when it fails", () => {
  it("when the scheduler refuses: its code and words, and what helps", () => {
    expect(told(new RemoteError("WORKFLOW_NOT_FOUND", "no workflow", { status: "NOT_FOUND" }))).toEqual({
      exitCode: 3,
      code: "WORKFLOW_NOT_FOUND",
      message: "no workflow",
      next: ["cloaca workflows"],
    });
    expect(told(new RemoteError("A_NEW_CODE", "x")).next).toEqual(["cloaca status"]);
  });

  it("when no scheduler answers, or one that is about to go", () => {
    const refused = new ConnectionError(
      "h:1",
      "No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1",
    );
    expect(told(refused)).toEqual({
      exitCode: 4,
      code: "CONNECTION_FAILED",
      message: "no scheduler answers at h:1 (connection refused)",
      next: ["cloaca server", "cloaca --address <host:port>"],
    });
    expect(told(new RemoteError("DRAINING", "later", { status: "UNAVAILABLE" })).exitCode).toBe(4);
    expect(told(new RemoteError("DEADLINE_EXCEEDED", "late", { status: "DEADLINE_EXCEEDED" })).exitCode).toBe(4);
  });

  it("when it is itself wrong: where, for whoever mends it", () => {
    const { exitCode, code, message } = told(new TypeError("undefined is no function"));
    expect([exitCode, code]).toEqual([1, "INTERNAL"]);
    expect(message).toMatch(/defect of the command: TypeError: undefined is no function\n +at /);
  });

  it("names the command's help for a wrong command line", () => {
    expect(told(CommandError.usage("no", "run")).next).toEqual(["cloaca run --help"]);
    expect(told(CommandError.usage("no", "")).next).toEqual(["cloaca --help"]);
  });
});

describe("a session", () => {
  const settings = { address: "h:1", namespace: "x", isJson: false, mayColour: true, flags: ["--address", "h:1"] };
  const sink = () => {
    const written: string[] = [];
    return { written, write: (text: string) => written.push(text) };
  };

  it("repeats in what it proposes which scheduler is meant, where that makes sense", () => {
    const session = new Session(settings, { out: sink(), err: sink(), env: {} });
    expect(session.command("cloaca runs")).toBe("cloaca runs --address h:1");
    for (const text of ["cloaca server", "cloaca run --help", "cloaca --version"])
      expect(session.command(text)).toBe(text);
  });

  it("tells errors in lines, or as one JSON object", () => {
    const error = new RemoteError("RUN_NOT_FOUND", "no run\nat all");
    const [err, json] = [sink(), sink()];
    new Session(settings, { out: sink(), err, env: {} }).report(toCommandError(error));
    expect(err.written.join("")).toBe(
      "error: RUN_NOT_FOUND: no run\n  at all\n  cloaca runs --address h:1   see the runs that there are\n",
    );
    new Session({ ...settings, isJson: true }, { out: sink(), err: json, env: {} }).report(toCommandError(error));
    expect(JSON.parse(json.written.join(""))).toEqual({
      error: {
        code: "RUN_NOT_FOUND",
        message: "no run\nat all",
        exitCode: 3,
        next: [{ what: "see the runs that there are", command: "cloaca runs --address h:1" }],
      },
    });
  });
});
