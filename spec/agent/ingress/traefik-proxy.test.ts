import { afterAll, beforeAll, expect, test } from "vitest";
import type { PoolMember } from "../../../actors/ingress/contract.ts";
import { appImage } from "../../../ops/testbed/app-image.ts";
import { requireCapability } from "../../support/capability.ts";
import { IngressBed } from "./ingress-bed.ts";

const describeOnTestbed = await requireCapability("root", "testbed");

describeOnTestbed("a proxy on real engines", () => {
  let ingress: IngressBed;
  let members: PoolMember[];

  beforeAll(async () => {
    ingress = await IngressBed.start("ingress", 2);
    await ingress.bed.registry.push(appImage("1"));
    members = await Promise.all([ingress.replica(1, 24_001, "web.1.1"), ingress.replica(2, 24_001, "web.2.1")]);
  });
  afterAll(() => ingress?.stop());

  const url = (node: number, port = 8080) => `http://${ingress.bed.node(node).address}:${port}/`;
  const pool = (over: readonly PoolMember[] = members) => ({
    id: "web/8080/tcp",
    protocol: "http" as const,
    members: [...over],
    sticky: false,
  });
  const port = { port: 8080, protocol: "tcp" as const, pool: "web/8080/tcp" };

  test("a published port answers on the node, over the replicas of both nodes", async () => {
    const began = performance.now();
    await ingress.serve(1, { ports: [port], pools: [pool()] });
    console.log(`serving after ${performance.now() - began} ms`);
    const told: string[] = [];
    for (let i = 0; i < 10; i += 1) told.push((await (await fetch(url(1))).text()).split(" ")[0]!);
    expect(new Set(told)).toEqual(new Set(["web.1.1", "web.2.1"]));
  });
});
