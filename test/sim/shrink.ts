/** Finds a shorter plan that still fails: without actions, without hosts, with fewer slots. */
import type { Mutation } from "./mutation.js";
import type { Plan } from "./plan.js";
import { type Outcome, simulate } from "./simulation.js";

export interface Shrunk {
  readonly plan: Plan;
  readonly outcome: Outcome;
  /** Simulations that it took. */
  readonly tries: number;
}

/** `maxTries` bounds the search; a plan that does not fail is returned as it is. */
export async function shrink(plan: Plan, maxTries = 400, mutation?: Mutation): Promise<Shrunk> {
  const options = mutation === undefined ? {} : { mutation };
  let best = plan;
  let outcome = await simulate(plan, options);
  let tries = 1;
  const attempt = async (candidate: Plan): Promise<boolean> => {
    if (tries >= maxTries) return false;
    tries++;
    const found = await simulate(candidate, options);
    if (found.breaches.length === 0) return false;
    best = candidate;
    outcome = found;
    return true;
  };
  for (let progress = outcome.breaches.length > 0; progress; ) {
    progress = false;
    // First large parts, then single actions.
    for (let size = Math.ceil(best.actions.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < best.actions.length; ) {
        const actions = best.actions.filter((_, i) => i < at || i >= at + size);
        if (await attempt({ ...best, actions })) progress = true;
        else at += size;
      }
    }
    while (best.hosts.length > 1 && (await attempt({ ...best, hosts: best.hosts.slice(0, -1) }))) progress = true;
    for (let host = 0; host < best.hosts.length; host++) {
      const fewer = best.hosts.map((h, i) => (i === host ? { slots: h.slots - 1, maxLeases: 0 } : h));
      if ((best.hosts[host]?.slots ?? 0) > 1 && (await attempt({ ...best, hosts: fewer }))) progress = true;
    }
  }
  return { plan: best, outcome, tries };
}

/** A plan for people, and for `regressions.json`. */
export function describePlan({ seed, journal, reclaimsInARow, hosts, actions }: Plan): string {
  const head = `seed ${seed}, ${journal} journal, ${reclaimsInARow} reclaims in a row, hosts ${JSON.stringify(hosts)}`;
  return [head, ...actions.map(({ at, action }) => `  ${String(at).padStart(6)} ms  ${JSON.stringify(action)}`)].join(
    "\n",
  );
}
