/** Every case, by its level. */
import { basicContexts } from "./basic-contexts.js";
import { basicLeases } from "./basic-leases.js";
import { basicSession } from "./basic-session.js";
import type { Case, Level, LevelCase } from "./case.js";
import { deferral } from "./deferral.js";
import { drain } from "./drain.js";
import { resume } from "./resume.js";
import { verdicts } from "./verdicts.js";

const at = (level: Level, cases: readonly Case[]): LevelCase[] => cases.map((c) => ({ ...c, level }));

export const HOST_CASES: readonly LevelCase[] = [
  ...at("basic", [...basicSession, ...basicLeases, ...basicContexts]),
  ...at("deferral", deferral),
  ...at("resume", [...resume, ...verdicts]),
  ...at("drain", drain),
];
