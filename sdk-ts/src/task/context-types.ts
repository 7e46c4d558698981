/** The values of a context about which nothing is known: any key may be there, with any value. */
export interface OpenValues {
  [key: string]: unknown;
}

/** The values of a context of which no key is known. */
// biome-ignore lint/complexity/noBannedTypes: the one type that disappears in an intersection, so that `{} & { raw: … }` reads `{ raw: … }`
export type NoValues = {};

// What flows along the graph must stay flat: object types made from object types that were made from object types nest until
// the compiler gives up (measured: at some 50 tasks). So, where keys do not meet, types are intersections, which TypeScript
// keeps flat itself. Where they meet, they are taken apart to a union of entries and put together anew. Measured: a chain of
// 200 tasks takes about 1.5 s to compile, one of 500 about 8 s. Nothing here has a constraint that the compiler would check
// against a whole graph's values each time.

/** A key of a context and the type of its value. */
export type Entry<K, V> = readonly [key: K, value: V];

/** Any entry. */
export type AnyEntry = Entry<PropertyKey, unknown>;

/** The object type with these entries; a key with two of them has a union. `& {}` makes the compiler show the object. */
export type Values<E extends AnyEntry> = { [X in E as X[0]]: X[1] } & {};

/** The same, with keys that may be missing. */
export type PartialValues<E extends AnyEntry> = { [X in E as X[0]]?: X[1] | undefined } & {};

/** The entries of an object type; of a union of them (a task that returns this or that) with undefined where a key lacks. */
export type Entries<U> = [AllKeys<U>] extends [keyof U] ? EvenEntries<U, keyof U> : UnevenEntries<U, AllKeys<U>>;

// `Keys` comes in as an argument, since `keyof` of a mapped type is worked out anew each time.
type EvenEntries<U, Keys extends keyof U> = { [K in Keys]-?: Entry<K, U[K]> }[Keys];

type UnevenEntries<U, Keys extends PropertyKey> = {
  [K in Keys]-?: Entry<K, U extends unknown ? (K extends keyof U ? U[K] : undefined) : never>;
}[Keys];

type AllKeys<U> = U extends unknown ? keyof U : never;

/** `T`, with the keys of `P` set to the values of `P`. Keys that are known only at run time replace none. */
export type Overlay<T, P> = [keyof T & keyof P] extends [never]
  ? T & P
  : string extends keyof P
    ? Values<Entries<T> | Entries<P>>
    : Values<Exclude<Entries<T>, Entry<keyof P, unknown>> | Entries<P>>;

/** `T` with key `K` set to a `V`. A key that is known only at run time changes no type. */
export type WithKey<T, K extends string, V> = string extends K
  ? T
  : K extends keyof T
    ? Values<Exclude<Entries<T>, Entry<K, unknown>> | Entry<K, V>>
    : T & { [P in K]: V };

/** `T` without key `K`. A key that is known only at run time changes no type. */
export type WithoutKey<T, K extends string> = string extends K
  ? T
  : K extends keyof T
    ? Values<Exclude<Entries<T>, Entry<K, unknown>>>
    : T;

/**
 * The type of a key that the context's type does not name. Only a type argument opens it, as in `get<string>("day")`: without
 * one it is `never`, which no key is.
 */
export type OpenKey<V> = [V] extends [never] ? never : string;

/** The default `0` stands for a number, not for zero. */
type Widened<D> = D extends string ? string : D extends number ? number : D extends boolean ? boolean : D;

/** What `get` with a default returns for a key with a value of type `V`. */
export type OrDefault<V, D> = unknown extends V ? Widened<D> : Exclude<V, undefined> | Widened<D>;

/** Of these one sees without running anything that JSON has no place for them. */
type NotJson =
  | undefined
  | bigint
  | symbol
  | ((...args: never[]) => unknown)
  | Date
  | RegExp
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | PromiseLike<unknown>;

/** What the compiler names where a value is refused. */
export interface ValueIsNoneOfJson {
  readonly valueIsNoneOfJson: never;
}

/**
 * What `this` must be for a method to take a `V`: no context, where no value of that type is one of JSON. Asked of `this`, not
 * of the parameter, so that `set("n", 1)` has a number, not the literal 1. The codec, which sees the value itself, is the judge.
 */
export type JsonOnly<V> = [V] extends [NotJson] ? ValueIsNoneOfJson : unknown;
