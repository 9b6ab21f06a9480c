import type { Draft } from "./draft.ts";
import { type FieldTable, readFields, refused, type Rule } from "./fields.ts";
import type { Place, Reading } from "./reading.ts";

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
      reading.refuse(item, "Volumes are not supported yet: what the service writes there would be lost with its container.");
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
