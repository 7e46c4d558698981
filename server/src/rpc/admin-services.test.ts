import { create, toBinary } from "@bufbuild/protobuf";
import { ListHostsRequestSchema, type ListHostsResponse, ListHostsResponseSchema } from "@cloaca/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_LIMITS } from "../engine/limits.js";
import { Scheduler } from "../engine/scheduler.js";
import { testOptions, World } from "../store/contract/world.js";
import { openStore } from "../store/open-store.js";
import { ManualTime } from "../testing/manual-time.js";
import { HostAdminServiceRpc } from "./admin-services.js";
import { PAGE_BYTES } from "./paging.js";

const quiet = { info() {}, warn() {}, error() {} };

describe("ListHosts", () => {
  let world: World;
  let service: HostAdminServiceRpc;

  beforeEach(() => {
    const options = testOptions();
    const store = openStore("memory:", options, "");
    world = new World(store, options);
    const { clock } = options;
    const runtime = new ManualTime();
    service = new HostAdminServiceRpc(
      new Scheduler({ store, clock, runtime, limits: DEFAULT_LIMITS, log: quiet, checkBooks: false }),
    );
  });

  afterEach(async () => {
    await world.store.close();
  });

  /** All pages of the list. */
  async function pages(pageSize: number): Promise<ListHostsResponse[]> {
    const found: ListHostsResponse[] = [];
    for (let pageToken = ""; ; ) {
      const page = await service.listHosts(create(ListHostsRequestSchema, { pageSize, pageToken }));
      found.push(page);
      pageToken = page.nextPageToken;
      if (pageToken === "") return found;
    }
  }

  const names = (page: ListHostsResponse): string[] => page.hosts.map(({ hostId }) => hostId);
  const bytes = (page: ListHostsResponse): number => toBinary(ListHostsResponseSchema, page).length;

  async function hosts(prefix: string, count: number, labelBytes: number): Promise<string[]> {
    const ids = Array.from({ length: count }, (_, n) => `${prefix}-${String(n).padStart(4, "0")}`);
    for (const id of ids) await world.host(id, { labels: { note: "x".repeat(labelBytes) } });
    return ids;
  }

  it("gives small hosts full pages", async () => {
    const ids = await hosts("small", 250, 10);
    expect((await pages(1_000)).map(names)).toEqual([ids]);
    expect((await pages(0)).map((page) => page.hosts.length)).toEqual([100, 100, 50]);
  });

  it("ends a page of large hosts before it is too large for a message, and not sooner than that", async () => {
    const small = await hosts("a", 100, 10);
    const large = await hosts("b", 50, 100_000);
    const found = await pages(1_000);
    expect(found.flatMap(names)).toEqual([...small, ...large]);
    expect(found.length).toBe(3);
    for (const page of found) expect(bytes(page)).toBeLessThanOrEqual(PAGE_BYTES);
    // One more would not have found room.
    for (const page of found.slice(0, -1)) expect(bytes(page)).toBeGreaterThan(PAGE_BYTES - 101_000);
  });

  it("counts the leases of a host", async () => {
    await world.register("w", { a: [] });
    const leases = 400;
    for (const id of ["a", "b"]) await world.host(id, { slots: leases, labels: { note: "x".repeat(1_040_000) } });
    expect((await pages(0)).length).toBe(1);
    for (let n = 0; n < 2 * leases; n++) await world.start("w");
    await world.grant();
    const found = await pages(0);
    expect(found.map(names)).toEqual([["a"], ["b"]]);
    expect(found.flatMap(({ hosts: [host] }) => host?.leases.length)).toEqual([leases, leases]);
  });
});
