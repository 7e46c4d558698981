import type { Program, ProgramPlace } from "../stage/host-program.js";
import type { Flaw } from "./flaws.js";
import { RawHost } from "./raw-host.js";

/** The raw host as a program inside this process. */
export function rawProgram(flaw: Flaw | null): (place: ProgramPlace) => Program {
  return (place) => {
    const host = new RawHost(place, flaw);
    return {
      exited: host.exited,
      terminate: () => host.drain(),
      kill: () => {
        host.kill();
        return Promise.resolve();
      },
      output: () => "",
    };
  };
}
