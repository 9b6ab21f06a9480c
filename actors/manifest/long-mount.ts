import type { Mount } from "../deployment/mount-contract.ts";
import type { Draft } from "./draft.ts";
import { pairs } from "./environment.ts";
import { different, type FieldTable, type ForeignFields, honoured, passedOver, readFields, refused, type Rule } from "./fields.ts";
import { anonymous, bind, named, PROPAGATION, relabelling } from "./mount-kinds.ts";
import { asTarget, isTarget } from "./mount-syntax.ts";
import { projectMount } from "./project-mounts.ts";
import { fileMode, sizeBytes } from "./quantities.ts";
import type { Place, Reading } from "./reading.ts";

interface LongMount {
  type: "volume" | "bind" | "tmpfs" | "other";
  source?: string;
  target?: string;
  readOnly?: boolean;
  noCopy?: boolean;
  subpath?: string;
  labels?: Record<string, string>;
  propagation?: (typeof PROPAGATION)[number];
  createSource: boolean;
  shallow?: boolean;
  sizeBytes?: number;
  mode?: string;
  /** What stands here as the file itself. */
  file?: { readonly at: Place; readonly content?: string; readonly mode?: number };
  /** Options of one type of mount, where they stand. */
  readonly options: Map<"volume" | "bind" | "tmpfs", Place>;
}

const volumeFields: FieldTable<LongMount> = {
  nocopy: honoured((reading, at, mount) => {
    if (reading.flag(at) === true) mount.noCopy = true;
  }),
  subpath: honoured((reading, at, mount) => {
    const subpath = reading.text(at);
    if (subpath !== undefined) mount.subpath = subpath;
  }),
  labels: honoured((reading, at, mount) => {
    mount.labels = pairs(reading, at, () => "");
  }),
};

const bindFields: FieldTable<LongMount> = {
  propagation: honoured((reading, at, mount) => {
    const propagation = reading.oneOf(at, PROPAGATION);
    if (propagation !== undefined) mount.propagation = propagation;
  }),
  create_host_path: honoured((reading, at, mount) => {
    mount.createSource = reading.flag(at) !== false;
  }),
  recursive: different(
    "enabled and disabled, others are refused; what is mounted below is read-only where the kernel can do it.",
    (reading, at, mount) => {
      const recursive = reading.oneOf(at, ["enabled", "disabled", "writable", "readonly"]);
      if (recursive === "disabled") mount.shallow = true;
      else if (recursive !== undefined && recursive !== "enabled")
        reading.refuse(at, `"${recursive}" cannot be asked for; only enabled and disabled.`, "leave it out.");
    },
  ),
  selinux: different("Directories of a node are not labelled for SELinux.", relabelling),
};

const tmpfsFields: FieldTable<LongMount> = {
  size: honoured((reading, at, mount) => {
    const bytes = reading.amount(at, sizeBytes, "64m");
    if (bytes !== undefined) mount.sizeBytes = bytes;
  }),
  mode: honoured((reading, at, mount) => {
    const mode = fileMode(at.value);
    if (mode === undefined) reading.invalid(at, "This is not a mode of a file.", 'write it in octal, like "1777".');
    else mount.mode = mode.toString(8);
  }),
};

const unsupported: Readonly<Record<string, string>> = {
  npipe: "Named pipes exist on Windows only, and nodes run Linux.",
  cluster: "Volumes of a Swarm cluster are not supported.",
  image: "The content of another image cannot be mounted yet.",
};

const within = (type: "volume" | "bind" | "tmpfs", fields: FieldTable<LongMount>): Rule<LongMount> =>
  honoured((reading, at, mount) => {
    mount.options.set(type, at);
    readFields(reading, at, fields, mount);
  }, fields);

export const longMountFields: FieldTable<LongMount> = {
  type: different("volume, bind and tmpfs; others are refused.", (reading, at, mount) => {
    const type = reading.text(at);
    if (type === "volume" || type === "bind" || type === "tmpfs") mount.type = type;
    else if (type !== undefined) {
      mount.type = "other";
      const reason = Object.hasOwn(unsupported, type) ? unsupported[type] : undefined;
      if (reason === undefined) reading.invalid(at, `"${type}" is not a type of mount.`, "write volume, bind or tmpfs.");
      else reading.refuse(at, reason, "write volume, bind or tmpfs.");
    }
  }),
  source: honoured((reading, at, mount) => {
    const source = reading.text(at);
    if (source !== undefined) mount.source = source;
  }),
  target: honoured((reading, at, mount) => {
    const target = reading.text(at);
    if (target !== undefined) mount.target = asTarget(target);
  }),
  read_only: honoured((reading, at, mount) => {
    if (reading.flag(at) === true) mount.readOnly = true;
  }),
  consistency: passedOver("It means something to Docker Desktop alone.", "leave it out."),
  bind: within("bind", bindFields),
  volume: within("volume", volumeFields),
  tmpfs: within("tmpfs", tmpfsFields),
  image: refused("The content of another image cannot be mounted yet.", "leave it out."),
};

