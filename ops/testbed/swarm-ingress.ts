import { until } from "./command.ts";
import { engineRequest } from "./engine-http.ts";
import { ENGINE_SOCKET_IN_NODE } from "./node.ts";
import { remove, untilRunning, updateImage } from "./swarm.ts";
import type { Testbed } from "./testbed.ts";

/**
 * HTTP on Docker Swarm as its users publish it without the routing mesh: Traefik on the manager, which reads Swarm's tasks and balances over their own
 * addresses in an overlay network. (The mesh, and a service's virtual address, need IPVS of the kernel.) Images come from the testbed's registry.
 */
const NETWORK = "ody-swarm-ingress";
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 50;
const NS_PER_MS = 1_000_000;
/** Traefik's default is 15 s, in which a replica that Swarm has replaced still gets requests. */
const REFRESH_SECONDS = 1;

export interface SwarmSite {
  readonly image: string;
  readonly replicas: number;
  /** Where Traefik listens on node 1. */
  readonly port: number;
  /** Traefik's image on node 1, and the path of its program in it. */
  readonly proxy: { readonly image: string; readonly program: string };
  readonly containerPort: number;
  /** Run in the container; Swarm calls a task running when it succeeds. */
  readonly healthCommand: readonly string[];
}

export class SwarmIngress {
  readonly #bed: Testbed;
  readonly #services: readonly string[];

  private constructor(bed: Testbed, services: readonly string[]) {
    this.#bed = bed;
    this.#services = services;
  }

  static async start(bed: Testbed, site: SwarmSite): Promise<SwarmIngress> {
    await bed.node(1).docker(["network", "create", "--driver", "overlay", NETWORK]);
    const [proxy, web] = [await createService(bed, proxyOf(site)), await createService(bed, webOf(site))];
    const ingress = new SwarmIngress(bed, [web, proxy]);
    await untilRunning(bed, proxy, 1);
    await untilRunning(bed, web, site.replicas);
    const url = `http://${bed.node(1).address}:${site.port}/`;
    await until("Traefik leads to a task", async () => (await fetch(url).catch(() => undefined))?.ok === true, START_TIMEOUT_MS, POLL_MS);
    return ingress;
  }

  /** New before old, one at a time, no delay; seconds until Swarm calls it completed. */
  update(image: string): Promise<number> {
    return updateImage(this.#bed, this.#services[0] ?? "", image);
  }

  async stop(): Promise<void> {
    for (const service of this.#services) await remove(this.#bed, service);
    await this.#bed.node(1).docker(["network", "rm", NETWORK]);
  }
}

function webOf({ image, replicas, containerPort, healthCommand }: SwarmSite): object {
  return {
    Name: "web",
    Labels: {
      "traefik.enable": "true",
      "traefik.http.routers.web.rule": "PathPrefix(`/`)",
      "traefik.http.services.web.loadbalancer.server.port": String(containerPort),
      "traefik.swarm.lbswarm": "false",
    },
    TaskTemplate: {
      ContainerSpec: {
        Image: image,
        StopGracePeriod: 2_000 * NS_PER_MS,
        Healthcheck: { Test: ["CMD", ...healthCommand], Interval: 2_000 * NS_PER_MS, Timeout: 2_000 * NS_PER_MS, Retries: 2 },
      },
      Networks: [{ Target: NETWORK }],
    },
    Mode: { Replicated: { Replicas: replicas } },
    UpdateConfig: { Parallelism: 1, Order: "start-first", Monitor: 500 * NS_PER_MS },
    EndpointSpec: { Mode: "dnsrr" },
  };
}

function proxyOf({ proxy, port }: SwarmSite): object {
  return {
    Name: "traefik",
    TaskTemplate: {
      ContainerSpec: {
        Image: proxy.image,
        Command: [proxy.program],
        Args: [
          "--providers.swarm=true",
          `--providers.swarm.network=${NETWORK}`,
          "--providers.swarm.exposedbydefault=false",
          `--providers.swarm.refreshseconds=${REFRESH_SECONDS}`,
          `--entrypoints.web.address=:${port}`,
        ],
        Mounts: [{ Type: "bind", Source: ENGINE_SOCKET_IN_NODE, Target: "/var/run/docker.sock" }],
      },
      Placement: { Constraints: ["node.role==manager"] },
      Networks: [{ Target: NETWORK }],
    },
    Mode: { Replicated: { Replicas: 1 } },
    EndpointSpec: { Mode: "dnsrr", Ports: [{ Protocol: "tcp", PublishMode: "host", TargetPort: port, PublishedPort: port }] },
  };
}

async function createService(bed: Testbed, service: object): Promise<string> {
  const content = Buffer.from(JSON.stringify(service));
  const { status, text } = await engineRequest(bed.node(1).dockerHost, "POST", "/services/create", { type: "application/json", content });
  if (status !== 201) throw new Error(`Swarm answered ${status} to a service: ${text}`);
  return (JSON.parse(text) as { readonly ID: string }).ID;
}
