// Classes with decorated methods. tsc checks them as standard decorators and decorators.test.ts as legacy ones; it runs both.
import { Context, noHandle, type TaskDecorator, type TaskHandle, type TaskInfo, task } from "./index.js";

export class Etl {
  readonly seen: unknown[] = [];
  #secret = "private";

  constructor(readonly source: string) {}

  @task({
    id: "fetch_data",
    timeoutMs: 1000,
    onSuccess(this: Etl, id: string, context: Context, info: TaskInfo) {
      this.seen.push(["success", id, context.keys(), info.attempt]);
    },
  })
  async fetchData(context: Context) {
    this.seen.push("fetchData");
    return context.set("raw", [this.source, this.#secret]);
  }

  @task({
    dependencies: (self: Etl) => [self.fetchData],
    onFailure(this: Etl, id, error) {
      this.seen.push(["failure", id, `${error}`]);
    },
  })
  async waitForFile(context: Context, handle: TaskHandle) {
    const found = await handle.deferUntil(() => this.source, 1000);
    context.set("found", found);
  }

  @task({ dependencies: ["fetch_data", "waitForFile"], handle: false })
  report(context: Context<{ found: string }>) {
    return { report: `found ${context.get("found")}` };
  }

  /** Not a task. */
  helper(): string {
    return this.#secret;
  }
}

export class Base {
  readonly log: string[] = [];

  @task({ timeoutMs: 5 })
  first(_context: Context): void {
    this.log.push("base first");
  }

  @task({ dependencies: (self: Base) => [self.first] })
  second(_context: Context, handle: TaskHandle): void {
    this.log.push(`base second ${handle === noHandle}`);
  }

  @task({ dependencies: (self: Base) => [self.second] })
  third(_context: Context): void {
    this.log.push("base third");
  }
}

export class Derived extends Base {
  /** Not decorated: the options of the base stay. */
  override second(context: Context, handle: TaskHandle): void {
    super.second(context, handle);
    this.log.push("derived second");
  }

  @task({ id: "third_again", dependencies: [Base.prototype.second] })
  override third(context: Context): void {
    super.third(context);
    this.log.push("derived third");
  }

  @task({ dependencies: (self: Derived) => [self.third] })
  fourth(_context: Context): void {
    this.log.push("derived fourth");
  }
}

/** A decorator of somebody else, of either kind: wraps the method in one that takes any arguments. */
const logged: TaskDecorator = (...args: readonly unknown[]) => {
  const [method, , descriptor] = args;
  const wrap = (inner: unknown) =>
    function (this: Wrapped, ...rest: unknown[]): unknown {
      this.log.push("wrapped");
      return Reflect.apply(inner as () => unknown, this, rest);
    };
  if (descriptor === undefined) return wrap(method) as unknown as undefined;
  const legacy = descriptor as PropertyDescriptor;
  legacy.value = wrap(legacy.value);
  return undefined;
};

export class Wrapped {
  readonly log: string[] = [];

  @logged
  @task()
  outside(_context: Context, handle: TaskHandle): void {
    this.log.push(`outside ${handle === noHandle}`);
  }

  @task({ handle: true, dependencies: (self: Wrapped) => [self.outside] })
  @logged
  inside(_context: Context, handle: TaskHandle): void {
    this.log.push(`inside ${handle === noHandle}`);
  }
}

// biome-ignore lint/complexity/noStaticOnlyClass: static methods can be tasks
export class Statics {
  static readonly log: string[] = [];

  @task()
  static load(_context: Context): void {
    // biome-ignore lint/complexity/noThisInStatic: what `this` is, is what is tested
    Statics.log.push(`load ${this === Statics}`);
  }
}

// The decorated thing stays callable as it was.
export async function callDirectly(etl: Etl): Promise<unknown> {
  const context = await etl.fetchData(new Context());
  etl.report(new Context({ found: "x" }));
  // @ts-expect-error this method does not allow null for its handle
  await etl.waitForFile(context, null).catch(() => {});
  return etl.waitForFile(context, noHandle);
}

export class Refused {
  // @ts-expect-error an unknown option
  @task({ retry: 3 })
  unknownOption(_context: Context) {}

  // @ts-expect-error a task returns its context, nothing or a plain object
  @task()
  wrongResult(_context: Context) {
    return [1];
  }

  // @ts-expect-error a task has a context and a handle
  @task()
  wrongParameters(_context: string) {}

  // @ts-expect-error only methods are tasks
  field = task()(() => {});
}
