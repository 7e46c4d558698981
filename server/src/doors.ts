/** The way in: one port for gRPC and for HTTP/1.1. */
import type { Socket } from "node:net";
import { CloacaError } from "./core/errors.js";
import type { Scheduler } from "./engine/scheduler.js";
import { connectDoor } from "./http/connect-door.js";
import { grpcDoor } from "./rpc/grpc-door.js";
import { Listener } from "./rpc/listener.js";
import { ProtocolSwitch } from "./rpc/protocol-switch.js";
import { serviceMethods } from "./rpc/service-methods.js";

export interface DoorsOptions {
  /** Host and port to listen on. */
  readonly address: string;
  /** Web pages that may call. */
  readonly allowOrigins: readonly string[];
}

export interface OpenDoors {
  /** Host and port that they are at. */
  readonly address: string;
  /** Closes them: open calls have `graceMs` to finish, then they are cut, whether their peers read that or not. */
  close(graceMs: number): Promise<void>;
}

/** @throws CloacaError ADDRESS_IN_USE, REQUEST_INVALID */
export async function openDoors(scheduler: Scheduler, { address, allowOrigins }: DoorsOptions): Promise<OpenDoors> {
  const { maxMessageBytes } = scheduler.options.limits;
  const methods = serviceMethods(scheduler);
  const doors = new ProtocolSwitch(
    grpcDoor(scheduler, methods),
    connectDoor(methods, { maxMessageBytes, allowOrigins }),
  );
  const listener = await listen(address, (socket) => doors.take(socket));
  return {
    address: listener.address,
    close(graceMs) {
      doors.close(graceMs);
      return listener.close(graceMs);
    },
  };
}

async function listen(address: string, onConnection: (socket: Socket) => void): Promise<Listener> {
  try {
    return await Listener.open(address, onConnection);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") {
      throw new CloacaError("ADDRESS_IN_USE", `address ${address} is in use by another process; name another one`);
    }
    throw new CloacaError("REQUEST_INVALID", `cannot listen on ${address}: ${message}`);
  }
}
