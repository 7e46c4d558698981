// Tasks as methods of a class: they share what the instance has, here a table of rates.
import { Context, DefaultRunner, noHandle, type TaskHandle, task, WorkflowBuilder } from "cloaca";

class Invoice {
  constructor(readonly rates: Readonly<Record<string, number>>) {}

  @task({ id: "read_hours" })
  async readHours(context: Context) {
    return context.set("hours", { design: 2, code: 5 });
  }

  @task({
    dependencies: (invoice: Invoice) => [invoice.readHours],
    onSuccess: (id) => console.log(`${id} was accepted`),
  })
  async total(context: Context, handle: TaskHandle) {
    const hours = Object.entries(context.require<Record<string, number>>("hours"));
    console.log(`total is attempt ${handle.attempt} and holds a slot: ${handle.isSlotHeld()}`);
    return { total: hours.reduce((sum, [kind, n]) => sum + n * (this.rates[kind] ?? 0), 0) };
  }
}

const invoice = new Invoice({ design: 80, code: 100 });
const billing = new WorkflowBuilder("billing").description("What a client owes").tag("team", "office");

await using runner = new DefaultRunner("memory:");
const { context } = await runner.execute(billing.addTasks(invoice).build());
console.log(`a client owes ${context.get<number>("total")}`);

// A decorated method stays what it was: it can be called, in a test for example.
console.log(await invoice.total(new Context({ hours: { code: 1 } }), noHandle));
