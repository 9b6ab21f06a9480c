// The folder table of spec/ARCHITECTURE.md as rules: who may import whom.
// ODYSSEUS_BOUNDARY_ROOT moves the tree they apply to, so that a deliberately wrong fixture can prove that they fail.
const root = (process.env.ODYSSEUS_BOUNDARY_ROOT ?? "").replace(/\/?$/, (slash) => (process.env.ODYSSEUS_BOUNDARY_ROOT ? "/" : slash));
const folders = ["actors", "runtime", "agent", "web", "mcp", "storage", "ops", "spec"];
const at = (path) => `^${root}${path}`;

/** A folder may import itself, npm packages and Node, and of our own folders only `allowed` (regular expressions below the root). */
function mayImport(folder, allowed) {
  return {
    name: `${folder.replace("/", "-")}-boundary`,
    severity: "error",
    comment: `${folder} may import ${allowed.length === 0 ? "libraries only" : allowed.join(", ")}`,
    from: { path: at(`${folder}/`) },
    to: { path: at(`(${folders.join("|")})/`), pathNot: [`${folder}/`, ...allowed].map(at) },
  };
}

export default {
  forbidden: [
    mayImport("runtime", []),
    mayImport("storage", ["runtime/"]),
    mayImport("actors", ["runtime/", "storage/ports/", "storage/[^/]*port[^/]*\\.ts$"]),
    mayImport("agent", ["runtime/", "actors/.*contract\\.ts$"]),
    mayImport("mcp", ["runtime/", "actors/catalogue", "actors/.*(operations|contract)\\.ts$"]),
    mayImport("web/api", ["runtime/", "actors/catalogue", "actors/.*(operations|contract)\\.ts$"]),
    mayImport("web/app", ["actors/.*contract\\.ts$", "web/api/.*contract\\.ts$"]),
    {
      name: "contracts-are-light",
      severity: "error",
      comment: "a contract is imported by the agent and the browser: it may import other contracts, addresses and errors, not the domain",
      from: { path: at("actors/.*contract\\.ts$") },
      to: { path: at("(actors|storage|web|mcp|ops)/"), pathNot: [at("actors/.*contract\\.ts$")] },
    },
    {
      name: "deciders-are-pure",
      severity: "error",
      comment: "decide.ts, state.ts and plan.ts know no clock, no randomness and no I/O",
      from: { path: at("(actors|agent)/.*(decide|state|plan)\\.ts$") },
      to: { dependencyTypes: ["core"] },
    },
    { name: "no-circular", severity: "error", from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } } },
    { name: "not-resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "no-dev-dependencies",
      severity: "error",
      comment: "what runs in production imports only what `npm ci --omit=dev` installs",
      from: { path: at("(actors|runtime|agent|web|mcp|storage|ops)/") },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"], pathNot: ["node_modules/@types/"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: root === "" ? { path: "^spec/.*/fixtures/" } : {},
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["node", "import", "default"],
      extensions: [".ts", ".mjs", ".js"],
    },
  },
};
