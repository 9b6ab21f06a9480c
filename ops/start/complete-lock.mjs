// `npm run lock`, after every change of a dependency: rewrites package-lock.json and adds what a registry mirror left out.
// A mirror may carry packages for Linux alone; npm then locks the rest of a tool's optional binaries as absent, and `npm ci`
// of newer versions refuses such a lockfile. Those entries name what is never installed here, so they carry no hash.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkoutRoot, findNpm, outsidePath } from "./machine.mjs";
import { missingOptional } from "./optional-binaries.mjs";

const file = join(checkoutRoot, "package-lock.json");
const npm = findNpm();
if ("sentence" in npm) throw new Error(npm.sentence);
const { status } = spawnSync(npm.command, [...npm.args, "install", "--package-lock-only", "--ignore-scripts"], {
  cwd: checkoutRoot,
  stdio: "inherit",
  env: { ...process.env, PATH: outsidePath() },
});
if (status !== 0) throw new Error("npm could not resolve the dependencies of package.json");

const lock = JSON.parse(readFileSync(file, "utf8"));
const added = missingOptional(lock.packages);
for (const { folder, entry } of added) lock.packages[folder] = entry;
// npm sorts by folder, the root first.
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([left], [right]) => (left === right ? 0 : left.localeCompare(right, "en") < 0 ? -1 : 1)),
);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`package-lock.json is complete (${added.length} binaries for other platforms added)`);
