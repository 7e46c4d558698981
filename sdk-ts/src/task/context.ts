import type { OpenKey, OpenValues, OrDefault, Widened, WithKey, WithoutKey } from "./context-types.js";
export declare class Context<out T extends object = OpenValues> {
  constructor(values?: T);
  get<V = never>(key: OpenKey<V>): NoInfer<V> | undefined;
  get<K extends keyof T & string, const D>(key: K, fallback: D): OrDefault<T[K], D>;
  get<D>(key: string, fallback: D): Widened<D>;
  get<K extends keyof T & string>(key: K): T[K];
  require<V = never>(key: OpenKey<V>): NoInfer<V>;
  require<K extends keyof T & string>(key: K): Exclude<T[K], undefined>;
  require(key: string): unknown;
  set<K extends string, V>(key: K, value: V): Context<WithKey<T, K, V>>;
  insert<K extends string, V>(key: K, value: V): Context<WithKey<T, K, V>>;
  update<K extends string, V>(key: K, value: V): Context<WithKey<T, K, V>>;
  remove<K extends string>(key: K): Context<WithoutKey<T, K>>;
  has(key: string): boolean;
  keys(): string[];
  toJSON(): T;
}
