import { describe, expect, it } from "vitest";
import { plainTask, plainWorkflow } from "../fakes/plain-workflow.js";
import { CodeBook } from "./code-book.js";

const work = (task: string, fn = () => {}) => plainWorkflow("work", { [task]: fn });

/** What the book finds for tasks of `work`, by version. */
const found = (book: CodeBook, workflowVersion: string, task: string) =>
  book.find({ workflow: "work", workflowVersion, task })?.fn ?? null;

describe("CodeBook (P13)", () => {
  it("finds for each version the code that came with it, and no other", () => {
    const book = new CodeBook();
    const [one, two] = [() => {}, () => {}];
    const first = book.bring(work("a", one)).brought;
    const second = book.bring(work("a", two)).brought;
    book.registered([first.wire], [{ name: "work", version: "v1" }]);
    book.registered([second.wire], [{ name: "work", version: "v2" }]);
    expect([found(book, "v1", "a"), found(book, "v2", "a"), found(book, "v3", "a")]).toEqual([one, two, null]);
    expect(found(book, "v1", "b")).toBeNull();
  });

  it("gives a task that it implements to any version, after an exact one", () => {
    const book = new CodeBook();
    const [own, any] = [() => {}, () => {}];
    const { brought } = book.bring(work("a", own));
    book.registered([brought.wire], [{ name: "work", version: "v1" }]);
    book.implement("work", plainTask("a", any));
    book.implement("work", plainTask("b", any));
    expect([found(book, "v1", "a"), found(book, "v2", "a"), found(book, "v1", "b")]).toEqual([own, any, any]);
    expect(book.offer().implementations).toEqual([
      { workflow: "work", tasks: [], anyVersion: false },
      { workflow: "work", tasks: ["a", "b"], anyVersion: true },
    ]);
  });

  it("knows a workflow that comes twice, and lets newer code of the same graph take over", () => {
    const book = new CodeBook();
    const [one, two] = [() => {}, () => {}];
    const workflow = work("a", one);
    const { brought } = book.bring(workflow);
    expect(book.bring(workflow)).toEqual({ brought, isNew: false });
    const { brought: again } = book.bring(work("a", two));
    for (const { wire } of [brought, again]) book.registered([wire], [{ name: "work", version: "v1" }]);
    expect(found(book, "v1", "a")).toBe(two);
    expect(book.offer().definitions).toEqual([again.wire]);
    expect(book.missingIn([again.wire])).toEqual([]);
  });

  it("takes the one that has no answer yet for a version that it does not know; of two it guesses none", () => {
    const book = new CodeBook();
    const [one, two] = [() => {}, () => {}];
    const first = book.bring(work("a", one)).brought;
    expect(found(book, "v1", "a")).toBe(one);
    const second = book.bring(work("a", two)).brought;
    expect(found(book, "v1", "a")).toBeNull();
    book.registered([first.wire], [{ name: "work", version: "v1" }]);
    expect([found(book, "v1", "a"), found(book, "v2", "a")]).toEqual([one, two]);
    book.registered([second.wire], [{ name: "work", version: "v2" }]);
    expect(found(book, "v3", "a")).toBeNull();
  });

  it("says the oldest of each name in a Hello, which can name it once; the others are missing, in their order", () => {
    const book = new CodeBook();
    const [first, second, third] = [work("a"), work("b"), work("c")].map((w) => book.bring(w).brought);
    const other = book.bring(plainWorkflow("other", {})).brought;
    expect(book.offer().definitions).toEqual([first?.wire, other.wire]);
    expect(book.missingIn(book.offer().definitions)).toEqual([second, third]);
  });

  it("keeps out of a Hello what came late, until it is registered: one refusal would break the whole of it", () => {
    const book = new CodeBook();
    const { brought } = book.bring(work("a"), true);
    expect(book.offer()).toEqual({ definitions: [], implementations: [] });
    expect(book.missingIn([])).toEqual([brought]);
    book.registered([brought.wire], [{ name: "work", version: "v1" }]);
    expect(book.offer().definitions).toEqual([brought.wire]);
  });

  it("keeps out of a Hello what is too large for a message, with all of its name, so that none overtakes it (P10)", () => {
    const book = new CodeBook();
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`${n}`.padStart(90, "t"), () => {}]));
    const large = book.bring(plainWorkflow("work", many)).brought;
    const small = book.bring(work("a")).brought;
    const other = book.bring(plainWorkflow("other", {})).brought;
    const { definitions, implementations } = book.offer(2_000);
    expect(definitions).toEqual([other.wire]);
    expect(implementations.map(({ workflow }) => workflow)).toEqual(["other"]);
    expect(book.missingIn(definitions)).toEqual([large, small]);
    expect(book.offer(20_000).definitions).toEqual([large.wire, other.wire]);
  });

  it("forgets what the scheduler did not take, and brings it anew when it comes again", () => {
    const book = new CodeBook();
    const workflow = work("a");
    const { brought } = book.bring(workflow);
    book.drop(brought);
    expect(found(book, "v1", "a")).toBeNull();
    expect(book.bring(workflow).isNew).toBe(true);
  });

  it("tells those who wait that the host has ended", async () => {
    const book = new CodeBook();
    const { brought } = book.bring(work("a"));
    book.end(new Error("over"));
    await expect(brought.registered).rejects.toThrow("over");
  });
});
