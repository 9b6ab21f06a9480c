import { describe, expect, test } from "vitest";
import { DeploymentSpec } from "../../../actors/deployment/contract.ts";
import { readProject } from "../../../actors/manifest/read-compose.ts";

const read = (text: string): ReturnType<typeof readProject> => readProject({ manifests: [{ file: "compose.yaml", text }], name: "shop" });
const messagesOf = (text: string): readonly string[] =>
  read(text).findings.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);

function networksOf(text: string): Readonly<Record<string, unknown>> {
  const { services, findings } = read(text);
  expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
  for (const { spec } of services) expect(DeploymentSpec.safeParse(spec).error?.issues).toBeUndefined();
  return Object.fromEntries(services.map(({ name, spec }) => [name, { networks: spec.networks, together: spec.together }]));
}

describe("networks of services", () => {
  test("is the project's own where nothing else is said, by the service's name; a service that is alone needs none", () => {
    expect(networksOf("services: {web: {image: a}, db_main: {image: b}}")).toEqual({
      web: { networks: [{ name: "shop_default", aliases: ["web"] }], together: "shop" },
      "db-main": { networks: [{ name: "shop_default", aliases: ["db_main"] }], together: "shop" },
    });
    expect(networksOf("services: {web: {image: a}}")).toEqual({ web: { networks: undefined, together: undefined } });
  });

  test("are those it names, with its aliases, the most important first", () => {
    expect(
      networksOf(`
services:
  web: {image: a, networks: {front: {aliases: [www]}, back: {priority: 10}}}
  db: {image: b, networks: [back]}
  lone: {image: c, networks: [own]}
  bare: {image: d, network_mode: bridge}
  none: {image: e, network_mode: none}
networks:
  front: {labels: {team: shop}, driver_opts: {com.docker.network.driver.mtu: "1400"}}
  back: {internal: true, name: everyones-back}
  own:
`),
    ).toEqual({
      web: {
        networks: [
          { name: "everyones-back", internal: true, aliases: ["web"] },
          {
            name: "shop_front",
            labels: { team: "shop" },
            driverOptions: { "com.docker.network.driver.mtu": "1400" },
            aliases: ["web", "www"],
          },
        ],
        together: "shop",
      },
      db: { networks: [{ name: "everyones-back", internal: true, aliases: ["db"] }], together: "shop" },
      lone: { networks: [{ name: "shop_own", aliases: ["lone"] }], together: undefined },
      bare: { networks: undefined, together: undefined },
      none: { networks: undefined, together: undefined },
    });
  });

  test("may have addresses of their own choice, and so may whoever has one replica", () => {
    const text = `
services:
  web: {image: a, networks: {n: {ipv4_address: 172.28.0.5, ipv6_address: "fd00::5"}}}
networks:
  n:
    enable_ipv6: true
    ipam:
      config:
        - {subnet: 172.28.0.0/16, ip_range: 172.28.5.0/24, gateway: 172.28.5.254, aux_addresses: {host1: 172.28.1.5}}
        - {subnet: "fd00::/64"}
`;
    expect(messagesOf(text)).toEqual([]);
    expect(networksOf(text)).toEqual({
      web: {
        networks: [
          {
            name: "shop_n",
            aliases: ["web"],
            ipv6: true,
            ipv4Address: "172.28.0.5",
            ipv6Address: "fd00::5",
            subnets: [
              { subnet: "172.28.0.0/16", range: "172.28.5.0/24", gateway: "172.28.5.254", reserved: { host1: "172.28.1.5" } },
              { subnet: "fd00::/64" },
            ],
          },
        ],
        together: undefined,
      },
    });
  });

  test("that keep services together are said to", () => {
    expect(messagesOf("services: {web: {image: a}, db: {image: b}}")).toEqual([
      expect.stringMatching(/^warning services: Services find each other by name on one node, so all their replicas run on one/),
    ]);
    expect(messagesOf("services: {web: {image: a}, db: {image: b, network_mode: bridge}}")).toEqual([]);
  });

  test("tie no service to one node that is on every node, and say what its names lead to", () => {
    const text = "services: {web: {image: a}, db: {image: b}, logs: {image: c, deploy: {mode: global}}}";
    expect(networksOf(text)).toMatchObject({ web: { together: "shop" }, db: { together: "shop" }, logs: { together: undefined } });
    const both = "services: {web: {image: a}, logs: {image: c, deploy: {mode: global}}}";
    expect(networksOf(both)).toMatchObject({ web: { together: undefined }, logs: { together: undefined } });
    expect(messagesOf(both)).toEqual([
      expect.stringMatching(/^warning services\.logs\.deploy\.mode: On each node, names lead .* only among what runs on that node/),
    ]);
  });

  test("that are there already are used where the node allows it", () => {
    const text = "services: {web: {image: a, networks: [old]}}\nnetworks: {old: {external: true}}";
    expect(networksOf(text)).toEqual({ web: { networks: [{ name: "old", external: true, aliases: ["web"] }], together: undefined } });
    expect(messagesOf(text)).toEqual([expect.stringMatching(/^warning networks\.old\.external: .*allow\.networks/)]);
  });

  test("find a service by its container_name, too, as many files count on", () => {
    const text = "services: {web: {image: a, environment: {DB: shop_postgres}}, db: {image: b, container_name: shop_postgres}}";
    expect(networksOf(text)["db"]).toMatchObject({ networks: [{ aliases: ["db", "shop_postgres"] }] });
    expect(messagesOf(text)).toContainEqual(
      "warning services.db.container_name: A container is named after its replica; others on its networks find it by this name, too.",
    );
  });

  test("are linked by name; another name is one for all on their network, unless somebody there has it", () => {
    const linked = (link: string): string => `services: {web: {image: a, links: ["${link}"]}, db: {image: b}}`;
    expect(read(linked("db")).services.find(({ name }) => name === "web")?.after).toEqual([
      { service: "db", condition: "started", restart: true },
    ]);
    expect(networksOf(linked("db:database"))["db"]).toMatchObject({ networks: [{ aliases: ["db", "database"] }] });
    expect(messagesOf(linked("db:database"))).toContainEqual(
      expect.stringMatching(/^warning .*links\[0\]: database becomes a name of db for all on their network/),
    );
    const taken = "services: {web: {image: a, links: ['db:cache']}, db: {image: b}, cache: {image: c}}";
    expect(messagesOf(taken)).toContainEqual(expect.stringMatching(/^error .*Another service than db has the name cache on this network/));
  });

  test.each([
    ["networks: [missing]", "", /^error services\.web\.networks\[0\]: There is no network "missing" under networks/],
    ["networks: {n: {ipv4_address: 10.0.0.2}}", "networks: {n: }", /^error .*ipv4_address: The network shop_n has no subnet of its own/],
    [
      "networks: {n: {ipv4_address: 10.9.0.2}}\n    scale: 2",
      "networks: {n: {ipam: {config: [{subnet: 10.9.0.0/16}]}}}",
      /^error .*ipv4_address: 2 replicas cannot have one address/,
    ],
    ["networks: {n: {mac_address: 02:42:ac:11:65:43}}", "networks: {n: }", /^error .*mac_address: The engine gives it out/],
    ["networks: {n: {driver_opts: {a: b}}}", "networks: {n: }", /^error .*Options of one connection/],
    ["networks: {n: {gw_priority: 1}}", "networks: {n: }", /^warning .*The engine chooses/],
    ["networks: [n]", "networks: {n: {driver: macvlan}}", /^error networks\.n\.driver: The driver macvlan cannot be had/],
    ["networks: [n]", "networks: {n: {driver: overlay}}", /^warning networks\.n\.driver: No network spans nodes yet/],
    [
      "networks: [n]",
      "networks: {n: {driver_opts: {encrypted: ''}, driver: overlay}}",
      /^warning networks\.n\.driver_opts: The option encrypted is one of an overlay, and changes nothing/,
    ],
    [
      "networks: [n]",
      "networks: {n: {external: true, internal: true}}",
      /^warning networks\.n\.internal: internal means nothing beside external/,
    ],
    [
      "networks: [n]",
      "networks: {n: {ipam: {config: [{gateway: 10.9.0.1}]}}}",
      /^error networks\.n\.ipam\.config\[0\]: Addresses need the subnet/,
    ],
    ["networks: [n]", "networks: {n: {ipam: {driver: other}}}", /^error networks\.n\.ipam\.driver: The driver other would have to be/],
    [
      "networks: [n]",
      "networks: {n: {ipam: {config: [{subnet: 10.9.0.0}]}}}",
      /^error networks\.n\.ipam\.config\[0\]\.subnet: "10\.9\.0\.0" is not a subnet/,
    ],
    [
      "networks: [n]",
      "networks: {n: {driver_opts: {com.docker.network.bridge.name: br-shop}}}",
      /^warning networks\.n\.driver_opts: com\.docker\.network\.bridge\.name is passed over/,
    ],
    [
      "networks: [n]",
      "networks: {n: {driver_opts: {com.docker.network.bridge.inhibit_ipv4: 'true'}}}",
      /^error networks\.n\.driver_opts: The option com\.docker\.network\.bridge\.inhibit_ipv4 reaches into the node/,
    ],
    [
      "network_mode: host\n    networks: [n]",
      "networks: {n: }",
      /^error services\.web\.networks: A service with a network_mode is on no networks/,
    ],
  ])("%s", (fields, top, expected) => {
    expect(messagesOf(`services:\n  web:\n    image: a\n    ${fields}\n${top}`)).toContainEqual(expect.stringMatching(expected));
  });
});
