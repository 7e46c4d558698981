import { defaultServerConditions } from "vite";
import { defineConfig } from "vitest/config";

// Vite's own target keeps the syntax of standard decorators and of `using`, which Node 20 does not have.
const esbuild = { target: "es2022" } as const;

export default defineConfig({
  test: {
    pool: "forks",
    projects: [
      {
        // Beside the code, on the sources: no build needed.
        esbuild,
        ssr: { resolve: { conditions: ["@cloaca/source", ...defaultServerConditions] } },
        test: {
          name: "unit",
          include: ["{proto,server,sdk-ts,cli,bench,examples,conformance,scripts}/**/*.test.ts"],
          exclude: ["**/node_modules/**", "**/dist/**"],
          // Property tests take their time on a busy machine.
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        // The scheduler on virtual time, on the sources.
        esbuild,
        ssr: { resolve: { conditions: ["@cloaca/source", ...defaultServerConditions] } },
        test: { name: "sim", include: ["test/sim/**/*.test.ts"] },
      },
      {
        // Across processes, on what is built. Two at a time at most: each file starts processes of its own.
        esbuild,
        test: {
          name: "e2e",
          include: ["test/**/*.test.ts"],
          exclude: ["test/sim/**", "test/fault/**"],
          globalSetup: "test/setup/build.ts",
          maxWorkers: 2,
          // After the unit tests: these measure patience, and two cores serve both badly at once.
          sequence: { groupOrder: 1 },
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        // Processes that are killed, stopped and starved, under load: each file for itself, since they measure times.
        esbuild,
        test: {
          name: "fault",
          include: ["test/fault/**/*.test.ts"],
          globalSetup: "test/setup/build.ts",
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 60_000,
          hookTimeout: 30_000,
        },
      },
    ],
  },
});
