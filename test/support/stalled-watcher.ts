/** A watcher that stops to read after its first bytes, and says nothing of it: on bare HTTP/2, where no client reads ahead. */
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { type AddressInfo, connect, createServer } from "node:net";
import { RunService } from "@cloaca/protocol";

/** Length prefix of an empty message. */
const EMPTY_MESSAGE = Buffer.alloc(5);

/**
 * Watches all runs.
 *
 * @param what it does not read any more: its stream, while it still answers for the connection; or its socket, as a process
 *   that was stopped
 * @returns what ends it
 */
export async function stalledWatcher(address: string, what: "stream" | "socket"): Promise<() => void> {
  const [host = "", port = ""] = address.split(":");
  let stop = (): void => {};
  // Node reads the socket of an HTTP/2 session by itself: what stands between can stop.
  const between = createServer((near) => {
    const far = connect(Number(port), host);
    near.pipe(far).pipe(near);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    stop = () => far.unpipe(near).pause();
  });
  await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
  const session = connectHttp2(`http://127.0.0.1:${(between.address() as AddressInfo).port}`);
  session.on("error", () => {});
  const stream = session.request({
    ":method": "POST",
    ":path": `/${RunService.typeName}/${RunService.method.watchRuns.name}`,
    "content-type": "application/grpc+proto",
    te: "trailers",
  });
  stream.on("error", () => {});
  stream.end(EMPTY_MESSAGE);
  await once(stream, "data");
  stream.pause();
  if (what === "socket") stop();
  return () => {
    session.destroy();
    between.close();
  };
}
