/** The values of a context about which nothing is known: any key may be there, with any value. */
export interface OpenValues {
  [key: string]: unknown;
}

/** `T`, with the keys of `P` set to the values of `P`. */
export type Overlay<T extends object, P extends object> = string extends keyof P
  ? T & P
  : [keyof T & keyof P] extends [never]
    ? T & P // The usual case stays a flat intersection, which the compiler handles cheaply.
    : Replace<T, P>;

type Replace<T extends object, P extends object> = { [K in Exclude<keyof T, keyof P>]: T[K] } & P;

/** `T` with key `K` set to a `V`. A key that is only known at run time changes no type. */
export type WithKey<T extends object, K extends string, V> = string extends K ? T : Overlay<T, { [P in K]: V }>;

/** `T` without key `K`. */
export type WithoutKey<T extends object, K extends string> = string extends K
  ? T
  : string extends keyof T
    ? T
    : { [P in Exclude<keyof T, K>]: T[P] };

/**
 * The type of a key that is not in the context's type: only a type argument opens it, as in `get<string>("day")`. Without
 * one it is `never`, which no key is.
 */
export type OpenKey<V> = [V] extends [never] ? never : string;

/** `0` as a default means a number, not zero. */
export type Widened<D> = D extends string ? string : D extends number ? number : D extends boolean ? boolean : D;

/** What `get` with a default returns for a key of type `V`. */
export type OrDefault<V, D> = unknown extends V ? Widened<D> : Exclude<V, undefined> | Widened<D>;

/** Values of which one knows without running them that JSON has no place for them. */
type NotJson =
  | undefined
  | bigint
  | symbol
  | Date
  | ((...args: never[]) => unknown)
  | ReadonlyMap<never, unknown>
  | ReadonlySet<never>
  | RegExp
  | PromiseLike<unknown>;

/** `V`, or `never` where it can be nothing that JSON has. The codec looks at the value itself and is the judge. */
export type JsonLike<V> = [V] extends [NotJson] ? never : V;
