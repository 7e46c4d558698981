import { DefaultRunner, workflow } from "cloaca";

export const hello = workflow<{ name: string }>("hello", ({ task }) => {
  const greet = task({ id: "greet" }, (context) => ({ greeting: `hello, ${context.get("name")}` }));

  task({ id: "shout", dependencies: [greet] }, async (context, handle) => {
    const quiet = Date.now() + 500;
    await handle.deferUntil(() => Date.now() > quiet, 50); // other tasks run in this slot meanwhile
    return { greeting: `${context.get("greeting").toUpperCase()}!` };
  });
});

await using runner = new DefaultRunner("memory:");
const { context } = await runner.execute(hello, { name: "world" });
console.log(context.get<string>("greeting"));
