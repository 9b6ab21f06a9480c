import type { Draft } from "./draft.ts";
import { type FieldTable, honoured, readFields, refused, type Rule } from "./fields.ts";
import type { Place, Reading } from "./reading.ts";
import type { Value } from "./value.ts";

const covered = refused("Volumes are not supported yet.");
const quiet: Rule<unknown> = { ...covered, read: () => undefined };
const longFields: FieldTable<unknown> = Object.fromEntries(
  ["type", "source", "target", "read_only", "consistency", "bind", "volume", "tmpfs", "image"].map((name) => [name, quiet]),
);
const foreign = {
  content: "The content of a file beside its mount is a field of Coolify, not of Compose.",
  is_directory: "is_directory is a field of Coolify, not of Compose.",
  isDirectory: "isDirectory is a field of Coolify, not of Compose.",
};

type MountKind = "named" | "bind" | "tmpfs" | "anonymous" | "other";

/** `tmpfs` of a service: `PATH` or `PATH:OPTIONS`. */
export const tmpfsRule: Rule<Draft> = honoured((reading, place, draft) => {
  const mounts = reading.itemsOrOne(place).map((item) => {
    const [target = "", ...options] = (reading.text(item) ?? "").split(":");
    return options.length === 0 ? { target } : { target, options: options.join(":") };
  });
  draft.set("tmpfs", [...(draft.spec.tmpfs ?? []), ...mounts], place);
});

/** `volumes` of a service: each mount is refused by itself, with what it would need. */
export const volumesRule: Rule<Draft> = {
  ...covered,
  read: (reading, place) => {
    for (const item of reading.items(place))
      refuseMount(reading, item, reading.isMap(item) ? longKind(reading, item) : shortKind(reading, item));
  },
};

function refuseMount(reading: Reading, item: Place, kind: MountKind | undefined): void {
  switch (kind) {
    case undefined:
      return;
    case "named":
      refuseNamed(reading, item);
      return;
    case "anonymous":
      reading.refuse(item, "Volumes are not supported yet, those without a name neither.", "leave it out where the data may be lost.");
      return;
    case "bind":
      reading.refuse(
        item,
        "A file or folder of the machine that holds the manifest is not on the nodes, and mounting a node's own is not supported yet.",
        "put the file into the image.",
      );
      return;
    case "tmpfs":
      reading.refuse(item, "Temporary file systems are not supported yet.");
      return;
    case "other":
      reading.refuse(item, "Mounts of this type are not supported.");
  }
}

function refuseNamed(reading: Reading, item: Place): void {
  const name = sourceOf(item.value);
  if (name === undefined || reading.declares("volumes", name))
    return reading.refuse(item, "Volumes are not supported yet: what the service writes there would be lost with its container.");
  reading.findings.error(
    "reference",
    item,
    `There is no volume "${name}" under volumes, where Compose wants one; and volumes are not supported yet.`,
  );
}

function sourceOf(value: Value): string | undefined {
  if (value.kind === "scalar") return value.text.split(":")[0];
  const source = value.kind === "map" ? value.fields.get("source") : undefined;
  return source?.kind === "scalar" ? source.text : undefined;
}

function shortKind(reading: Reading, item: Place): MountKind | undefined {
  const written = reading.text(item);
  if (written === undefined) return undefined;
  if (/^(\.|~|\/[^:]*:|[A-Za-z]:[\\/])/.test(written)) return "bind";
  return written.includes(":") ? "named" : "anonymous";
}

function longKind(reading: Reading, item: Place): MountKind | undefined {
  readFields(reading, item, longFields, undefined, { foreign });
  const fields = reading.fields(item);
  const at = fields.get("type");
  const written = at === undefined || reading.isNull(at) ? "volume" : reading.text(at);
  switch (written) {
    case undefined:
      return undefined;
    case "volume":
      return fields.has("source") ? "named" : "anonymous";
    case "bind":
    case "tmpfs":
      return written;
    case "npipe":
    case "cluster":
    case "image":
      return "other";
    default:
      return reading.invalid(at ?? item, `"${written}" is not a type of mount.`, "write volume, bind or tmpfs.");
  }
}
