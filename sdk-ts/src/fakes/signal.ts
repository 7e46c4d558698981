/** A promise with its handle, to be awaited by one side of a test and settled by the other. */
export interface Signal<T> {
  readonly fire: (value: T) => void;
  readonly fired: Promise<T>;
}

export function signal<T = void>(): Signal<T> {
  let fire: (value: T) => void = () => {};
  const fired = new Promise<T>((resolve) => {
    fire = resolve;
  });
  return { fire, fired };
}
