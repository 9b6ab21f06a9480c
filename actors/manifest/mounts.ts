import type { Mount } from "../deployment/mount-contract.ts";
import type { Draft } from "./draft.ts";
import { different, type FieldTable, honoured, type Rule } from "./fields.ts";
import { longMount, longMountFields } from "./long-mount.ts";
import { anonymous, bind, named, PROPAGATION, relabelling } from "./mount-kinds.ts";
import { isPath, isTarget, parseMount } from "./mount-syntax.ts";
import { projectMount } from "./project-mounts.ts";
import type { Place, Reading } from "./reading.ts";
import { repeatedMounts } from "./repeated-mounts.ts";

/** `tmpfs` of a service: `PATH` or `PATH:OPTIONS`. */
export const tmpfsRule: Rule<Draft> = honoured((reading, place, draft) => {
  for (const item of reading.itemsOrOne(place)) {
    const [target = "", ...options] = (reading.text(item) ?? "").split(":");
    draft.addTmpfs(options.length === 0 ? { target } : { target, options: options.join(":") }, place);
  }
});

/** `volumes` of a service. */
export const volumesRule: Rule<Draft> = different(
  "A named volume stays on its node, and replicas that use it run there; a global service has one on each node, with data of its own. A path of the node is mounted where the node allows it. A file beside the manifest is read when it is applied, and is read-only; so is a folder of files that is mounted read-only, and one that is not is refused. A folder that is not there becomes a volume.",
  (reading, place, draft) => {
    const mounts = new Map<string, Mount>();
    const items = reading.items(place);
    const repeated = repeatedMounts(items);
    for (const item of items) {
      const around = repeated.get(item);
      if (around !== undefined) {
        reading.differs(item, `It is in ${around}, which is mounted around it: the container has it there already.`, "leave it out.");
        continue;
      }
      const mount = reading.isMap(item) ? longMount(reading, item, draft) : shortMount(reading, item, draft);
      if (mount === undefined) continue;
      if (mounts.has(mount.target))
        reading.differs(
          item,
          `Something is mounted at ${mount.target} already; the last one holds, with Compose too.`,
          "leave one of them out.",
        );
      mounts.set(mount.target, mount);
    }
    if (mounts.size > 0) draft.set("mounts", [...mounts.values()], place);
  },
  longMountFields satisfies FieldTable<never>,
);

function shortMount(reading: Reading, item: Place, draft: Draft): Mount | undefined {
  const written = reading.text(item);
  if (written === undefined) return undefined;
  const parts = parseMount(written);
  if (parts === undefined) return reading.invalid(item, `"${written}" is not a mount.`, "write VOLUME:/path/in/the/container.");
  const { source, target, options } = parts;
  if (!isTarget(reading, item, target)) return undefined;
  if (source === undefined) return anonymous(reading, item, target);
  const mount = !isPath(source)
    ? named(reading, item, source, target)
    : source.startsWith("/")
      ? bind(reading, item, source, target, true)
      : projectMount(reading, item, { source, target, readOnly: options.includes("ro"), mayBeMade: true }, draft);
  return options.reduce<Mount | undefined>((made, option) => withOption(reading, item, made, option), mount);
}

/** What is no mount here, but one of the container's files, is read-only in any case. */
function withOption(reading: Reading, item: Place, mount: Mount | undefined, option: string): Mount | undefined {
  const propagation = PROPAGATION.find((kind) => kind === option);
  if (option === "ro" && mount?.kind !== "anonymous") return mount && { ...mount, readOnly: true };
  if ((option === "nocopy" || option === "volume-nocopy") && mount?.kind === "volume") return { ...mount, noCopy: true };
  if (propagation !== undefined && mount?.kind === "bind") return { ...mount, propagation };
  if (mount?.kind === "bind" && (option === "z" || option === "Z")) relabelling(reading, item);
  else if (!["rw", "copy", "cached", "delegated", "consistent", "z", "Z"].includes(option))
    reading.invalid(item, `"${option}" is not an option of this mount.`, "write ro or rw.");
  return mount;
}
