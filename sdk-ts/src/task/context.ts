import { brand, hasBrand } from "../errors/brand.js";
import {
  ContextConsumedError,
  ContextKeyExistsError,
  ContextKeyInvalidError,
  ContextKeyMissingError,
  ContextValueError,
} from "../errors/context-errors.js";
import { didYouMean, nearest } from "../errors/nearest.js";
import { type ContextState, keysOf, removeFrom, STATE, textOf } from "./context-state.js";
import type { JsonOnly, OpenKey, OpenValues, OrDefault, WithKey, WithoutKey } from "./context-types.js";
import { describeValue, isPlainObject } from "./describe-value.js";
import { encodedEntries } from "./encode-values.js";
import { contextKeyProblem } from "./names.js";
import { decodeValue, encodeValue } from "./value-codec.js";

/** Any context, whatever its values. */
export interface AnyContext {
  /** @internal */
  readonly [STATE]: ContextState;
}

/**
 * The keyed JSON data that flows along the graph. A task reads what came in and sets what goes on; only what it did itself is
 * sent back, and values that nobody reads travel as text.
 *
 * `T` is what is known about the values. `set` returns the same context with a type that knows the key:
 *
 * ```ts
 * async (context) => context.set("raw", [1, 2, 3]) // Context<{ raw: number[] }>
 * ```
 */
export class Context<out T = OpenValues> implements AnyContext {
  /** @internal */
  declare readonly [STATE]: ContextState;

  /**
   * A context with these values for its input.
   *
   * @throws ContextValueError when values are none of JSON, with all problems
   * @throws ContextKeyInvalidError when keys are empty, too long, reserved or not valid text
   */
  constructor(values?: T) {
    const state: ContextState = { base: new Map(encodedEntries(values ?? {})), changes: new Map() };
    Object.defineProperty(this, STATE, { value: state });
  }

  static {
    brand(Context, "Context");
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: `this` is the class on the right of instanceof
    return hasBrand(this, value);
  }

  /**
   * A context from what `toJSON` returned, or from the text of it.
   *
   * @throws ContextValueError when it is not an object of JSON values
   */
  static fromJSON<T = OpenValues>(json: T | string): Context<T> {
    const values = typeof json === "string" ? decodeValue(json, "") : json;
    if (isPlainObject(values)) return new Context<T>(values as T);
    throw new ContextValueError("CONTEXT_VALUE_INVALID", "$", `is ${describeValue(values)}; a context is an object`);
  }

  /**
   * The value of a key, a fresh copy each time: changing it changes nothing until it is `set`. Without a value it is undefined,
   * or the default.
   *
   * The context's type knows the keys that are there. For another key say its type or a default: `get<string>("day")`,
   * `get("retries", 3)`.
   *
   * @throws ContextValueError `CONTEXT_NUMBER_UNSAFE` when the value holds a number that JavaScript cannot hold
   */
  get<V = never>(key: OpenKey<V>): NoInfer<V> | undefined;
  get<K extends keyof T & string, D>(key: K, fallback: D): OrDefault<T[K], D>;
  get<D>(key: string, fallback: D): OrDefault<unknown, D>;
  get<K extends keyof T & string>(key: K): T[K];
  get(key: string, fallback?: unknown): unknown {
    const text = textOf(this[STATE], key);
    return text === undefined ? fallback : decodeValue(text, key);
  }

  /**
   * The value of a key that must be there, a fresh copy each time.
   *
   * @throws ContextKeyMissingError with the keys that are there
   * @throws ContextValueError as `get` does
   */
  require<V = never>(key: OpenKey<V>): NoInfer<V>;
  require<K extends keyof T & string>(key: K): Exclude<T[K], undefined>;
  require(key: string): unknown;
  require(key: string): unknown {
    const text = textOf(this[STATE], key);
    if (text === undefined) throw missing(this, key);
    return decodeValue(text, key);
  }

  /**
   * Sets a key, and returns this context. The value is written down at once: an error points here, and later changes of an
   * object that was passed have no effect.
   *
   * @throws ContextKeyInvalidError when the key is empty, too long, reserved or not valid text
   * @throws ContextValueError when the value is none of JSON
   * @throws ContextConsumedError when the task has ended; reading goes on to work
   */
  set<K extends string, V>(this: JsonOnly<V>, key: K, value: V): Context<WithKey<T, K, V>>;
  set(key: string, value: unknown): this {
    const { changes } = changeable(this, "set");
    changes.set(checked(key), encodeValue(value, key));
    return this;
  }

  /**
   * Sets a key that is not there yet, and returns this context.
   *
   * @throws ContextKeyExistsError when it is there
   * @throws ContextKeyInvalidError, ContextValueError, ContextConsumedError as `set` does
   */
  insert<K extends string, V>(this: JsonOnly<V>, key: K, value: V): Context<WithKey<T, K, V>>;
  insert(key: string, value: unknown): this {
    const { changes } = changeable(this, "insert");
    if (this.has(key)) throw new ContextKeyExistsError(key);
    changes.set(checked(key), encodeValue(value, key));
    return this;
  }

  /**
   * Sets a key that is there already, and returns this context.
   *
   * @throws ContextKeyMissingError when it is not there, with the keys that are
   * @throws ContextValueError, ContextConsumedError as `set` does
   */
  update<K extends string, V>(this: JsonOnly<V>, key: K, value: V): Context<WithKey<T, K, V>>;
  update(key: string, value: unknown): this {
    const { changes } = changeable(this, "update");
    if (!this.has(key)) throw missing(this, key);
    changes.set(key, encodeValue(value, key));
    return this;
  }

  /**
   * Removes a key, and returns this context. A key that is not there is fine.
   *
   * @throws ContextConsumedError as `set` does
   */
  remove<K extends string>(key: K): Context<WithoutKey<T, K>>;
  remove(key: string): this {
    removeFrom(changeable(this, "remove"), key);
    return this;
  }

  /** Whether a key is there. Its value may be null. */
  has(key: string): boolean {
    return textOf(this[STATE], key) !== undefined;
  }

  /** The keys that are there: those of the input, then those that were set since. */
  keys(): string[] {
    return keysOf(this[STATE]);
  }

  /**
   * All values, in a fresh object. `JSON.stringify(context)` calls it.
   *
   * @throws ContextValueError as `get` does
   */
  toJSON(): T {
    return Object.fromEntries(this.keys().map((key) => [key, this.require(key)])) as T;
  }

  /** What `console.log` shows in Node: the keys with the texts of their values. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const entries = this.keys().map((key) => `${JSON.stringify(key)}: ${textOf(this[STATE], key)}`);
    return entries.length === 0 ? "Context {}" : `Context { ${entries.join(", ")} }`;
  }
}

function missing(context: Context<unknown>, key: string): ContextKeyMissingError {
  const keys = context.keys();
  return new ContextKeyMissingError(key, keys, didYouMean(nearest(key, keys)));
}

function changeable(context: AnyContext, method: string): ContextState {
  const state = context[STATE];
  if (state.hasEnded === true) throw new ContextConsumedError(method);
  return state;
}

function checked(key: string): string {
  const problem = contextKeyProblem(key);
  if (problem !== null) throw new ContextKeyInvalidError(key, problem);
  return key;
}
