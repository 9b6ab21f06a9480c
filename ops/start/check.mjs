// `npm run check`: types, lint, format, boundaries and dead code. Every check runs, whichever fails; each says how long it took.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const FOLDERS = ["actors", "runtime", "agent", "web", "mcp", "storage", "ops", "spec"];

/** @type {readonly { readonly name: string, readonly args: readonly string[] }[]} */
const checks = [
  { name: "types", args: ["node_modules/typescript/bin/tsc", "-p", "."] },
  { name: "lint", args: ["node_modules/oxlint/bin/oxlint"] },
  { name: "format", args: ["node_modules/oxfmt/bin/oxfmt", "--check"] },
  { name: "boundaries", args: ["node_modules/dependency-cruiser/bin/dependency-cruise.mjs", "--config", ".dependency-cruiser.mjs"] },
  { name: "dead code", args: ["node_modules/knip/bin/knip.js"] },
];

const chosen = process.argv.slice(2);
const failed = checks
  .filter(({ name }) => chosen.length === 0 || chosen.includes(name))
  .filter(({ name, args }) => {
    const startedAt = Date.now();
    const { status } = spawnSync(process.execPath, name === "boundaries" ? [...args, ...existingFolders()] : args, { stdio: "inherit" });
    console.log(`${status === 0 ? "ok    " : "FAILED"} ${name} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
    return status !== 0;
  });
process.exitCode = failed.length === 0 ? 0 : 1;

function existingFolders() {
  return FOLDERS.filter((folder) => existsSync(folder));
}
