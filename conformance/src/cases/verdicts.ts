/** Resume: what a host does with the books' verdict on each lease that it lists. */
import { same } from "../stage/patience.js";
import { QUIET_MS } from "../stage/stage.js";
import type { Case } from "./case.js";
import { completes, deferred, deferring, ENDS, grant, MAX_WAIT, MET, reclaiming, sayDeferred } from "./deferral.js";
import { listed, STATE } from "./lease-states.js";

export const verdicts: readonly Case[] = [
  {
    name: "deferring-lost",
    rules: ["P6.2", "P4.6"],
    title: "asks again for a deferral that the scheduler never heard of",
    run: async (stage) => {
      const first = await stage.connection();
      first.receipting = false;
      const file = stage.file();
      const given = stage.give(first, "defer", { files: [file] });
      await first.next("deferUntil", given.id);
      await stage.cut("reset");
      const connection = await stage.hello();
      same(listed(connection.hello?.heldLeases ?? [], given), [STATE.deferring, 1], "the lease in Hello");
      stage.welcome(connection, { verdicts: [{ leaseId: given.id, state: STATE.held }] });
      same((await connection.next("deferUntil", given.id)).value.deferral, 1, "number of the deferral");
      stage.make(file);
      sayDeferred(connection, given, 1);
      await connection.next("reclaim", given.id);
      grant(connection, given, 1);
      await completes(connection, given, ["MET"]);
    },
  },
  {
    name: "verdict-deferred",
    rules: ["P6.4"],
    title: "takes the verdict DEFERRED for a Deferred that was lost, and polls",
    run: async (stage) => {
      const { given, files } = await deferring(stage);
      await stage.cut("reset");
      stage.make(files[0]);
      const verdict = { leaseId: given.id, state: STATE.deferred, deferral: 1 };
      const connection = await stage.welcomed({ verdicts: [verdict] });
      await connection.next("reclaim", given.id);
      grant(connection, given, 1);
      await completes(connection, given, ["MET"]);
    },
  },
  {
    name: "deferred-goes-on",
    rules: ["P6.1", "P6.2"],
    title: "lists a deferred lease as DEFERRED, and polls on",
    run: async (stage) => {
      const { given, files } = await deferred(stage);
      await stage.cut("reset");
      const connection = await stage.hello();
      same(listed(connection.hello?.heldLeases ?? [], given), [STATE.deferred, 1], "the lease in Hello");
      stage.welcome(connection, { verdicts: [{ leaseId: given.id, state: STATE.deferred, deferral: 1 }] });
      stage.make(files[0]);
      await connection.next("reclaim", given.id);
      grant(connection, given, 1);
      await completes(connection, given, ["MET"]);
    },
  },
  ...(
    [
      [MET, "MET"],
      [MAX_WAIT, "MAX_WAIT"],
    ] as const
  ).map(
    ([outcome, word]): Case => ({
      name: `lost-grant-${word.toLowerCase().replace("_", "-")}`,
      rules: ["P6.5", "P6.2"],
      title: `goes on when Welcome tells of a grant that was lost, with outcome ${word}`,
      run: async (stage) => {
        const { given } = await reclaiming(stage);
        await stage.cut("reset");
        const connection = await stage.hello();
        same(listed(connection.hello?.heldLeases ?? [], given), [STATE.reclaiming, 1], "the lease in Hello");
        stage.welcome(connection, { verdicts: [{ leaseId: given.id, state: STATE.held, deferral: 1, outcome }] });
        await completes(connection, given, [word]);
      },
    }),
  ),
  {
    name: "verdict-reclaiming",
    rules: ["P6.6"],
    title: "polls no more when the books say that its wait is over, and goes on with the grant",
    run: async (stage) => {
      const { given, files } = await deferred(stage);
      await stage.cut("reset");
      const verdict = { leaseId: given.id, state: STATE.reclaiming, deferral: 1 };
      const connection = await stage.welcomed({ verdicts: [verdict] });
      await stage.works(connection);
      const before = given.trace().length;
      stage.make(files[0]);
      await connection.none(QUIET_MS, ["reclaim", ...ENDS], given.id, "the books say RECLAIMING");
      same(given.trace().length, before, "lines of the trace");
      grant(connection, given, 1, MAX_WAIT);
      await completes(connection, given, ["MAX_WAIT"]);
    },
  },
  {
    name: "verdict-ending",
    rules: ["P6.7"],
    title: "stops a task that was fenced while the connection was away, and says Stopped",
    run: async (stage) => {
      const given = stage.give(await stage.connection(), "slow", { cleanup_ms: 100 });
      await given.traced("start");
      await stage.cut("reset");
      const verdict = { leaseId: given.id, state: STATE.ending, cancelReason: 1 } as const;
      const connection = await stage.welcomed({ verdicts: [verdict] });
      await connection.next("stopped", given.id);
      same(given.trace(), ["start", "stopped"], "trace when Stopped came");
    },
  },
  {
    name: "verdict-revoked",
    rules: ["P6.8"],
    title: "stops and forgets a lease that is not its own any more",
    run: async (stage) => {
      const given = stage.give(await stage.connection(), "slow");
      const waiting = await deferred(stage);
      await given.traced("start");
      await stage.cut("reset");
      const revoked = [given, waiting.given].map(({ id }) => ({ leaseId: id, state: STATE.revoked }));
      const connection = await stage.welcomed({ verdicts: revoked });
      await given.traced("stopped");
      await waiting.given.traced("stopped");
      await stage.works(connection);
      for (const { id } of [given, waiting.given]) {
        await connection.none(QUIET_MS, ["reclaim", ...ENDS], id, "it was revoked");
      }
      await stage.cut("end");
      same((await stage.welcomed()).hello?.heldLeases.length, 0, "leases in the next Hello");
    },
  },
];
