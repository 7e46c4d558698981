/** A straight line through measurements, by least squares. */
export interface Line {
  /** Change of y with each unit of x. */
  readonly slope: number;
  /** Standard error of the slope. */
  readonly error: number;
  readonly mean: number;
}

/** Throws with less than three points: there is no error to tell. */
export function lineThrough(points: readonly (readonly [x: number, y: number])[]): Line {
  const n = points.length;
  if (n < 3) throw new Error(`${n} points make no line with an error; 3 are the least`);
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n;
  const mean = points.reduce((sum, [, y]) => sum + y, 0) / n;
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - mean), 0) / spread;
  const rest = points.reduce((sum, [x, y]) => sum + (y - mean - slope * (x - meanX)) ** 2, 0);
  return { slope, mean, error: Math.sqrt(rest / (n - 2) / spread) };
}
