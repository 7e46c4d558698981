import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { Listener } from "./listener.js";

const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function open(address: string, onConnection: (socket: Socket) => void = () => {}): Promise<Listener> {
  const listener = await Listener.open(address, onConnection);
  opened.push(() => listener.close(0));
  return listener;
}

/** A connection to it; `host` where the listener has a name that has several. */
async function dial({ address }: Listener, host = "127.0.0.1"): Promise<Socket> {
  const socket = connect({ host, port: Number(address.slice(address.lastIndexOf(":") + 1)) });
  opened.push(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

describe("a listener", () => {
  it("takes a free port for 0, and says which", async () => {
    const heard: string[] = [];
    const listener = await open("127.0.0.1:0", (socket) => {
      socket.on("data", (bytes) => socket.end(`${String(bytes)} yourself`));
    });
    expect(listener.address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
    const socket = await dial(listener);
    socket.on("data", (bytes) => heard.push(String(bytes)));
    socket.write("hello");
    await once(socket, "end");
    expect(heard).toEqual(["hello yourself"]);
  });

  it("is reached by a name at 127.0.0.1", async () => {
    const listener = await open("localhost:0");
    expect(listener.address).toMatch(/^localhost:[1-9]\d*$/);
    await dial(listener);
  });

  it("refuses a port that is in use", async () => {
    const { address } = await open("127.0.0.1:0");
    await expect(open(address)).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it("waits for connections that end in time, and takes no more of them", async () => {
    const accepted: Socket[] = [];
    const listener = await open("127.0.0.1:0", (socket) => accepted.push(socket));
    const socket = await dial(listener);
    const closed = listener.close(60_000);
    await expect(dial(listener)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    const [open1] = accepted;
    expect(open1?.destroyed).toBe(false);
    socket.on("data", () => {});
    open1?.end("bye");
    await closed;
    expect(open1?.destroyed).toBe(true);
  });

  it("cuts those that do not: a peer that does not read never takes the end", async () => {
    const stuck: Socket[] = [];
    const listener = await open("127.0.0.1:0", (socket) => {
      stuck.push(socket);
      // More than the buffers of both sides hold.
      socket.end(Buffer.alloc(32 * 1024 * 1024));
    });
    const socket = await dial(listener);
    socket.pause();
    await listener.close(50);
    expect(stuck.map(({ destroyed }) => destroyed)).toEqual([true]);
  });
});