const foreign: ForeignFields<LongMount> = {
  content: {
    reason: "content beside a mount is a field of Coolify, not of Compose: it is the file, as it is written here, and read-only.",
    instead: "write it under configs.",
    read: (reading, at, mount) => {
      const content = reading.isNull(at) ? "" : reading.text(at);
      if (content !== undefined) mount.file = { ...mount.file, at, content };
    },
  },
  mode: {
    reason: "mode beside a mount is a field of Coolify, not of Compose: it is the file's.",
    instead: "write it where a service names a config.",
    read: (reading, at, mount) => {
      const mode = fileMode(at.value);
      if (mode === undefined || mode > 0o777) reading.invalid(at, "This is not a mode of a file.", 'write it in octal, like "0755".');
      else mount.file = { at, ...mount.file, mode };
    },
  },
  is_directory: { reason: "is_directory is a field of Coolify, not of Compose." },
  isDirectory: { reason: "isDirectory is a field of Coolify, not of Compose." },
};

/** A mount as a mapping; what is memory becomes a tmpfs of the draft. */
export function longMount(reading: Reading, item: Place, draft: Draft): Mount | undefined {
  const mount: LongMount = { type: "volume", createSource: true, options: new Map() };
  readFields(reading, item, longMountFields, mount, { foreign });
  const { type, source, target, readOnly } = mount;
  if (type === "other") return undefined;
  for (const [other, at] of mount.options)
    if (other !== type) reading.differs(at, `Options of a ${other} mean nothing to a mount of type ${type}.`, "leave them out.");
  if (target === undefined) return reading.invalid(item, "A mount needs its target.", "write target: and the path in the container.");
  if (!isTarget(reading, item, target)) return undefined;
  if (mount.file !== undefined && (type !== "bind" || mount.file.content === undefined))
    return reading.invalid(mount.file.at, "Only a file of a mount of type bind is written here: its content, and the mode of that.");
  if (type === "tmpfs") {
    draft.addTmpfs({ target, ...tmpfsOptions(mount) }, item);
    return undefined;
  }
  if (type === "bind") {
    if (source === undefined)
      return reading.invalid(
        item,
        "A mount of type bind needs its source.",
        "write source: and the path on the node, or beside the manifest.",
      );
    if (mount.file !== undefined || !source.startsWith("/")) {
      const { content, mode } = mount.file ?? {};
      return projectMount(
        reading,
        item,
        { source, target, readOnly: readOnly === true, mayBeMade: mount.createSource, content, mode },
        draft,
      );
    }
    const made = bind(reading, item, source, target, mount.createSource);
    return { ...made, ...(readOnly && { readOnly }), ...only(mount, ["propagation", "shallow"]) };
  }
  if (source === undefined || source === "") return anonymous(reading, item, target);
  const made = named(reading, item, source, target);
  const labels = mount.labels === undefined ? {} : { labels: { ...made.labels, ...mount.labels } };
  return { ...made, ...(readOnly && { readOnly }), ...only(mount, ["noCopy", "subpath"]), ...labels };
}

function only<Key extends keyof LongMount>(mount: LongMount, keys: readonly Key[]): Pick<LongMount, Key> {
  return Object.fromEntries(keys.flatMap((key) => (mount[key] === undefined ? [] : [[key, mount[key]]]))) as Pick<LongMount, Key>;
}

function tmpfsOptions({ sizeBytes: bytes, mode, readOnly }: LongMount): { readonly options?: string } {
  const options = [
    ...(readOnly === true ? ["ro"] : []),
    ...(bytes ? [`size=${bytes}`] : []),
    ...(mode === undefined ? [] : [`mode=${mode}`]),
  ];
  return options.length === 0 ? {} : { options: options.join(",") };
}
