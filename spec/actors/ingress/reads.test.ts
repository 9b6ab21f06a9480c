import { beforeEach, describe, expect, it } from "vitest";
import type { IngressStatus } from "../../../actors/ingress/contract.ts";
import type { IngressSoft, ObservedProxy } from "../../../actors/ingress/edge.ts";
import { ports, Stage, status } from "./stage.ts";
import { project } from "../../../actors/ingress/projection.ts";
import { noIngress } from "../../../actors/ingress/state.ts";
import { ReadWorld } from "../read-context.ts";

/** A tenant with three nodes, and an ingress that was told what the stage was told. */
class Shown {
  readonly stage = new Stage();
  readonly world = new ReadWorld();
  readonly #seen = new Map<string, ObservedProxy>();

  async open(): Promise<void> {
    for (const name of ["n1", "n2", "n3"]) {
      this.stage.node(name);
      await this.world.node(name);
      this.world.says(name);
    }
  }

  says(name: string, told: IngressStatus): void {
    this.#seen.set(name, { acceptedNumber: told.serving.number, status: told, heardAtMs: this.world.clock.nowMs(), problem: undefined });
  }

  async write(): Promise<void> {
    for (const row of project(noIngress, this.stage.state))
      if (row.change === "put") await this.world.put(row.kind, row.id, row.body, row.parent);
    const soft: Pick<IngressSoft, "epoch" | "nodes"> = { epoch: 1, nodes: this.#seen };
    this.world.ingress(soft);
  }
}

let shown: Shown;

beforeEach(async () => {
  shown = new Shown();
  await shown.open();
  shown.stage.serve("web", ports(8080));
  shown.stage.enter("web.1.1", "n1");
});

interface PortItem {
  readonly status: string;
  readonly reason: string;
}

async function port(): Promise<PortItem | undefined> {
  await shown.write();
  return (await shown.world.value<{ items: PortItem[] }>("ingress.ports")).items[0];
}

describe("a published port", () => {
  it("answers on the nodes whose proxies serve the newest table", async () => {
    for (const name of ["n1", "n2", "n3"]) shown.says(name, status(shown.stage.state.number));
    expect(await port()).toMatchObject({
      status: "answers",
      members: 1,
      reason: "port 8080 answers on n1, n2, n3 over HTTP (by request)",
    });
  });

  it("says where it does not answer, and why", async () => {
    const { number } = shown.stage.state;
    shown.says("n1", status(number));
    shown.says("n2", status(number - 1));
    const inUse = { port: 8080, protocol: "tcp" as const, reason: "in use by another program" };
    shown.says("n3", { ...status(number), failedPorts: [inUse] });
    expect(await port()).toMatchObject({
      status: "partly",
      reason: `port 8080 answers on n1 over HTTP (by request); not on all: the proxy of n2 is at table ${number - 1} of ${number}; port 8080 on n3: in use by another program`,
    });
  });

  it("is pending where no node has a proxy, with what each of them says", async () => {
    for (const name of ["n1", "n2", "n3"])
      shown.says(name, { ...status(0), proxy: { state: "unavailable", reason: "no image, no program" } });
    expect(await port()).toMatchObject({
      status: "pending",
      reason: expect.stringContaining("answers nowhere: n1 has no proxy: no image, no program") as string,
    });
  });

  it("is nobody's guess on a silent node", async () => {
    for (const name of ["n1", "n2", "n3"]) shown.says(name, status(shown.stage.state.number));
    shown.world.says("n2", { lastHeardAtMs: undefined });
    expect(await port()).toMatchObject({ status: "partly", reason: expect.stringContaining("n2 is unknown") as string });
  });

  it("is pending while another deployment holds it", async () => {
    shown.stage.serve("late", ports(8080));
    await shown.write();
    const { items } = await shown.world.value<{ items: PortItem[] }>("ingress.ports", { deployment: "late" });
    expect(items).toMatchObject([{ status: "pending", reason: "port 8080 is held by deployment web" }]);
  });
});

it("a node whose proxy is idle is in no trouble, unless something is published", async () => {
  const idle = { ...status(0), proxy: { state: "idle" as const } };
  for (const name of ["n1", "n2", "n3"]) shown.says(name, idle);
  expect(await port()).toMatchObject({ status: "pending", reason: expect.stringContaining("the proxy of n1 has not begun") as string });
  const { nodes } = await shown.world.value<{ nodes: readonly { readonly trouble?: string }[] }>("ingress.get");
  expect(nodes.map(({ trouble }) => trouble)).toEqual([undefined, undefined, undefined]);
});

describe("a replica", () => {
  it("shows since when it is in the pools, and what it still has to do before it stops", async () => {
    await shown.world.container("web.1.1", { node: "n1" });
    for (const name of ["n1", "n2", "n3"]) shown.says(name, status(shown.stage.state.number));
    await shown.write();
    expect(await shown.world.value("containers.get", { id: "web.1.1" })).toMatchObject({
      pool: { phase: "in-pool", sinceMs: shown.stage.nowMs },
    });
    shown.stage.withdraw("web.1.1");
    await shown.world.container("web.1.1", { node: "n1", phase: "draining" });
    shown.says("n1", status(shown.stage.state.number, [{ placementId: "web.1.1", connections: 3 }]));
    await shown.write();
    expect(await shown.world.value("containers.get", { id: "web.1.1" })).toMatchObject({
      reason: "3 connections left",
      pool: { phase: "draining", connections: 3, waitingFor: ["n2", "n3"] },
    });
  });
});
