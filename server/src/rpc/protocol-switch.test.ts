import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { Door } from "./door.js";
import { Listener } from "./listener.js";
import { ProtocolSwitch } from "./protocol-switch.js";

const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** Tells its name and, at the end, everything that it was sent. */
function echo(name: string): Door {
  return {
    take(socket) {
      socket.write(`${name}:`);
      socket.on("data", (bytes) => socket.write(bytes));
      socket.on("error", () => {});
    },
    close() {},
  };
}

async function open(silenceMs?: number): Promise<{ dial: () => Promise<Socket>; doors: ProtocolSwitch }> {
  const doors = new ProtocolSwitch(echo("http2"), echo("http1"), silenceMs);
  const listener = await Listener.open("127.0.0.1:0", (socket) => doors.take(socket));
  opened.push(() => listener.close(0));
  const dial = async (): Promise<Socket> => {
    const socket = connect({ host: "127.0.0.1", port: Number(listener.address.split(":")[1]), noDelay: true });
    opened.push(() => socket.destroy());
    await once(socket, "connect");
    return socket;
  };
  return { dial, doors };
}

/** Resolves when everything that was heard since the last call is this long. */
function heard(socket: Socket, length: number): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const hear = (bytes: Buffer): void => {
      text += String(bytes);
      if (text.length < length) return;
      socket.off("data", hear).pause();
      resolve(text);
    };
    socket.on("data", hear).resume();
  });
}

describe("the switch between the protocols", () => {
  it.each([
    ["http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["http1", "POST / HTTP/1.1\r\n\r\n"],
    ["http1", "PRIVATE / HTTP/1.1\r\n\r\n"],
    ["http1", "\0\0\0"],
  ])("gives %s what begins with %j, whole", async (name, bytes) => {
    const { dial } = await open();
    const socket = await dial();
    socket.write(bytes);
    expect(await heard(socket, name.length + 1 + bytes.length)).toBe(`${name}:${bytes}`);
    socket.write("more");
    expect(await heard(socket, 4)).toBe("more");
  });

  it("waits for the bytes that tell, however they are cut", async () => {
    const { dial, doors } = await open();
    const socket = await dial();
    const taken: number[] = [];
    const { take } = doors.http2;
    doors.http2.take = (peer) => {
      taken.push(peer.readableLength);
      take(peer);
    };
    for (const [at, byte] of [..."PRI *"].entries()) {
      socket.write(byte);
      // A second connection that is answered shows that what came before it on the first was read.
      const other = await dial();
      other.write("GET");
      await heard(other, "http1:GET".length);
      expect([at, taken.length]).toEqual([at, at < 3 ? 0 : 1]);
    }
    expect(await heard(socket, "http2:PRI *".length)).toBe("http2:PRI *");
  });

  it.each(["", "PRI"])("ends who says %j and no more", async (words) => {
    const { dial } = await open(20);
    const socket = await dial();
    socket.write(words);
    await once(socket.resume(), "close");
  });

  it("ends those that have said nothing when it closes, and outlives those that break", async () => {
    const { dial, doors } = await open();
    const [silent, broken] = [await dial(), await dial()];
    broken.resetAndDestroy();
    const other = await dial();
    other.write("GET");
    await heard(other, "http1:GET".length);
    doors.close(60_000);
    silent.resume();
    await once(silent, "close");
    expect(other.destroyed).toBe(false);
  });
});
