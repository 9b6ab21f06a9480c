import { posix } from "node:path";
import type { Mount } from "../deployment/mount-contract.ts";
import type { Place, Reading } from "./reading.ts";
import { volumeNamed } from "./volume-definitions.ts";

/** How mounts of the node and of the container reach each other. */
export const PROPAGATION = ["private", "rprivate", "slave", "rslave", "shared", "rshared"] as const;

export function anonymous(reading: Reading, item: Place, target: string): Mount {
  reading.differs(
    item,
    "A volume without a name goes with its replica; Compose would hand it on to the next container.",
    "give it a name under volumes where the data matters.",
  );
  return { kind: "anonymous", target };
}

export function named(reading: Reading, item: Place, source: string, target: string): Extract<Mount, { kind: "volume" }> {
  const { name, external, driverOptions, labels } = volumeNamed(reading, source, item);
  return {
    kind: "volume",
    name,
    target,
    ...(external && { external }),
    ...(driverOptions !== undefined && { driverOptions: { ...driverOptions } }),
    ...(labels !== undefined && { labels: { ...labels } }),
  };
}

export function bind(
  reading: Reading,
  item: Place,
  source: string,
  target: string,
  createSource: boolean,
): Extract<Mount, { kind: "bind" }> {
  reading.differs(
    item,
    `${source} is the node's own, and each node has another: a replica is taken only by nodes whose agent's settings allow it, under allow.bindPaths.`,
    "use a named volume where it need not be the node's own.",
  );
  return { kind: "bind", source: withoutDots(source), target, ...(createSource && { createSource }) };
}

/** As it is compared with what a node allows. */
function withoutDots(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 ? normal.replace(/\/$/, "") : normal;
}

export function relabelling(reading: Reading, at: Place): void {
  reading.differs(at, "Directories of a node are not labelled for SELinux.", "label it on the node.");
}
