import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_BALANCED_PORTS, RESERVED_PORTS } from "../../../actors/ingress/contract.ts";
import {
  allocate,
  CANARY_PORT,
  clientPorts,
  EMPTY_ALLOCATION,
  entryPort,
  entryPointOffsets,
  HALVES,
  portKey,
} from "../../../agent/ingress/entry-points.ts";

const tcp = (port: number) => ({ port, protocol: "tcp" as const });
const udp = (port: number) => ({ port, protocol: "udp" as const });

describe("the entry points that published ports are led to", () => {
  test("stay the same for as long as a port is published, whatever comes and goes beside it, and no two ports share one", () => {
    const port = fc.record({
      port: fc.integer({ min: 1, max: 300 }),
      protocol: fc.constantFrom("tcp" as const, "tcp" as const, "udp" as const),
    });
    const table = fc.uniqueArray(port, { maxLength: 60, selector: portKey });
    fc.assert(
      fc.property(fc.array(table, { minLength: 1, maxLength: 20 }), (tables) => {
        let before = EMPTY_ALLOCATION;
        for (const ports of tables) {
          const after = allocate(before, ports);
          for (const key of ports.map(portKey)) {
            if (before.offsets[key] !== undefined) expect(after.offsets[key]).toBe(before.offsets[key]);
            expect(after.offsets[key]).toBeDefined();
          }
          const used = Object.entries(after.offsets).map(([key, offset]) => `${key.split("/")[1]}-${offset}`);
          expect(new Set(used).size).toBe(ports.length);
          before = after;
        }
      }),
    );
  });

  test("wait for a port that was withdrawn to come back, until another one needs them", () => {
    const first = allocate(EMPTY_ALLOCATION, [tcp(80), tcp(81)]);
    const without = allocate(first, [tcp(80)]);
    const other = allocate(without, [tcp(80), tcp(82)]);
    expect(other.offsets["82/tcp"]).not.toBe(first.offsets["81/tcp"]);
    expect(allocate(other, [tcp(80), tcp(81)]).offsets["81/tcp"]).toBe(first.offsets["81/tcp"]);
  });

  test("are enough for the largest table, and of UDP, which has fewer, those beyond get none", () => {
    const all = allocate(
      EMPTY_ALLOCATION,
      Array.from({ length: MAX_BALANCED_PORTS }, (_, index) => tcp(1_000 + index)),
    );
    expect(Object.keys(all.offsets)).toHaveLength(MAX_BALANCED_PORTS);
    const many = allocate(
      EMPTY_ALLOCATION,
      Array.from({ length: 100 }, (_, index) => udp(1_000 + index)),
    );
    expect(Object.keys(many.offsets)).toHaveLength(64);
  });

  test("of both halves lie in the range that nobody can publish, and do not overlap", () => {
    const ports = HALVES.flatMap((half) => [0, ...entryPointOffsets("tcp")].map((offset) => entryPort(half, offset)));
    const [first, last] = RESERVED_PORTS.entryPoints;
    expect(new Set(ports).size).toBe(ports.length);
    expect(Math.min(...ports)).toBe(first);
    expect(Math.max(...ports)).toBeLessThan(last);
    expect(ports).not.toContain(CANARY_PORT);
    expect(clientPorts("a")[1]).toBeLessThan(clientPorts("b")[0]);
  });
});
