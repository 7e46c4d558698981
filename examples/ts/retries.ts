// Retries: the scheduler executes them, a failure says whether it passes by itself, and a checkpoint keeps what was done.
import { DefaultRunner, PermanentError, RunFailedError, TransientError, workflow } from "cloaca";

const upload = workflow<{ rows: number }>("upload", ({ task }) => {
  task(
    {
      id: "send",
      retryAttempts: 4,
      retryBackoff: "exponential", // 50, 100, 200, 400 ms, each a quarter more or less
      retryDelayMs: 50,
      retryCondition: "transient", // only what passes by itself
      onRetry: (id, error, _context, { nextAttempt }) =>
        console.log(`${id}: ${error.message}, so attempt ${nextAttempt} follows`),
    },
    async (context, handle) => {
      const rows = context.get("rows");
      if (rows < 0) throw new PermanentError(`${rows} rows make no sense`); // never retried
      if (!context.get("prepared", false)) {
        console.log("prepares, once");
        context.set("prepared", true);
        await handle.checkpoint(); // stays, whatever becomes of this attempt
      }
      if (handle.attempt === 1) throw new TransientError("the receiver is busy", { retryAfterMs: 20 });
      if (handle.attempt === 2) throw Object.assign(new Error("the line broke"), { code: "ECONNRESET" }); // known by its code
      return { sent: rows, attempt: handle.attempt };
    },
  );
});

await using runner = new DefaultRunner("memory:"); // with a file or a scheduler of its own, retries outlive this process
const { context } = await runner.execute(upload, { rows: 3 });
console.log(`sent ${context.get<number>("sent")} rows in attempt ${context.get<number>("attempt")}`);
try {
  await runner.execute(upload, { rows: -1 });
} catch (error) {
  if (!(error instanceof RunFailedError)) throw error;
  console.log(error.tasks[0]?.failure?.message);
}
