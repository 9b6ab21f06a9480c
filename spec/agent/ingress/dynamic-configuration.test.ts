import fc from "fast-check";
import { expect, test } from "vitest";
import type { BalancedPort, IngressTable, Pool } from "../../../actors/ingress/contract.ts";
import { dynamicConfiguration } from "../../../agent/ingress/dynamic-configuration.ts";
import { allocate, EMPTY_ALLOCATION } from "../../../agent/ingress/entry-points.ts";
import { memberOf, poolOf, routeOf, tableOf } from "./tables.ts";

function configurationOf(table: IngressTable, withheld: readonly string[] = [], isRetiring = false) {
  const allocation = allocate(EMPTY_ALLOCATION, table.ports);
  const input = { table, certificates: [], withheld: new Set(withheld), allocation, challengePort: undefined, isRetiring };
  return dynamicConfiguration(input, "a", "table-1-1-x");
}

test("no section is ever empty, whatever a table holds: the proxy would refuse the whole and keep what it served before", () => {
  const pool = fc.record({
    protocol: fc.constantFrom<Pool["protocol"]>("http", "grpc", "tcp", "udp"),
    members: fc.integer({ min: 0, max: 2 }),
  });
  fc.assert(
    fc.property(fc.array(pool, { maxLength: 4 }), fc.boolean(), fc.boolean(), (pools, hasRoute, isRetiring) => {
      const all = pools.map(({ protocol, members }, index) =>
        poolOf(
          `web/${index}/${protocol}`,
          Array.from({ length: members }, (_, slot) => memberOf(`web.${slot}.1`, slot)),
          { protocol },
        ),
      );
      const ports = all.map(({ id, protocol }, index): BalancedPort => ({
        port: 8000 + index,
        protocol: protocol === "udp" ? "udp" : "tcp",
        pool: id,
      }));
      const routes = hasRoute ? [routeOf({ pool: all[0]?.id ?? "none", tls: "on" })] : [];
      const configuration = configurationOf(tableOf(1, { pools: all, ports, routes }), [], isRetiring) as Record<
        string,
        Record<string, object>
      >;
      for (const section of Object.values(configuration)) {
        for (const items of Object.values(section)) expect(Object.keys(items)).not.toEqual([]);
      }
      expect(configuration).toHaveProperty(["http", "routers", "odysseus", "rule"], "Path(`/table-1-1-x`)");
    }),
  );
});

test("a change of members is a change of servers alone", () => {
  const table = (members: readonly string[]) =>
    tableOf(1, {
      ports: [{ port: 80, protocol: "tcp", pool: "web/80/tcp" }],
      pools: [
        poolOf(
          "web/80/tcp",
          members.map((id, index) => memberOf(id, index)),
        ),
      ],
    });
  const withoutServers = (configuration: object) => JSON.stringify(configuration).replaceAll(/"servers":\[[^\]]*\]/g, "");
  expect(withoutServers(configurationOf(table(["web.1.1"])))).toBe(withoutServers(configurationOf(table(["web.1.1", "web.2.1"]))));
  expect(configurationOf(table(["web.1.1", "web.2.1"]), ["web.2.1"])).toEqual(configurationOf(table(["web.1.1"])));
});
