import { describe, expect, test } from "vitest";
import { PinnedTemplate } from "../../../actors/deployment/contract.ts";
import { demandsOf, isAllowed, NodeAllowance } from "../../../actors/node/allowance-contract.ts";

const image = { reference: "a:1", digest: `sha256:${"1".repeat(64)}`, source: "registry" } as const;
const wantsOf = (template: object): readonly string[] =>
  demandsOf(PinnedTemplate.parse({ image, ...template })).map(({ setting, value }) => `${setting} ${value}`);
const volume = (driverOptions: object): object => ({ mounts: [{ kind: "volume", name: "v", target: "/v", driverOptions }] });

describe("what a replica wants of its node", () => {
  test("is nothing, as long as it stays within itself", () => {
    expect(
      wantsOf({
        capAdd: ["NET_ADMIN", "SYS_PTRACE"],
        securityOptions: ["no-new-privileges", "no-new-privileges=true"],
        namespaces: { ipc: "private", network: "none" },
        tmpfs: [{ target: "/run" }],
        mounts: [
          { kind: "volume", name: "data", target: "/data" },
          { kind: "anonymous", target: "/cache" },
        ],
      }),
    ).toEqual([]);
  });

  test("is a directory, a disk or a volume that it is given in any disguise", () => {
    expect(wantsOf({ mounts: [{ kind: "bind", source: "/srv", target: "/srv", propagation: "rshared" }] })).toEqual([
      "bindPaths /srv",
      "privileged true",
    ]);
    expect(wantsOf({ mounts: [{ kind: "volume", name: "old", target: "/old", external: true }] })).toEqual(["volumes old"]);
    expect(wantsOf(volume({ type: "none", o: "bind", device: "/etc" }))).toEqual(["bindPaths /etc"]);
    expect(wantsOf(volume({ o: "rbind,ro", type: "nfs5", device: "/etc" }))).toEqual(["bindPaths /etc"]);
    expect(wantsOf(volume({ type: "ext4", device: "/dev/sda1" }))).toEqual(["devices /dev/sda1"]);
    expect(wantsOf(volume({ type: "none", o: "bind", device: "/srv/../etc" }))).toEqual(["privileged true"]);
    expect(wantsOf(volume({ type: "nfs", o: "addr=192.0.2.1", device: ":/export" }))).toEqual([]);
    expect(wantsOf(volume({ type: "tmpfs", device: "tmpfs" }))).toEqual([]);
  });

  test("a bind that calls itself a remote file system is still a bind", () => {
    expect(wantsOf(volume({ type: "nfs", o: "bind", device: "/etc" }))).toEqual(["bindPaths /etc"]);
  });
});

describe("what a node allows", () => {
  test("is a directory with what is below it, and nothing that only begins alike", () => {
    const allowance = NodeAllowance.parse({ bindPaths: ["/srv/media"], privileged: true });
    const allows = (value: string): boolean => isAllowed({ setting: "bindPaths", value }, allowance);
    expect([
      allows("/srv/media"),
      allows("/srv/media/a"),
      allows("/srv/media/"),
      allows("/srv/mediathek"),
      allows("/srv"),
      allows("/"),
    ]).toEqual([true, true, true, false, false, false]);
    expect(isAllowed({ setting: "bindPaths", value: "/anything" }, NodeAllowance.parse({ bindPaths: ["/"] }))).toBe(true);
  });

  test("to privileged containers is all but the node's data", () => {
    const allowance = NodeAllowance.parse({ privileged: true });
    expect(isAllowed({ setting: "capabilities", value: "SYS_ADMIN" }, allowance)).toBe(true);
    expect(isAllowed({ setting: "bindPaths", value: "/etc" }, allowance)).toBe(false);
    expect(isAllowed({ setting: "volumes", value: "theirs" }, allowance)).toBe(false);
  });
});
