import { spawn } from "node:child_process";
import { lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { exitCodes } from "./exit-codes.mjs";
import { countPackages, missingPackages } from "./dependencies.mjs";
import { withInstallLock } from "./install-lock.mjs";
import { findNpm, outsidePath } from "./machine.mjs";

/** How much of npm's complaint a person is shown; the whole of it is in npm's own log. */
const SHOWN_COMPLAINT_LINES = 12;

/**
 * Installs the locked dependencies unless they are there. Packages' install scripts are neither run nor needed.
 * @param {string} root the checkout
 * @param {import("./dependencies.mjs").Purpose} purpose
 * @param {(line: string) => void} say
 * @returns {Promise<import("./machine.mjs").Problem | undefined>}
 */
export async function ensureInstalled(root, purpose, say) {
  const problem = missingPackages(root, purpose).length === 0 ? undefined : await install(root, purpose, say);
  if (problem === undefined) linkCommand(root);
  return problem;
}

/**
 * @param {string} root
 * @param {import("./dependencies.mjs").Purpose} purpose
 * @param {(line: string) => void} say
 */
function install(root, purpose, say) {
  const onWait = () => say("Another start is installing the dependencies of this checkout; waiting for it ...");
  return withInstallLock(root, onWait, async () => {
    if (missingPackages(root, purpose).length === 0) return undefined;
    const npm = findNpm();
    if ("sentence" in npm) return npm;
    const startedAt = Date.now();
    say(`Installing ${countPackages(root, purpose)} packages; once, and again when they change ...`);
    const { code, complaint } = await run(npm.command, [...npm.args, ...npmArguments(root, purpose)], root);
    const missing = missingPackages(root, purpose);
    if (code === 0 && missing.length === 0) {
      say(`Installed in ${((Date.now() - startedAt) / 1000).toFixed(0)} s.`);
      return undefined;
    }
    return installProblem(root, code, complaint, missing);
  });
}

/**
 * `npm ci` empties node_modules first. When only developer tools are missing they are added instead: a server may be
 * running from this checkout.
 * @param {string} root
 * @param {import("./dependencies.mjs").Purpose} purpose
 */
function npmArguments(root, purpose) {
  const command = purpose === "develop" && missingPackages(root, "run").length === 0 ? ["install", "--no-save"] : ["ci"];
  // Said in full because a user's own .npmrc may omit either kind, or refuse packages made for a newer Node than the one npm runs on.
  const kinds = purpose === "develop" ? ["--include=dev", "--include=optional"] : ["--omit=dev", "--include=optional"];
  return [...command, ...kinds, "--ignore-scripts", "--no-engine-strict", "--no-audit", "--no-fund", "--loglevel=error", "--no-progress"];
}

/**
 * @param {string} root
 * @param {number} code
 * @param {string} complaint
 * @param {readonly string[]} missing
 */
function installProblem(root, code, complaint, missing) {
  if (/ENOSPC/.test(complaint)) {
    return { sentence: `The disk of ${root} is full: free about 500 MB and run the command again.`, exitCode: exitCodes.diskFull };
  }
  if (/EROFS|EACCES|EPERM/.test(complaint)) {
    return {
      sentence: `npm may not write in ${root}: make the checkout writable for ${process.env.USER ?? "this user"} and try again.`,
      exitCode: exitCodes.diskReadOnly,
    };
  }
  const shown = complaint.trim().split("\n").slice(0, SHOWN_COMPLAINT_LINES).join("\n");
  const what =
    code === 0 ? `npm finished, but ${missing.slice(0, 3).join(", ")} is still missing` : `npm could not install the dependencies`;
  return {
    sentence: `${shown}${shown === "" ? "" : "\n"}${what} in ${root}: check that the npm registry is reachable (npm ping) and run the command again.`,
    exitCode: exitCodes.installFailed,
  };
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} cwd
 * @returns {Promise<{ readonly code: number, readonly complaint: string }>}
 */
function run(command, args, cwd) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, PATH: outsidePath() } });
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (chunk) => (complaint += chunk));
    child.on("error", (error) => resolve({ code: 1, complaint: error.message }));
    child.on("close", (code) => resolve({ code: code ?? 1, complaint }));
  });
}

/**
 * npm links the commands of dependencies, not a checkout's own: with this link `npx odysseus` finds it without asking a registry.
 * @param {string} root
 */
function linkCommand(root) {
  const link = join(root, "node_modules", ".bin", "odysseus");
  const target = "../../ops/cli/odysseus";
  try {
    if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === true && readlinkSync(link) === target) return;
    mkdirSync(join(link, ".."), { recursive: true });
    rmSync(link, { force: true });
    symlinkSync(target, link);
  } catch {
    // A checkout that is somebody else's and already complete: everything but `npx odysseus` works without the link.
  }
}
