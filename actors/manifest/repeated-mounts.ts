import { posix } from "node:path";
import { asTarget, isPath, parseMount } from "./mount-syntax.ts";
import type { Place } from "./reading.ts";
import type { Value } from "./value.ts";

/** A mount as far as it is needed to see what it adds to another one. */
interface Shown {
  readonly item: Place;
  /** As written; undefined: it is nothing that lies beside the manifest. */
  readonly source: string | undefined;
  readonly target: string;
  readonly readOnly: boolean;
}

/**
 * Mounts that show what is at their place anyway: `./conf/live:/etc/live` beside `./conf:/etc`, which is one folder twice to Compose, and would be two
 * volumes here. By the mount; with the source around it.
 */
export function repeatedMounts(items: readonly Place[]): ReadonlyMap<Place, string> {
  const mounts = items.flatMap(shownBy);
  const repeated = new Map<Place, string>();
  for (const inner of mounts) {
    const [around] = mounts
      .filter(({ target }) => pathIn(target, inner.target) !== undefined)
      .toSorted((one, other) => other.target.length - one.target.length);
    if (inner.source === undefined || around?.source === undefined || around.readOnly !== inner.readOnly) continue;
    const path = pathIn(posix.normalize(around.source), posix.normalize(inner.source));
    if (path !== undefined && path === pathIn(around.target, inner.target)) repeated.set(inner.item, around.source);
  }
  return repeated;
}

function shownBy(item: Place): readonly Shown[] {
  const { value } = item;
  if (value.kind === "scalar") {
    const { source, target = "", options = [] } = parseMount(value.text) ?? {};
    return [{ item, source: besideManifest(source), target, readOnly: options.includes("ro") }];
  }
  if (value.kind !== "map") return [];
  const [type, source, target, readOnly] = ["type", "source", "target", "read_only"].map((name) => textOf(value.fields.get(name)));
  const isFolder = type === "bind" && !value.fields.has("content");
  return [{ item, source: isFolder ? besideManifest(source) : undefined, target: asTarget(target ?? ""), readOnly: readOnly === "true" }];
}

function besideManifest(source: string | undefined): string | undefined {
  return source === undefined || !isPath(source) || /^[/~]/.test(source) ? undefined : source;
}

function textOf(value: Value | undefined): string | undefined {
  return value?.kind === "scalar" ? value.text : undefined;
}

/** Undefined: it is not in it. */
function pathIn(folder: string, path: string): string | undefined {
  const inner = posix.relative(folder, path);
  return inner === "" || inner === ".." || inner.startsWith("../") ? undefined : inner;
}
