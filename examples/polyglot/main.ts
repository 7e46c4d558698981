/**
 * `npm run demo:polyglot`: one workflow whose three tasks have their code in three languages, each in a host of its own:
 * fetched in TypeScript, transformed in Python with a deferral, loaded in Go. Any of them may be killed in the middle.
 */
import { perform } from "../demo/perform.js";
import { Screen } from "../demo/screen.js";
import type { Place } from "./checks.js";
import { PLACES } from "./climate-workflow.js";
import { Polyglot } from "./polyglot.js";

const places: readonly Place[] = Object.values(PLACES);
const USAGE = `usage: npm run demo:polyglot [-- --kill ${places.join("|")}]
  --kill  ends the host in that language in the middle of its task, with SIGKILL, and starts it again`;

const kill = placeIn(process.argv.slice(2));
if (kill === undefined) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  const screen = new Screen();
  process.exitCode = await perform(new Polyglot(screen, kill), screen);
}

/** The host to kill; null for none, undefined for arguments that say something else. */
function placeIn([flag, name, ...rest]: readonly string[]): Place | null | undefined {
  if (flag === undefined) return null;
  const value = flag.startsWith("--kill=") ? flag.slice("--kill=".length) : name;
  const more = flag.startsWith("--kill=") && name !== undefined ? [name, ...rest] : rest;
  if ((flag !== "--kill" && !flag.startsWith("--kill=")) || more.length > 0) return undefined;
  return places.find((place) => place === value);
}
