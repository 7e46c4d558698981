import { RunService } from "@cloaca/protocol";
import { describe, expect, it } from "vitest";
import { Channel } from "./channel.js";
import { FetchChannel } from "./fetch-channel.js";

// Nobody listens there: what cannot be encoded does not come so far.
describe.each([
  ["gRPC", () => new Channel("grpc://127.0.0.1:1")],
  ["Connect", () => new FetchChannel("http://127.0.0.1:1", { callTimeoutMs: 10_000 })],
])("a request by %s", (_name, connect) => {
  it("that cannot be encoded is no word of the scheduler, and names the field", async () => {
    const channel = connect();
    const { listRuns, watchRuns } = RunService.method;
    const refused = (message: string) => ({
      name: "CloacaError",
      code: "REQUEST_INVALID",
      message: expect.stringContaining(message),
    });
    await expect(channel.unary(listRuns, { pageSize: -1 })).rejects.toMatchObject(
      refused("ListRuns: cannot encode field cloaca.v1.ListRunsRequest.page_size"),
    );
    await expect(channel.stream(watchRuns, { types: [Number.NaN] }).next()).rejects.toMatchObject(
      refused("WatchRuns: cannot encode field cloaca.v1.WatchRunsRequest.types"),
    );
    channel.close();
  });
});
