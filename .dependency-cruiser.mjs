// Dependencies point one way (docs/ARCHITECTURE.md). Each rule names what a folder may import of ours; what is not named
// is forbidden.

// The contract suite of the stores, the fakes of the SDK and the messages for tests of the codec are test code that several
// test files share.
const tests = "\\.test(-d)?\\.ts$|^server/src/store/contract/|^sdk-ts/src/fakes/|^proto/src/codec/any-message\\.ts$";

/**
 * @param {string} name
 * @param {string} comment
 * @param {string} from
 * @param {string} allowed pattern of our own files that may be imported
 */
function only(name, comment, from, allowed) {
  return {
    name,
    comment,
    severity: "error",
    from: { path: from, pathNot: tests },
    to: { path: "^(proto|server|sdk-ts|cli|bench|examples|conformance|test)/", pathNot: `${allowed}|/node_modules/` },
  };
}

export default {
  forbidden: [
    {
      name: "no-circular",
      comment: "A cycle of modules that run. Types may refer to each other: they are gone at run time.",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "resolvable",
      comment: "An import that leads nowhere.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: "declared",
      comment: "An npm package that the importing package does not declare.",
      severity: "error",
      from: { pathNot: `${tests}|^(test|scripts|examples)/` },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown", "npm-dev"] },
    },
    only("proto-alone", "The protocol imports nothing of ours.", "^proto/", "^proto/"),
    only("server-core", "core is pure: it imports nothing but core.", "^server/src/core/", "^server/src/core/"),
    {
      name: "server-core-pure",
      comment: "core does no input or output, and knows no library that does: of Node, only hashing and bytes.",
      severity: "error",
      from: { path: "^server/src/core/", pathNot: tests },
      to: { dependencyTypes: ["core", "npm"], pathNot: "^(node:)?(buffer|crypto)$" },
    },
    only("server-store", "store imports core.", "^server/src/store/", "^server/src/(store|core)/"),
    only("server-engine", "engine imports core and store.", "^server/src/engine/", "^server/src/(engine|core|store)/"),
    only(
      "server-rpc",
      "rpc imports engine, core, the store's interface (never a store) and the protocol.",
      "^server/src/rpc/",
      "^server/src/(rpc|engine|core)/|^server/src/store/[^/]+$|^proto/",
    ),
    only(
      "server-http",
      "http imports engine, core, rpc, the store's interface and the protocol.",
      "^server/src/http/",
      "^server/src/(http|rpc|engine|core)/|^server/src/store/[^/]+$|^proto/",
    ),
    only("server-root", "The server imports itself, and never an SDK.", "^server/", "^(server|proto)/"),
    {
      name: "server-protocol-at-the-door",
      comment: "Proto and domain types meet in rpc/ (and http/) alone.",
      severity: "error",
      from: { path: "^server/src/", pathNot: `^server/src/(rpc|http)/|${tests}` },
      to: { path: "^proto/|/@bufbuild/protobuf/" },
    },
    only(
      "sdk-protocol",
      "protocol imports nothing but the stubs and the errors.",
      "^sdk-ts/src/protocol/",
      "^sdk-ts/src/(protocol|errors)/|^proto/",
    ),
    {
      name: "cli-server-alone",
      comment: "`cloaca server` loads none of the other commands, nor the SDK: a scheduler starts in half of the time.",
      severity: "error",
      from: {
        path: "^cli/src/(main|run-cli|program|server-command|options|settings|command-error|io|exit-code|nearest)\\.ts$",
      },
      to: {
        path: "^(sdk-ts/|cli/src/(commands|views|session|told-error))",
        dynamic: false,
        dependencyTypesNot: ["type-only"],
      },
    },
    only("sdk-errors", "errors imports nothing.", "^sdk-ts/src/errors/", "^sdk-ts/src/errors/"),
    only("sdk-task", "task imports protocol and errors.", "^sdk-ts/src/task/", "^sdk-ts/src/(task|protocol|errors)/"),
    {
      name: "sdk-layers",
      comment: "protocol and task come before runner, client and testing; client knows no runner.",
      severity: "error",
      from: { path: "^sdk-ts/src/client/", pathNot: tests },
      to: { path: "^sdk-ts/src/(runner|testing)/" },
    },
    {
      name: "sdk-runner-not-testing",
      comment: "What runs in production does not import testing/.",
      severity: "error",
      from: { path: "^sdk-ts/src/runner/", pathNot: tests },
      to: { path: "^sdk-ts/src/testing/" },
    },
    {
      name: "sdk-fakes-for-tests",
      comment: "Nothing but tests imports fakes/.",
      severity: "error",
      from: { path: "^sdk-ts/src/", pathNot: tests },
      to: { path: "^sdk-ts/src/fakes/" },
    },
    {
      name: "sdk-protocol-at-the-door",
      comment: "Proto and domain types meet in protocol/ alone: ask it for what you need.",
      severity: "error",
      from: { path: "^sdk-ts/src/", pathNot: `^sdk-ts/src/protocol/|${tests}` },
      to: { path: "^proto/|/@bufbuild/protobuf/" },
    },
    {
      name: "sdk-without-server",
      comment: "The server is an optional peer: its types, or a dynamic import of @cloaca/server/embedded.",
      severity: "error",
      from: { path: "^sdk-ts/src/", pathNot: tests },
      to: { path: "^server/", dependencyTypesNot: ["type-only", "dynamic-import"] },
    },
    {
      name: "sdk-embedded-only",
      comment: "Of the server, the SDK knows ./embedded alone.",
      severity: "error",
      from: { path: "^sdk-ts/src/", pathNot: tests },
      to: { path: "^server/", pathNot: "^server/src/embedded\\.ts$" },
    },
    only(
      "sdk-root",
      "The SDK imports itself, the protocol, and lazily the server.",
      "^sdk-ts/",
      "^(sdk-ts|proto|server)/",
    ),
    only(
      "cli-root",
      "The command imports the packages; nothing of ours imports the command but tests and examples.",
      "^cli/",
      "^(cli|sdk-ts|server)/",
    ),
    only(
      "conformance-root",
      "The conformance kit speaks the protocol alone: it knows neither our scheduler nor an SDK.",
      "^conformance/",
      "^(conformance|proto)/",
    ),
    {
      name: "sources-not-build",
      comment: "Import the package or the source, not what the compiler wrote.",
      severity: "error",
      from: { path: "/src/" },
      to: { path: "^(proto|server|sdk-ts|cli|bench|examples|conformance)/dist/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^proto/src/gen/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.base.json" },
    detectProcessBuiltinModuleCalls: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["@cloaca/source", "types", "import", "node", "default"],
      mainFields: ["types", "module", "main"],
    },
  },
};
