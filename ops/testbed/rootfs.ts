import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { attempt, CommandFailed, run } from "./command.ts";

/** Debian 13, which carries Docker 26.1.5. */
const SUITE = "trixie";
const PACKAGES = [
  "docker.io",
  "docker-cli",
  "containerd",
  "runc",
  "iptables",
  "iproute2",
  "ca-certificates",
  "procps",
  "busybox-static",
  "docker-registry",
] as const;
/** Downloading and unpacking takes 45 s on a good line; whoever waits longer than this gives up and says so. */
const BUILD_TIMEOUT_MS = 15 * 60_000;

/** The name tells the recipe, so that a changed list of packages makes a new root beside the old one. */
export function rootfsPath(cache: string): string {
  const recipe = createHash("sha256").update(JSON.stringify([SUITE, PACKAGES, process.arch]));
  return join(cache, `rootfs-${SUITE}-${recipe.digest("hex").slice(0, 10)}`);
}

/** Makes the root file system of the nodes once; two processes at once are safe, an interrupted attempt is taken up again. */
export async function makeRootfs(cache: string): Promise<string> {
  const root = rootfsPath(cache);
  if (existsSync(root)) return root;
  await build(cache, root);
  return root;
}

/**
 * The script itself holds the lock: should this process die, the build goes on and whoever comes next waits for it. It happens in a mount namespace of its own: what debootstrap mounts into the new root goes away with it, so
 * that removing an interrupted attempt can never reach into the machine's own /proc or /sys.
 */
const BUILD_SCRIPT = `set -e
[ ! -e "$ROOT" ] || exit 0
rm -rf --one-file-system "$PARTIAL"
mkdir -p "$DEBS"
debootstrap --variant=minbase --cache-dir="$DEBS" --include="$PACKAGES" "$SUITE" "$PARTIAL" $MIRROR >&2
mkdir -p "$PARTIAL/var/lib/docker" "$PARTIAL/var/lib/docker-registry"
rm -rf "$PARTIAL/var/cache/apt/archives" "$PARTIAL/var/lib/apt/lists"
: > "$PARTIAL/etc/resolv.conf"
mv "$PARTIAL" "$ROOT"
rm -rf "$DEBS"`;

async function build(cache: string, root: string): Promise<void> {
  const env = {
    ...process.env,
    ...(await proxyOfApt()),
    PARTIAL: `${root}.partial`,
    DEBS: join(cache, "debs"),
    PACKAGES: PACKAGES.join(","),
    SUITE,
    MIRROR: await mirrorOfApt(),
    ROOT: root,
  };
  const locked = ["-x", "-w", String(BUILD_TIMEOUT_MS / 1_000), join(cache, "rootfs.lock")];
  const script = ["unshare", "-m", "--propagation", "private", "sh", "-c", BUILD_SCRIPT];
  await run("flock", [...locked, ...script], { env, timeoutMs: 2 * BUILD_TIMEOUT_MS }).catch((cause: unknown) => {
    const detail = cause instanceof CommandFailed ? cause.lastLine : String(cause);
    throw new Error(`the nodes' root file system could not be made from Debian packages: ${detail}`, { cause });
  });
}

/** debootstrap downloads by itself and knows nothing of the proxy that apt was told about. */
async function proxyOfApt(): Promise<NodeJS.ProcessEnv> {
  if (process.env["http_proxy"] !== undefined) return {};
  const proxy = (await run("apt-config", ["shell", "proxy", "Acquire::http::Proxy"])).match(/proxy='(.+)'/)?.[1];
  return proxy === undefined || proxy === "DIRECT" ? {} : { http_proxy: proxy, https_proxy: proxy };
}

/** The mirror this machine takes Debian packages from; empty (debootstrap's default) on another distribution. */
async function mirrorOfApt(): Promise<string> {
  if (!(await attempt("sh", ["-c", ". /etc/os-release && [ $ID = debian ]"]))) return "";
  const targets = await run("apt-get", ["indextargets", "--format", "$(ORIGIN)/$(LABEL) $(REPO_URI)", "Created-By: Packages"]);
  const line = targets.split("\n").find((target) => target.startsWith("Debian/Debian http"));
  return line?.split(" ")[1] ?? "";
}
