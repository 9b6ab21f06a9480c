import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, realpathSync, statSync } from "node:fs";
import { delimiter, dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { exitCodes } from "./exit-codes.mjs";

/** @typedef {{ readonly sentence: string, readonly exitCode: number }} Problem What, where, what to do; and the code to end with. */

export const checkoutRoot = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

const MINIMUM_NODE_MAJOR = 20;
const MINIMUM_NPM_MAJOR = 9;
/** The server's sources are TypeScript that this version runs as it is. */
const SERVER_NODE_MAJOR = 24;
/** A `node --version` or `npm --version` that takes longer is counted as not there. */
const VERSION_TIMEOUT_MS = 10_000;

/**
 * Says whether Odysseus can be started on this machine at all.
 * @returns {Problem | undefined}
 */
export function findMachineProblem() {
  if (process.platform !== "linux" || (process.arch !== "x64" && process.arch !== "arm64")) {
    return {
      sentence: `Odysseus runs on Linux on x64 or arm64; this machine is ${process.platform} on ${process.arch}.`,
      exitCode: exitCodes.platformUnsupported,
    };
  }
  if (majorOf(process.versions.node) < MINIMUM_NODE_MAJOR) {
    return {
      sentence: `Node.js ${process.versions.node} at ${process.execPath} is too old: install Node.js ${MINIMUM_NODE_MAJOR} or newer (Debian 13: apt-get install nodejs npm) and run npm start again.`,
      exitCode: exitCodes.nodeTooOld,
    };
  }
  return undefined;
}

/**
 * The npm that runs us, else the one on PATH.
 * @returns {{ readonly command: string, readonly args: readonly string[], readonly version: string } | Problem}
 */
export function findNpm() {
  const script = process.env.npm_execpath;
  // The Node that runs npm must not be the one inside node_modules, which `npm ci` deletes under it.
  const node = [process.env.npm_node_execpath, process.execPath].find((path) => path !== undefined && !isInsideNodeModules(path)) ?? "node";
  const npm = script?.endsWith("npm-cli.js") && existsSync(script) ? { command: node, args: [script] } : { command: "npm", args: [] };
  const version = outputOf(npm.command, [...npm.args, "--version"]);
  if (version === undefined) {
    return {
      sentence: "npm was not found on PATH: install npm 9 or newer (Debian 13: apt-get install npm) and try again.",
      exitCode: exitCodes.npmTooOld,
    };
  }
  if (majorOf(version) < MINIMUM_NPM_MAJOR) {
    return {
      sentence: `npm ${version} is too old: install npm ${MINIMUM_NPM_MAJOR} or newer (npm install --global npm@11) and try again.`,
      exitCode: exitCodes.npmTooOld,
    };
  }
  return { ...npm, version };
}

/**
 * A Node that runs TypeScript: the one running us or on PATH when new enough, else the pinned one among our dependencies.
 * @param {string} [root] the checkout
 * @returns {string | undefined} its path
 */
export function findServerNode(root = checkoutRoot) {
  if (majorOf(process.versions.node) >= SERVER_NODE_MAJOR && !isInsideNodeModules(process.execPath)) return process.execPath;
  for (const folder of outsidePath().split(delimiter)) {
    const candidate = join(folder, "node");
    if (folder !== "" && isExecutable(candidate) && majorOf(outputOf(candidate, ["--version"])?.slice(1) ?? "0") >= SERVER_NODE_MAJOR) {
      return candidate;
    }
  }
  const pinned = pinnedNode(root);
  return isExecutable(pinned) ? pinned : undefined;
}

/**
 * Where our pinned Node is once the dependencies are installed.
 * @param {string} root
 */
export function pinnedNode(root) {
  return join(root, "node_modules", `node-linux-${process.arch}`, "bin", "node");
}

/** PATH without the folders npm puts in front of it for a package's scripts: a `node` there is ours, not the machine's. */
export function outsidePath() {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => !`${folder}${sep}`.includes(`${sep}node_modules${sep}`))
    .join(delimiter);
}

/** @param {string} version */
function majorOf(version) {
  return Number.parseInt(version, 10) || 0;
}

/** @param {string} path */
function isInsideNodeModules(path) {
  return (existsSync(path) ? realpathSync(path) : path).includes(`${sep}node_modules${sep}`);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 */
function outputOf(command, args) {
  try {
    return execFileSync(command, args, {
      encoding: "utf8",
      timeout: VERSION_TIMEOUT_MS,
      stdio: ["ignore", "pipe", "ignore"],
      env: { ...process.env, PATH: outsidePath() },
    }).trim();
  } catch {
    return undefined;
  }
}
