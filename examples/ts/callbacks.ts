// Callbacks run in the host, after the scheduler has accepted a result or called a failure final.
import { DefaultRunner, RunFailedError, workflow } from "cloaca";

const orders = workflow<{ amount: number }>("orders", ({ task }) => {
  const check = task(
    { id: "check", onSuccess: (id, context) => console.log(`${id} succeeded with ${JSON.stringify(context)}`) },
    (context) => ({ isLarge: context.get("amount") > 1000 }),
  );

  const pay = task(
    {
      id: "pay",
      dependencies: [check],
      onSuccess: (id) => console.log(`${id} succeeded`),
      onFailure: (id, error, _context, { attempt }) => console.log(`${id} failed in attempt ${attempt}: ${error}`),
    },
    (context) => {
      if (context.get("isLarge")) throw new RangeError("somebody has to sign this one");
    },
  );

  task({ id: "ship", dependencies: [pay] }, () => console.log("shipped"));
});

await using runner = new DefaultRunner("memory:");
await runner.execute(orders, { amount: 20 });
try {
  await runner.execute(orders, { amount: 2_000 });
} catch (error) {
  if (!(error instanceof RunFailedError)) throw error;
  for (const { task, state, failure, reason } of error.tasks) console.log(task, state, failure?.message ?? reason);
}
