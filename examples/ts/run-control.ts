// A failed run is taken up from where it failed; a paused one, or all runs of a paused workflow, begin nothing until resumed.
import { DefaultRunner, RunFailedError, workflow } from "cloaca";

let isHarbourOpen = false;

const delivery = workflow("delivery", ({ task }) => {
  const pack = task({ id: "pack" }, () => {
    console.log("packs");
    return { parcels: 2 };
  });
  const send = task({ id: "send", dependencies: [pack] }, (context) => {
    console.log("sends");
    if (!isHarbourOpen) throw new Error("the harbour is closed");
    return { sent: context.get("parcels") };
  });
  task({ id: "tell", dependencies: [send] }, (context) => ({
    told: `${context.get("sent")} parcels are on their way`,
  }));
});

await using runner = new DefaultRunner("memory:");
const client = await runner.client();
const error = await runner.execute(delivery).catch((thrown: unknown) => thrown);
if (!(error instanceof RunFailedError)) throw error;
const { runId } = error;
console.log((await client.tasks(runId)).map(({ task, state }) => `${task} ${state}`).join(", "));

isHarbourOpen = true;
await client.pauseWorkflow("delivery");
const { resetTasks } = await client.retry(runId);
console.log("begins anew:", resetTasks.join(", "));
console.log("paused:", (await client.explain(runId)).tasks[0]?.reason);

await client.pause(runId, "the ship is not there yet");
await client.resumeWorkflow("delivery");
console.log("paused:", (await client.explain(runId)).tasks[0]?.reason);

await client.resume(runId);
console.log((await client.result(runId)).context.get<string>("told"));
