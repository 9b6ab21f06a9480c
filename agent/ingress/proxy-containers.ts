import { hashSettings } from "../engine/settings-hash.ts";
import { OWN_LABEL } from "../labels.ts";
import { HALVES, type Half } from "./entry-points.ts";
import type { OwnContainers } from "./own-containers.ts";
import { PROGRAM_PATH } from "./proxy-image.ts";
import { ROUTES_DIRECTORY, staticArguments } from "./static-configuration.ts";

/** Rises when containers are made differently from the same wish. */
const LAYOUT = 1;
/** For requests under way, beyond Traefik's own grace. */
const STOP_GRACE_MS = 15_000;
/** Large request bodies of routes with a limit are kept there, on the disk, while they are checked. */
const BODIES_DIRECTORY = "/odysseus/bodies";
const LOG_OPTIONS = { "max-size": "10m", "max-file": "3" };

/** What a proxy is made with, besides its half. */
export interface ProxyMake {
  /** The engine's name of the image. */
  readonly image: string;
  readonly trustedProxies: readonly string[];
}

export interface FoundProxy {
  readonly containerId: string;
  readonly half: Half;
  /** As `madeWith` gives it. */
  readonly made: string;
  readonly isRunning: boolean;
}

/** One hash over everything a proxy is made with: a container with another one has to be replaced. */
export function madeWith({ image, trustedProxies }: ProxyMake): string {
  return hashSettings({ layout: LAYOUT, image, arguments: staticArguments("a", trustedProxies) });
}

export interface ProxyContainersParts {
  readonly containers: OwnContainers;
  /** `ody-acme-n1-proxy`. */
  readonly name: string;
  /** As the engine sees it: of a half's routes, or of request bodies that are being checked. */
  readonly directory: (of: Half | "bodies") => string;
  /** Owner of the routes: user and group of this process. */
  readonly user: string;
}

/** The proxy's containers: one a half. The engine itself starts them again, after a crash and after its own restart. */
export class ProxyContainers {
  readonly #parts: ProxyContainersParts;

  constructor(parts: ProxyContainersParts) {
    this.#parts = parts;
  }

  async found(): Promise<readonly FoundProxy[]> {
    return (await this.#parts.containers.list("proxy")).flatMap(({ containerId, labels, state }) => {
      const half = HALVES.find((half) => half === labels[OWN_LABEL.half]);
      return half === undefined
        ? []
        : [{ containerId, half, made: labels[OWN_LABEL.made] ?? "", isRunning: state === "running" || state === "restarting" }];
    });
  }

  async run(half: Half, make: ProxyMake): Promise<void> {
    const { containers, name, directory, user } = this.#parts;
    const body = {
      Image: make.image,
      Entrypoint: [PROGRAM_PATH],
      Cmd: staticArguments(half, make.trustedProxies),
      // Its files are readable by the agent's user alone.
      User: user,
      WorkingDir: "/",
      Env: [`TMPDIR=${BODIES_DIRECTORY}`],
      Healthcheck: { Test: ["NONE"] },
      HostConfig: {
        NetworkMode: "host",
        UsernsMode: "host",
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges"],
        ReadonlyRootfs: true,
        Mounts: [
          { Type: "bind", Source: directory(half), Target: ROUTES_DIRECTORY, ReadOnly: true },
          { Type: "bind", Source: directory("bodies"), Target: BODIES_DIRECTORY, ReadOnly: false },
        ],
        RestartPolicy: { Name: "always" },
        LogConfig: { Type: "json-file", Config: LOG_OPTIONS },
      },
    };
    const labels = { [OWN_LABEL.half]: half, [OWN_LABEL.made]: madeWith(make) };
    await containers.start(await containers.create(`${name}-${half}`, "proxy", labels, body));
  }

  start({ containerId }: FoundProxy): Promise<void> {
    return this.#parts.containers.start(containerId);
  }

  remove({ containerId }: FoundProxy): Promise<void> {
    return this.#parts.containers.remove(containerId, STOP_GRACE_MS);
  }
}
