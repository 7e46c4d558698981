/** Something that a test awaits, and that something else tells. */
export interface Signal<T = void> {
  readonly told: Promise<T>;
  readonly isTold: boolean;
  tell(value: T): void;
}

export function newSignal<T = void>(): Signal<T> {
  let isTold = false;
  let resolve: (value: T) => void = () => {};
  const told = new Promise<T>((r) => {
    resolve = r;
  });
  return {
    told,
    get isTold() {
      return isTold;
    },
    tell(value) {
      isTold = true;
      resolve(value);
    },
  };
}
