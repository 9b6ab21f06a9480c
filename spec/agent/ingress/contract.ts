import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { IngressStatus, PoolMember } from "../../../actors/ingress/contract.ts";
import type { IngressCounts } from "../../../actors/ingress/counts-contract.ts";
import { poolOf, type TrafficInput } from "./tables.ts";

/** A node whose proxy is told tables, and what a test does around it. */
export interface ProxyWorld {
  /** Gives it the next table. */
  send(table: TrafficInput): Promise<void>;
  told(): IngressStatus | undefined;
  /** What it has counted, as told last. */
  counted(): IngressCounts | undefined;
  until(what: string, holds: () => boolean): Promise<void>;
  /** A replica that takes connections. */
  readonly member: PoolMember;
  /** A client holds a connection to it, through the published port. Answers how to end it. */
  hold(port: number): Promise<() => void>;
  /** Another program of the node listens. Answers how to end it. */
  occupy(port: number): Promise<() => void>;
  stop(): Promise<void>;
}

const PORT = 9000;
const port = { port: PORT, protocol: "tcp" as const, pool: "web/9000/tcp" };

/** What every proxy does, whatever it is made of. */
export function proxyContract(world: () => Promise<ProxyWorld>): void {
  describe("a proxy", () => {
    let given: ProxyWorld;
    beforeAll(async () => {
      given = await world();
    });
    afterAll(() => given?.stop());

    const published = () => ({ ports: [port], pools: [poolOf(port.pool, [given.member], { protocol: "tcp" })] });
    const serving = () => given.told()?.serving.number ?? 0;

    async function serve(table: TrafficInput): Promise<void> {
      const before = serving();
      await given.send(table);
      await given.until("it is served", () => serving() > before);
    }

    async function runs(): Promise<void> {
      await serve(published());
      await given.until(
        "it runs and leads its ports",
        () => given.told()?.proxy.state === "running" && given.told()?.failedPorts.length === 0,
      );
    }

    test("is idle while nothing asks for it, and serves even that", async () => {
      await serve({});
      expect(given.told()).toMatchObject({ proxy: { state: "idle" }, failedPorts: [], draining: [] });
    });

    test("runs once a port asks for it, and tells its version and since when", async () => {
      await runs();
      expect(given.told()?.proxy).toEqual({ state: "running", version: expect.stringMatching(/^3\./), sinceMs: expect.any(Number) });
    });

    test("counts the connections of a replica that left until the last has ended; one that comes back is counted no longer", async () => {
      await runs();
      const end = await given.hold(PORT);
      const left = () =>
        given
          .told()
          ?.draining.map(({ placementId, connections }) => `${placementId} ${connections}`)
          .join();
      await serve({ ports: [port], pools: [poolOf(port.pool, [], { protocol: "tcp" })] });
      await given.until("it is counted", () => left() === `${given.member.placementId} 1`);
      await serve(published());
      await given.until("it is none that left", () => left() === "");
      await serve({ ports: [port], pools: [poolOf(port.pool, [], { protocol: "tcp" })] });
      await given.until("it is counted again", () => left() === `${given.member.placementId} 1`);
      end();
      await given.until("it has drained", () => left() === "");
    });

    test("tells regularly that it is up, and how many connections its clients hold", async () => {
      await runs();
      await given.until("it is up", () => given.counted()?.proxy === "up" && given.counted()?.openConnections === 0);
      const end = await given.hold(PORT);
      await given.until("the connection is counted", () => given.counted()?.openConnections === 1);
      end();
      await given.until("it is counted no more", () => given.counted()?.openConnections === 0);
    });

    test("tells of a port that another program has, in one sentence, until it is free", async () => {
      const free = await given.occupy(PORT + 1);
      await given.send({ ...published(), ports: [port, { ...port, port: PORT + 1 }] });
      const failed = () => given.told()?.failedPorts.filter(({ reason }) => reason.includes("in use by another program")) ?? [];
      await given.until("it is told", () => failed().length === 1);
      expect(failed()).toMatchObject([{ port: PORT + 1, protocol: "tcp" }]);
      free();
      await given.until("the port is free", () => given.told()?.failedPorts.length === 0);
    });

    test("is idle again when the last port has gone", async () => {
      await runs();
      await serve({});
      await given.until("it is idle", () => given.told()?.proxy.state === "idle");
      expect(given.told()).toMatchObject({ failedPorts: [], draining: [] });
    });
  });
}
