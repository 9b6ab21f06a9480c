import { EngineFailure } from "../engine/port.ts";
import { JUMPS, type HostRules, rulesText } from "./host-rules.ts";
import type { OwnContainers } from "./own-containers.ts";

const DEADLINE_MS = 30_000;
/** The node's own programs and their libraries; Docker follows symbolic links. The kernel's lock on the tables is in /run. */
const BASE_DIRECTORIES = ["/usr", "/bin", "/sbin", "/lib", "/etc"] as const;
const LIB64 = "/lib64";

/** Our chains whole and at once, then the ways into them where they are missing. IPv6 is done where the node has it; a node without it is fine. */
const SCRIPT = `
PATH=/usr/sbin:/sbin:/usr/bin:/bin
command -v iptables-restore >/dev/null || { echo "the node has no iptables-restore: install iptables"; exit 3; }
apply() {
  printf '%s' "$3" | "$1-restore" --noflush --wait 5 || return 1
  printf '%s\\n' "$JUMPS" | while read -r table chain rest; do
    "$1" -w 5 -t "$table" -n -L "$chain" >/dev/null 2>&1 || { [ "$2" = must ] && [ "$chain" != DOCKER-USER ] && exit 1; continue; }
    "$1" -w 5 -t "$table" -C "$chain" $rest 2>/dev/null || "$1" -w 5 -t "$table" -I "$chain" $rest || exit 1
  done
}
if [ -e /proc/net/if_inet6 ] && command -v ip6tables-restore >/dev/null; then apply ip6tables may "$RULES6" || true; fi
apply iptables must "$RULES4"
`;

/**
 * Sets rules of the node's kernel. It takes rights that an agent need not have, and its engine has: a container of a moment runs the node's own programs,
 * which every Docker host has because its engine needs them.
 */
export class HostCommands {
  readonly #containers: OwnContainers;
  readonly #image: () => Promise<string>;
  readonly #name: string;
  #directories: readonly string[];
  #runs = 0;

  constructor(containers: OwnContainers, image: () => Promise<string>, parts: { readonly name: string; readonly arch: string }) {
    this.#containers = containers;
    this.#image = image;
    this.#name = parts.name;
    this.#directories = parts.arch === "x64" ? [...BASE_DIRECTORIES, LIB64] : BASE_DIRECTORIES;
  }

  /** Resolves with why it did not work, in one sentence; undefined: it did. Rejects with `EngineFailure` when the engine could not be asked. */
  async apply(rules: HostRules): Promise<string | undefined> {
    try {
      return await this.#run(rules);
    } catch (cause) {
      if (!(cause instanceof EngineFailure) || cause.failure.code === "engine.unavailable") throw cause;
      // Where the C library is another one, there is no such directory.
      if (this.#directories.includes(LIB64) && cause.message.includes(LIB64)) {
        this.#directories = BASE_DIRECTORIES;
        return this.apply(rules);
      }
      return `the node's firewall cannot be set: ${cause.message}`;
    }
  }

  async #run(rules: HostRules): Promise<string | undefined> {
    if (this.#runs === 0) await this.#removeLeftovers();
    const image = await this.#image();
    this.#runs += 1;
    const containerId = await this.#containers.create(
      `${this.#name}-${process.pid}-${this.#runs}`,
      "command",
      {},
      this.#body(image, rules),
    );
    try {
      await this.#containers.start(containerId);
      const code = await this.#containers.ended(containerId, DEADLINE_MS);
      return code === 0 ? undefined : `the node's firewall refuses the redirect: ${await this.#containers.lastWords(containerId)}`;
    } finally {
      await this.#containers.remove(containerId, 0);
    }
  }

  /** Of an agent that was killed in between. */
  async #removeLeftovers(): Promise<void> {
    for (const { containerId } of await this.#containers.list("command")) await this.#containers.remove(containerId, 0);
  }

  #body(image: string, rules: HostRules): object {
    const readOnly = this.#directories.map((path) => ({ Type: "bind", Source: path, Target: path, ReadOnly: true }));
    return {
      Image: image,
      Entrypoint: ["/bin/sh", "-c", SCRIPT],
      Cmd: [],
      Env: [`JUMPS=${JUMPS.join("\n")}`, `RULES4=${rulesText("IPv4", rules)}`, `RULES6=${rulesText("IPv6", rules)}`],
      NetworkDisabled: false,
      HostConfig: {
        NetworkMode: "host",
        UsernsMode: "host",
        CapDrop: ["ALL"],
        CapAdd: ["NET_ADMIN", "NET_RAW"],
        Mounts: [...readOnly, { Type: "bind", Source: "/run", Target: "/run", ReadOnly: false, BindOptions: { NonRecursive: true } }],
        LogConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "1" } },
        RestartPolicy: { Name: "no" },
      },
    };
  }
}
