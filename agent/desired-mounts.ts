import type { SealedFile } from "../actors/deployment/file-contract.ts";
import type { Mount } from "../actors/deployment/mount-contract.ts";
import type { EngineMount } from "./engine/port.ts";
import { LABEL } from "./labels.ts";

/** `ody-acme-shop_data`: volumes of different tenants on one node never share a name. */
export function engineVolumeName(tenant: string, name: string): string {
  return `ody-${tenant}-${name}`;
}

/** What the engine is asked to mount. The person's own labels of a volume never hide ours. */
export function desiredMounts(
  mounts: readonly Mount[],
  { tenant, node }: { readonly tenant: string; readonly node: string },
): EngineMount[] {
  return mounts.map((mount): EngineMount => {
    switch (mount.kind) {
      case "anonymous":
        return mount;
      case "bind":
        return {
          kind: "bind",
          source: mount.source,
          target: mount.target,
          readOnly: mount.readOnly ?? false,
          propagation: mount.propagation,
          shallow: mount.shallow ?? false,
          createSource: mount.createSource ?? false,
        };
      case "volume": {
        const labels = { ...mount.labels, [LABEL.tenant]: tenant, [LABEL.node]: node, [LABEL.volume]: mount.name };
        return {
          kind: "volume",
          name: mount.external === true ? mount.name : engineVolumeName(tenant, mount.name),
          target: mount.target,
          readOnly: mount.readOnly ?? false,
          noCopy: mount.noCopy ?? false,
          subpath: mount.subpath,
          make: mount.external === true ? undefined : { labels, driverOptions: mount.driverOptions ?? {} },
        };
      }
    }
  });
}

/** Read-only, and an error when the source is missing: a container never starts without what it was given. */
export function fileMounts(files: readonly SealedFile[], paths: readonly string[]): EngineMount[] {
  return files.flatMap(({ target }, index): EngineMount[] => {
    const source = paths[index];
    if (source === undefined) return [];
    return [{ kind: "bind", source, target, readOnly: true, propagation: undefined, shallow: false, createSource: false }];
  });
}
