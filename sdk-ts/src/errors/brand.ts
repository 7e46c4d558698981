/** Where a class keeps its own brand, and only its own: a subclass that users write has none. */
const BRAND = Symbol.for("@cloaca/sdk/brand");

type AnyClass = abstract new (...args: never[]) => object;

/**
 * Brands a class: its instances, and those of its subclasses, carry a symbol that every copy of this package knows. Also
 * fixes the name that errors print, which a minifier would change.
 */
export function brandOf(ctor: AnyClass, name: string): void {
  const brand = Symbol.for(`@cloaca/sdk/${name}`);
  Object.defineProperty(ctor, BRAND, { value: brand });
  Object.defineProperty(ctor.prototype, brand, { value: true });
  Object.defineProperty(ctor.prototype, "name", { value: name, configurable: true, writable: true });
}

/** What `instanceof` means for a branded class; for a class without its own brand, the ordinary thing. */
export function hasBrand(ctor: AnyClass, value: unknown): boolean {
  if (!Object.hasOwn(ctor, BRAND)) return Function.prototype[Symbol.hasInstance].call(ctor, value);
  const brand = Reflect.get(ctor, BRAND);
  return typeof value === "object" && value !== null && typeof brand === "symbol" && brand in value;
}
