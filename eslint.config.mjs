// Only what needs types: everything else is Biome's.
import { existsSync } from "node:fs";
import tseslint from "typescript-eslint";

const projects = ["proto", "server", "sdk-ts", "cli", "bench", "examples", "conformance", "test"];

export default tseslint.config(
  { ignores: ["**/dist/**", "**/node_modules/**", "proto/src/gen/**"] },
  {
    files: projects.filter((folder) => existsSync(folder)).map((folder) => `${folder}/**/*.ts`),
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: { "@typescript-eslint": tseslint.plugin },
    rules: {
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    },
  },
);
