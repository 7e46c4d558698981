import { describe, expect, it } from "vitest";
import { handleRequest } from "./handle-parameter.js";

/** What the SDK reads is JavaScript: these are functions as compilers leave them, not types. */
function made(source: string): (...args: never[]) => unknown {
  return new Function(`return (${source});`)();
}

class Methods extends Object {
  #secret = 1;
  plain(_context: unknown, handle: unknown) {
    return [this.#secret, handle];
  }
  async asynchronous(_context: unknown, taskHandle: unknown) {
    await Promise.resolve();
    return [this.#secret, taskHandle];
  }
  static fixed(_context: unknown, handle: unknown) {
    return handle;
  }
  ["a b"](_context: unknown, handle: unknown) {
    return handle;
  }
  async async(_context: unknown, handle: unknown) {
    return handle;
  }
  get(_context: unknown, handle: unknown) {
    return handle;
  }
  without(_context: unknown) {
    return this.#secret;
  }
  override(context: unknown, handle: unknown) {
    return [super.toString(), context, handle];
  }
}

describe("handleRequest", () => {
  it.each([
    ["an arrow", "(context, handle) => {}"],
    ["an async arrow", "async (context, handle) => {}"],
    ["a function", "function (context, handle) {}"],
    ["a named async function", "async function load(context, handle) {}"],
    ["taskHandle", "(context, taskHandle) => {}"],
    ["task_handle", "(context, task_handle) => {}"],
    ["a default", "(context, handle = null) => {}"],
    ["a destructured context", "({ a, b: [c] }, handle) => {}"],
    ["a default of the context", "(context = { x: (1, 2) }, handle) => {}"],
    ["comments", "(context /* , other */, // and\n handle) => {}"],
    ["a third parameter that can do without", "(context, handle, more = 1, ...others) => {}"],
    ["a default that looks like parameters", "(context = (a, handle) => 1, taskHandle = '(') => {}"],
    ["a name that a compiler has numbered", "(context, handle2 = null) => {}"],
    ["a name that a bundler has numbered", "(context, taskHandle$1) => {}"],
    ["code that only a class can hold", "function (context, handle) { return new.target; }"],
  ])("is wanted: %s", (_name, source) => {
    expect(handleRequest(made(source))).toEqual({ kind: "wanted" });
  });

  it.each([
    ["no parameters", "() => {}"],
    ["a bare parameter", "context => {}"],
    ["one parameter", "async (context) => {}"],
    ["the name elsewhere", "(context) => { const handle = 1; return (context, handle); }"],
    ["a second parameter that can do without", "(context, retries = 3) => {}"],
    ["the rest of the arguments", "(...args) => {}"],
    ["the rest after the context", "(context, ...handle) => {}"],
    ["a pattern that can do without", "(context, { a } = {}) => {}"],
  ])("is not wanted: %s", (_name, source) => {
    expect(handleRequest(made(source))).toEqual({ kind: "unwanted" });
  });

  it.each([
    ["another name", "(context, h) => {}", 'the second parameter is named "h"'],
    ["nearly the name", "(context, handles) => {}", 'the second parameter is named "handles"'],
    ["another case", "(context, Handle) => {}", 'the second parameter is named "Handle"'],
    ["a pattern", "(context, { signal }) => {}", "the second parameter is a pattern and has no name"],
    ["the first parameter", "(handle) => {}", "the first parameter is named handle, but it is the context"],
  ])("is unclear: %s", (_name, source, message) => {
    const request = handleRequest(made(source));
    expect(request).toMatchObject({ kind: "unclear", message: expect.stringContaining(message) });
    expect(request).toMatchObject({
      message: expect.stringContaining(
        "name the second parameter handle, taskHandle or task_handle, or write the option handle: true or handle: false",
      ),
    });
  });

  it.each([
    ["after the handle", "(context, handle, more) => {}", 'parameter 3, named "more", would get no value'],
    ["after another", "(context, retries = 3, last) => {}", 'parameter 3, named "last", would get no value'],
    ["a fourth", "(context, handle, more = 1, last) => {}", 'parameter 4, named "last", would get no value'],
    ["a pattern", "(context, handle, { a }) => {}", "parameter 3 would get no value"],
  ])("is unfit, since nothing is passed for a parameter: %s", (_name, source, message) => {
    expect(handleRequest(made(source))).toEqual({
      kind: "unfit",
      message: `${message}: a task takes its context and, when it wants it, the handle; remove it, or give it a default`,
    });
  });

  it("is wanted also where the scope around it knows the name, which makes esbuild rename the parameter", () => {
    const handle = 5;
    expect(handleRequest((_context: unknown, handle: unknown) => handle)).toEqual({ kind: "wanted" });
    expect(handle).toBe(5);
  });

  it.each<[string, (...args: never[]) => unknown]>([
    ["a bound function", ((_context: unknown, handle: unknown) => handle).bind(null)],
    ["a native function", Math.max],
    ["a proxy", new Proxy((_context: unknown) => {}, {})],
  ])("is unreadable: %s", (_name, fn) => {
    expect(handleRequest(fn)).toMatchObject({
      kind: "unreadable",
      message: expect.stringContaining("the source of the function cannot be read"),
    });
  });

  it.each<[string, (...args: never[]) => unknown, string]>([
    ["plain, with a private field", Methods.prototype.plain, "wanted"],
    ["async", Methods.prototype.asynchronous, "wanted"],
    ["static", Methods.fixed, "wanted"],
    ["with a computed name", Methods.prototype["a b"], "wanted"],
    ["named async", Methods.prototype.async, "wanted"],
    ["named get", Methods.prototype.get, "wanted"],
    ["that uses super", Methods.prototype.override, "wanted"],
    ["without", Methods.prototype.without, "unwanted"],
  ])("reads a method: %s", (_name, method, kind) => {
    expect(handleRequest(method).kind).toBe(kind);
  });
});
