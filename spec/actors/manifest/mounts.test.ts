import { describe, expect, test } from "vitest";
import { DeploymentSpec } from "../../../actors/deployment/contract.ts";
import { readProject } from "../../../actors/manifest/read-compose.ts";

const TOP = `
volumes:
  data:
  shared: {name: everyones, labels: {team: shop}}
  nfs: {driver_opts: {type: nfs, o: "addr=192.0.2.1", device: ":/export"}}
  old: {external: true, name: legacy_data}
  older: {external: {name: very_old}}
`;

function read(mounts: string, top = TOP): ReturnType<typeof readProject> {
  const text = `services:\n  web:\n    image: nginx:1\n    volumes: ${mounts}\n${top}`;
  return readProject({ manifests: [{ file: "compose.yaml", text }], name: "shop" });
}

function mountsOf(mounts: string): unknown {
  const { services, findings } = read(mounts);
  expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(DeploymentSpec.safeParse(services[0]?.spec).error?.issues).toBeUndefined();
  return services[0]?.spec.mounts;
}

const messagesOf = (mounts: string, top?: string): readonly string[] =>
  read(mounts, top).findings.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
const oldVolumes = /^warning volumes\.old/;

describe("mounts of a service", () => {
  test("a volume of the project is named after it; one with a name of its own, or from elsewhere, keeps that", () => {
    expect(mountsOf('["data:/data", "shared:/shared:ro", "nfs:/nfs:nocopy", "old:/old", "older:/older:rw"]')).toEqual([
      { kind: "volume", name: "shop_data", target: "/data" },
      { kind: "volume", name: "everyones", target: "/shared", readOnly: true, labels: { team: "shop" } },
      {
        kind: "volume",
        name: "shop_nfs",
        target: "/nfs",
        noCopy: true,
        driverOptions: { type: "nfs", o: "addr=192.0.2.1", device: ":/export" },
      },
      { kind: "volume", name: "legacy_data", target: "/old", external: true },
      { kind: "volume", name: "very_old", target: "/older", external: true },
    ]);
  });

  test("in the long form, with what belongs to each type", () => {
    expect(
      mountsOf(`
      - {type: volume, source: data, target: /data, read_only: true, volume: {nocopy: true, subpath: part, labels: [a=b]}}
      - {type: bind, source: /srv/media, target: /media, bind: {propagation: rslave, create_host_path: false, recursive: disabled}}
      - {type: bind, source: /srv/other, target: /other, read_only: true}`),
    ).toEqual([
      { kind: "volume", name: "shop_data", target: "/data", readOnly: true, noCopy: true, subpath: "part", labels: { a: "b" } },
      { kind: "bind", source: "/srv/media", target: "/media", propagation: "rslave", shallow: true },
      { kind: "bind", source: "/srv/other", target: "/other", createSource: true, readOnly: true },
    ]);
    expect(read("[{type: tmpfs, target: /run, tmpfs: {size: 1m, mode: 0755}}]").services[0]?.spec.tmpfs).toEqual([
      { target: "/run", options: "size=1048576,mode=755" },
    ]);
  });

  test("what lies on the node is asked for with a word about who allows it", () => {
    expect(mountsOf('["/etc/localtime:/etc/localtime:ro"]')).toEqual([
      { kind: "bind", source: "/etc/localtime", target: "/etc/localtime", createSource: true, readOnly: true },
    ]);
    expect(messagesOf('["/srv:/srv"]')).toContainEqual(
      expect.stringMatching(/^warning services\.web\.volumes\[0\]: \/srv is the node's own.*allow\.bindPaths/),
    );
  });

  test("a volume without a name goes with its replica, and that is said", () => {
    expect(mountsOf("[/cache]")).toEqual([{ kind: "anonymous", target: "/cache" }]);
    expect(messagesOf("[/cache]")).toContainEqual(expect.stringMatching(/^warning .*goes with its replica/));
  });

  test.each([
    ["[missing:/x]", /^warning .*There is no volume "missing" under volumes, where Compose wants one: it is made as if there were/],
    ['["data:/x:sideways"]', /^error .*"sideways" is not an option/],
    ['["a:b:c:d"]', /^error .*is not a mount/],
    ["[relative]", /^error .*is not a path in the container/],
    ["[{type: npipe, source: a, target: b}]", /^error .*Named pipes exist on Windows only/],
    [
      "[{type: volume, source: data, target: /x, bind: {selinux: z}}]",
      /^warning .*\.bind: Options of a bind mean nothing to a mount of type volume/,
    ],
    ['["data:/x", "shared:/x"]', /^warning services\.web\.volumes\[1\]: Something is mounted at \/x already/],
  ])("%s", (mounts, expected) => {
    expect(messagesOf(mounts).filter((message) => !oldVolumes.test(message))).toContainEqual(expect.stringMatching(expected));
  });

  test("another driver than local is refused, and what is there already is said to need the node's leave", () => {
    expect(messagesOf("[data:/data]", "volumes: {data: {driver: rexray}}")).toEqual([
      expect.stringMatching(/^error volumes\.data\.driver: .*on every node/),
    ]);
    expect(messagesOf("[data:/data]", "volumes: {data: {external: true}}")).toEqual([
      expect.stringMatching(/^warning volumes\.data\.external: .*allow\.volumes/),
    ]);
  });
});
