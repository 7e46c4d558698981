/** The command line of the bench. */
import { parseArgs } from "node:util";
import { FIGURE_NAMES, type FigureName } from "./figures.js";

export const USAGE = `usage: npm run bench -- [--only figure,…] [--quick] [--json] [--profile folder]

  --only     only these figures (and those that are measured with them)
  --quick    short measurements: a look, not a figure to rely on
  --json     one JSON object on stdout in place of the table
  --profile  writes V8 CPU profiles of the scheduler into the folder

figures: ${FIGURE_NAMES.join(", ")}`;

export interface BenchArguments {
  /** Null means all. */
  readonly only: ReadonlySet<FigureName> | null;
  readonly quick: boolean;
  readonly json: boolean;
  readonly profile: string | null;
}

/** Throws an Error that says what is wrong. */
export function parseArguments(args: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      profile: { type: "string" },
    },
  });
  const { only, quick, json, profile = null } = values;
  return { only: only === undefined ? null : figureNames(only), quick, json, profile };
}

function figureNames(text: string): ReadonlySet<FigureName> {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.filter((name) => !isFigureName(name));
  if (unknown.length > 0) throw new Error(`no figure is named ${unknown.join(", ")}`);
  return new Set(names.filter(isFigureName));
}

function isFigureName(name: string): name is FigureName {
  return (FIGURE_NAMES as readonly string[]).includes(name);
}
