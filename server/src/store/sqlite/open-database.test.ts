import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { compileGraph, DEFAULT_MAX_TASKS } from "../../core/graph.js";
import { testOptions, World } from "../contract/world.js";
import { openStore } from "../open-store.js";
import { APPLICATION_ID, SCHEMA_VERSION } from "./schema.js";

describe("opening a store file", () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "cloaca-open-")));
    file = join(folder, "runs.db");
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  function open(path = file) {
    return openStore(`sqlite://${path}`, testOptions(), "address 127.0.0.1:7233");
  }

  /** The error with which it is refused. */
  function refusal(path = file): { code: string; message: string } {
    try {
      void open(path).close();
    } catch (error) {
      if (error instanceof Error && "code" in error) return { code: String(error.code), message: error.message };
      throw error;
    }
    throw new Error("it was opened");
  }

  function database(write: (db: Database.Database) => void): void {
    const db = new Database(file);
    write(db);
    db.close();
  }

  it("refuses a file that is not a database, and leaves it as it is", () => {
    for (const content of ["no database at all, just text\n".repeat(50), "short"]) {
      writeFileSync(file, content);
      const { code, message } = refusal();
      expect(code).toBe("STORE_NOT_A_DATABASE");
      expect(message).toContain(file);
      expect(readFileSync(file, "utf8")).toBe(content);
      expect(readdirSync(folder)).toEqual(["runs.db"]);
    }
  });

  it("refuses the database of another program, and leaves it as it is", () => {
    database((db) => db.exec("CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup')"));
    const before = readFileSync(file);
    const { code, message } = refusal();
    expect(code).toBe("STORE_NOT_A_DATABASE");
    expect(message).toContain("another program");
    expect(readFileSync(file)).toEqual(before);
    expect(readdirSync(folder)).toEqual(["runs.db"]);
  });

  it("refuses a database that another program has marked as its own", () => {
    database((db) => {
      db.exec("CREATE TABLE recipes (name TEXT)");
      db.pragma("application_id = 42");
    });
    expect(refusal().code).toBe("STORE_NOT_A_DATABASE");
  });

  it("takes an empty file, and an empty database", async () => {
    writeFileSync(file, "");
    await open().close();
    rmSync(file);
    database((db) => db.exec("VACUUM"));
    await open().close();
  });

  it("refuses a newer schema, and says which it knows", async () => {
    await open().close();
    database((db) => db.pragma(`user_version = ${SCHEMA_VERSION + 1}`));
    const { code, message } = refusal();
    expect(code).toBe("STORE_NEWER");
    expect(message).toContain(`version ${SCHEMA_VERSION + 1}`);
    expect(message).toContain(`up to ${SCHEMA_VERSION}`);
  });

  it("refuses a file beside which it cannot write, and lets go of it", async () => {
    mkdirSync(`${file}.owner`);
    expect(refusal()).toEqual({ code: "STORE_UNAVAILABLE", message: expect.stringContaining(`store ${file}: EISDIR`) });
    rmSync(`${file}.owner`, { recursive: true });
    await open().close();
  });

  it("refuses a file in a folder that is not there, and a folder", () => {
    const missing = join(folder, "missing");
    const { code, message } = refusal(join(missing, "runs.db"));
    expect(code).toBe("STORE_UNAVAILABLE");
    expect(message).toContain(`the folder ${missing} does not exist`);
    expect(existsSync(missing)).toBe(false);
    mkdirSync(file);
    expect(refusal().message).toContain("not a file");
  });

  it("refuses what no store url is", () => {
    const options = testOptions();
    for (const url of ["", "sqlite://", "runs.db", "postgres://x", "memory", "sqlite://:memory:"]) {
      expect(() => openStore(url, options, "")).toThrow(expect.objectContaining({ code: "REQUEST_INVALID" }));
    }
  });

  it("refuses a file that this process has open, and takes it when that is closed", async () => {
    const first = open();
    const { code, message } = refusal();
    expect(code).toBe("STORE_IN_USE");
    expect(message).toContain(`pid ${process.pid}, address 127.0.0.1:7233`);
    await first.close();
    await open().close();
  });

  it("refuses a file that another process has open, names its pid, and takes it when that was killed", async () => {
    const opener = new URL("../open-store.ts", import.meta.url).href;
    const script = `
      const { openStore } = await import(${JSON.stringify(opener)});
      const ids = { runId: () => "r1", sessionId: () => "s1", secret: () => "x" };
      const options = { clock: { now: () => Date.now() }, ids, limits: {} };
      // Kept, or else the garbage collector closes it.
      globalThis.store = openStore(${JSON.stringify(`sqlite://${file}`)}, options, "address 127.0.0.1:7999");
      console.log("open");
      setInterval(() => {}, 1000);
    `;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const [line] = await once(child.stdout, "data");
      expect(String(line)).toBe("open\n");
      const { code, message } = refusal();
      expect(code).toBe("STORE_IN_USE");
      expect(message).toContain(`pid ${child.pid}, address 127.0.0.1:7999`);
    } finally {
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    }
    await open().close();
  });

  it("takes a workflow of any size that it has taken before, whatever the limit is now", async () => {
    const tasks = Array.from({ length: DEFAULT_MAX_TASKS + 1 }, (_, i) => ({
      id: `t${i}`,
      dependencies: [],
      timeoutMs: 0,
    }));
    const graph = compileGraph({ name: "wide", description: "", tags: {}, tasks }, tasks.length);
    const first = open();
    await first.registerWorkflows([{ namespace: "default", graph }]);
    await first.close();
    const again = open();
    expect((await again.readWorkflow("default", "wide", ""))?.graph.version).toBe(graph.version);
    await again.close();
  });

  it("says that a file is damaged, and lets go of it", async () => {
    const world = new World(open(), testOptions());
    await world.register("w", { a: [] });
    for (let i = 0; i < 50; i++) await world.start("w", { context: { big: JSON.stringify("x".repeat(900)) } });
    await world.store.close();
    const bytes = readFileSync(file);
    // Everything but the header and the schema.
    bytes.fill(0x5a, 4096 * 2);
    writeFileSync(file, bytes);
    const { code, message } = refusal();
    expect(code).toBe("STORE_NOT_A_DATABASE");
    expect(message).toContain("damaged");
    expect(message).toContain(file);
    // Not "in use": whoever puts a copy in its place can go on.
    for (const name of readdirSync(folder)) if (!name.endsWith(".lock")) rmSync(join(folder, name));
    await open().close();
  });

  it.each(["the file", "its folder"])("opens a store by a link to %s as the one that it is", async (linked) => {
    const link = join(folder, "link");
    const byLink = linked === "the file" ? link : join(link, "runs.db");
    if (linked === "the file") await open().close();
    symlinkSync(linked === "the file" ? file : folder, link);
    const world = new World(open(byLink), testOptions());
    await world.register("w", { a: [] });
    await world.start("w");
    for (const path of [file, byLink]) expect(refusal(path).code).toBe("STORE_IN_USE");
    await world.store.close();
    const again = open();
    expect(again.stats()).toMatchObject({ liveRuns: 1 });
    await again.close();
    expect(readdirSync(folder).sort()).toEqual(["link", "runs.db", "runs.db.lock"]);
  });

  it("refuses a link that leads nowhere, and a file with several names", async () => {
    const link = join(folder, "link");
    symlinkSync(file, link);
    expect(refusal(link)).toEqual({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining(`store ${link}: it is a link`),
    });
    await open().close();
    const second = join(folder, "second.db");
    linkSync(file, second);
    for (const path of [file, second]) {
      expect(refusal(path)).toEqual({ code: "STORE_UNAVAILABLE", message: expect.stringContaining("it has 2 names") });
    }
    rmSync(second);
    await open().close();
  });

  it("refuses a file of a version that there never was", async () => {
    await open().close();
    database((db) => db.pragma("user_version = -1"));
    expect(refusal()).toEqual({ code: "STORE_NOT_A_DATABASE", message: expect.stringContaining("version -1") });
  });

  it("refuses a database with our mark whose tables are not ours, with a coded error", () => {
    database((db) => {
      db.exec("CREATE TABLE runs (name TEXT)");
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${SCHEMA_VERSION}`);
    });
    expect(refusal()).toEqual({ code: "STORE_NOT_A_DATABASE", message: expect.stringContaining("its tables are not") });
  });

  it("tells a clock that was set back how late it has been, so that nothing waits for as long as it was set back", async () => {
    const options = testOptions();
    const openWith = () => openStore(`sqlite://${file}`, options, "");
    const world = new World(openWith(), options);
    await world.register("w", { a: { timeoutMs: 1_000 } });
    await world.host("h", { slots: 1 });
    await world.start("w");
    await world.lease();
    const leasedAt = options.clock.now();
    await world.store.close();
    options.clock.move(-3_600_000);
    const store = openWith();
    expect(options.clock.now()).toBe(leasedAt);
    expect(store.nextDue()).toBe(leasedAt + 1_000);
    await store.close();
  });

  it("keeps a file in WAL mode, marked as ours", async () => {
    await open().close();
    database((db) => {
      expect(db.pragma("application_id", { simple: true })).toBe(APPLICATION_ID);
      expect(db.pragma("user_version", { simple: true })).toBe(SCHEMA_VERSION);
      expect(db.pragma("journal_mode", { simple: true })).toBe("wal");
    });
  });
});
