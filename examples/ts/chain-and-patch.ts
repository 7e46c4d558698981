// How data flows: a task finds what those before it left, and leaves what it set, returned or removed.
import { DefaultRunner, workflow } from "cloaca";

const chain = workflow<{ text: string }>("chain", ({ task }) => {
  // Writing to the context. `set` returns it, with a type that knows the key.
  const split = task({ id: "split" }, (context) => context.set("words", context.get("text").split(" ")));

  // Returning a plain object: a patch.
  const count = task({ id: "count", dependencies: [split] }, (context) => ({ count: context.get("words").length }));

  const longest = task({ id: "longest", dependencies: [split] }, (context) => {
    const words = context.get("words").toSorted((a, b) => b.length - a.length);
    return { longest: words[0] ?? "" };
  });

  // Both branches come together here. `context.get("cuont")` would not compile.
  task({ id: "tell", dependencies: [count, longest] }, (context) =>
    context.set("told", `${context.get("count")} words, the longest is "${context.get("longest")}"`).remove("words"),
  );
});

await using runner = new DefaultRunner("memory:");
const { context } = await runner.execute(chain, { text: "a slot given back is a slot gained" });
console.log(context.toJSON());
