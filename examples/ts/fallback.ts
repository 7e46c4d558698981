// Trigger rules: a task that runs only when another failed, one that a value decides, and one that runs however it all ended.
import { DefaultRunner, rule, workflow } from "cloaca";

const prices = workflow<{ source: string }>("prices", ({ task }) => {
  const ask = task({ id: "ask" }, async (context, handle) => {
    context.set("asked", context.get("source"));
    await handle.checkpoint(); // a fallback sees what was committed, although the task fails
    if (context.get("source") === "bourse") throw new Error("the bourse is closed");
    return { price: 42 };
  });

  // When it succeeds, the failure of `ask` is handled: it does not fail the run.
  const guess = task({ id: "guess", dependencies: [ask], triggerRule: rule.failed(ask) }, (context) => {
    console.log(`guesses, since the ${context.get<string>("asked")} says nothing`);
    return { price: 30 };
  });

  const alarm = task(
    {
      id: "alarm",
      dependencies: [ask, guess],
      triggerRule: rule.all(
        rule.any(rule.succeeded(ask), rule.succeeded(guess)),
        rule.contextValue("price", "greater", 40),
      ),
    },
    (context) => console.log(`alarm: ${context.get("price")}`),
  );

  task({ id: "report", dependencies: [alarm], triggerRule: "always" }, (context) => {
    console.log(`the price is ${context.get("price")}`);
  });
});

await using runner = new DefaultRunner("memory:");
for (const source of ["market", "bourse"]) {
  const { runId, run } = await runner.execute(prices, { source });
  const tasks = await (await runner.client()).tasks(runId);
  console.log(`${run.status}:`, tasks.map(({ task, state }) => `${task} ${state}`).join(", "));
}
