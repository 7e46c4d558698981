import type { Host } from "cloaca";

/** Serves as a process of a demo: says when it is ready, and drains when it is told to, or when who started it is gone. */
export async function serve(host: Host): Promise<void> {
  process.stdin.on("end", () => void host.drain()).resume();
  void host.ready().then(() => console.log("ready"));
  await host.run();
  process.stdin.destroy();
}
