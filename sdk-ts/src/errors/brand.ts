/** Where a class keeps its own brand, and only its own: a subclass that users write has none. */
const BRAND = Symbol.for("@cloaca/sdk/brand");

type AnyClass = abstract new (...args: never[]) => object;

/** Brands a class: its instances, and those of its subclasses, carry a symbol that every copy of this package knows. */
export function brand(ctor: AnyClass, name: string): void {
  const symbol = Symbol.for(`@cloaca/sdk/${name}`);
  Object.defineProperty(ctor, BRAND, { value: symbol });
  Object.defineProperty(ctor.prototype, symbol, { value: true });
}

/** Brands the class of an error, and fixes the name that it prints, which a minifier would change. */
export function brandError(ctor: AnyClass, name: string): void {
  brand(ctor, name);
  Object.defineProperty(ctor.prototype, "name", { value: name, configurable: true, writable: true });
}

/** What `instanceof` means for a branded class; for a class without its own brand, the ordinary thing. */
export function hasBrand(ctor: AnyClass, value: unknown): boolean {
  if (!Object.hasOwn(ctor, BRAND)) return Function.prototype[Symbol.hasInstance].call(ctor, value);
  const symbol = Reflect.get(ctor, BRAND);
  return typeof value === "object" && value !== null && typeof symbol === "symbol" && symbol in value;
}
