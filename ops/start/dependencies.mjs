import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** @typedef {"run" | "develop"} Purpose `run` needs what the server imports, `develop` the tools of `npm test` and `npm run check` too. */
/**
 * @typedef {object} LockedPackage
 * @property {string} [version]
 * @property {string} [integrity]
 * @property {boolean} [dev]
 * @property {boolean} [optional]
 * @property {boolean} [devOptional]
 * @property {string | readonly string[]} [os]
 * @property {string | readonly string[]} [cpu]
 * @property {string | readonly string[]} [libc]
 */

/**
 * The folders of locked packages that are absent from node_modules or there in another version.
 * The comparison is with npm's own record of what it installed, which it writes last: an interrupted install has none.
 * @param {string} root the checkout
 * @param {Purpose} purpose
 * @returns {readonly string[]}
 */
export function missingPackages(root, purpose) {
  const locked = packagesOf(join(root, "package-lock.json")) ?? {};
  const installed = packagesOf(join(root, "node_modules", ".package-lock.json")) ?? {};
  return Object.entries(locked)
    .filter(([folder, entry]) => folder !== "" && isNeeded(entry, purpose))
    .filter(([folder, entry]) => {
      const found = installed[folder];
      return found?.version !== entry.version || found?.integrity !== entry.integrity || !existsSync(join(root, folder, "package.json"));
    })
    .map(([folder]) => folder);
}

/**
 * How many packages an install for this purpose brings.
 * @param {string} root
 * @param {Purpose} purpose
 */
export function countPackages(root, purpose) {
  const locked = packagesOf(join(root, "package-lock.json")) ?? {};
  return Object.entries(locked).filter(([folder, entry]) => folder !== "" && isNeeded(entry, purpose)).length;
}

/**
 * @param {string} file
 * @returns {Readonly<Record<string, LockedPackage>> | undefined}
 */
function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return undefined;
  }
}

/**
 * Of the optional packages only those made for this very platform count (a binary); the rest may belong to one made for another.
 * @param {LockedPackage} entry
 * @param {Purpose} purpose
 */
function isNeeded(entry, purpose) {
  if (purpose === "run" && entry.dev === true) return false;
  if (entry.optional !== true && entry.devOptional !== true) return true;
  const isBinary = entry.os !== undefined || entry.cpu !== undefined;
  return isBinary && allows(entry.os, process.platform) && allows(entry.cpu, process.arch) && allows(entry.libc, libc);
}

/**
 * npm's rule for `os`, `cpu` and `libc`: absent allows everything, `!x` excludes x.
 * @param {string | readonly string[] | undefined} rule
 * @param {string | (() => string)} own
 */
function allows(rule, own) {
  if (rule === undefined || rule.length === 0) return true;
  const list = typeof rule === "string" ? [rule] : rule;
  const value = typeof own === "string" ? own : own();
  return list.includes(value) || (list.every((item) => item.startsWith("!")) && !list.includes(`!${value}`));
}

/** @type {string | undefined} */
let knownLibc;

function libc() {
  if (knownLibc === undefined) {
    // Without excludeNetwork the report resolves the names of every open socket's peer.
    const reporter = Object.assign(process.report, { excludeNetwork: true });
    const report = /** @type {{ header?: { glibcVersionRuntime?: string } }} */ (/** @type {unknown} */ (reporter.getReport()));
    knownLibc = report.header?.glibcVersionRuntime === undefined ? "musl" : "glibc";
  }
  return knownLibc;
}
