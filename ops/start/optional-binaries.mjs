/** @typedef {import("./dependencies.mjs").LockedPackage & { readonly optionalDependencies?: Readonly<Record<string, string>> }} LockEntry */

/** The platforms in the names of binary packages, `tool-OS-CPU-LIBC`, as npm's `os` and `cpu` call them. */
const systems = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const processors = ["arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "x64"];

/**
 * The optional binaries for other platforms that packages of a lockfile name and the lockfile does not have.
 * @param {Readonly<Record<string, LockEntry>>} packages its `packages`
 * @returns {readonly { readonly folder: string, readonly entry: LockEntry }[]}
 */
export function missingOptional(packages) {
  return Object.entries(packages).flatMap(([folder, entry]) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => findFrom(packages, folder, name) === undefined)
      .map(([name, version]) => ({
        folder: `node_modules/${name}`,
        entry: { version, ...(entry.dev === true ? { dev: true } : {}), optional: true, ...platformOf(name) },
      })),
  );
}

/**
 * Node's own lookup: in the package's node_modules, then in those around it.
 * @param {Readonly<Record<string, LockEntry>>} packages
 * @param {string} folder
 * @param {string} name
 * @returns {LockEntry | undefined}
 */
function findFrom(packages, folder, name) {
  const found = packages[`${folder === "" ? "" : `${folder}/`}node_modules/${name}`];
  if (found !== undefined || folder === "") return found;
  return findFrom(packages, folder.slice(0, Math.max(0, folder.lastIndexOf("node_modules/") - 1)), name);
}

/**
 * @param {string} name
 * @returns {Pick<LockEntry, "os" | "cpu" | "libc">}
 */
function platformOf(name) {
  const parts = name.split(/[-/]/);
  const os = parts.find((part) => systems.includes(part));
  const cpu = parts.find((part) => processors.includes(part));
  if (os === undefined || cpu === undefined) throw new Error(`${name} is absent from the registry and its name tells no platform`);
  const libc = parts.some((part) => part.startsWith("musl"))
    ? { libc: ["musl"] }
    : parts.some((part) => part.startsWith("gnu"))
      ? { libc: ["glibc"] }
      : {};
  return { os: [os], cpu: [cpu], ...libc };
}
