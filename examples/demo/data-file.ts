import { fileURLToPath } from "node:url";

/** A file of the npm package vega-datasets. */
export function dataFile(name: string): string {
  return fileURLToPath(new URL(`../data/${name}`, import.meta.resolve("vega-datasets")));
}
