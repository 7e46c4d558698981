// A wait that has an end: the task gets a slot and an error that it can catch.
import { DefaultRunner, DeferTimeoutError, workflow } from "cloaca";

const prices = workflow("prices", ({ task }) => {
  task({ id: "todays_price" }, async (_context, handle) => {
    const answer = (): { price: number } | null => null; // nobody answers today
    try {
      const wait = { pollIntervalMs: 20, maxWaitMs: 300, describe: "an answer with today's price" };
      const { price } = await handle.deferUntil(answer, wait);
      return { price, source: "today" };
    } catch (error) {
      if (!(error instanceof DeferTimeoutError)) throw error;
      console.log(`${error.code}: ${error.message}`);
      return { price: 42, source: "yesterday" };
    }
  });
});

await using runner = new DefaultRunner("memory:");
const { context } = await runner.execute(prices);
console.log(`${context.get<number>("price")}, from ${context.get<string>("source")}`);
