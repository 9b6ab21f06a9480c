import type { Draft, Spec } from "./draft.ts";
import { pairs } from "./environment.ts";
import { different, type FieldTable, honoured, readFields, type Rule } from "./fields.ts";
import type { Place, Reading } from "./reading.ts";

type Gpu = NonNullable<Spec["gpus"]>[number];
type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
type Namespace = keyof NonNullable<Spec["namespaces"]>;

const onlyWhereAllowed = (setting: string): string => `Taken only by nodes whose agent's settings allow it, under allow.${setting}.`;

/** Said where it shows: no node allows it until its owner says so. */
function reaches<Into>(setting: string, read: Rule<Into>["read"], inner?: Rule<Into>["inner"]): Rule<Into> {
  return different(onlyWhereAllowed(setting), read, inner);
}

function say(reading: Reading, at: Place, setting: string): void {
  reading.differs(at, onlyWhereAllowed(setting), "leave it out where it is not needed, or allow it on a node.");
}

interface LongDevice {
  source?: string;
  target?: string;
  permissions?: string;
}
const deviceText = (field: keyof LongDevice): Rule<LongDevice> =>
  honoured((reading, at, device) => {
    const written = reading.text(at);
    if (written !== undefined) device[field] = written;
  });
const deviceFields: FieldTable<LongDevice> = {
  source: deviceText("source"),
  target: deviceText("target"),
  permissions: deviceText("permissions"),
};

const gpuFields: FieldTable<Partial<Writable<Gpu>>> = {
  driver: honoured((reading, at, gpu) => {
    const driver = reading.text(at);
    if (driver !== undefined) gpu.driver = driver;
  }),
  count: honoured((reading, at, gpu) => {
    const written = reading.text(at);
    const count = written === "all" ? -1 : reading.integer(at);
    if (count !== undefined) gpu.count = count;
  }),
  device_ids: honoured((reading, at, gpu) => {
    gpu.ids = reading.items(at).map((item) => reading.text(item) ?? "");
  }),
  capabilities: honoured((reading, at, gpu) => {
    gpu.capabilities = reading.items(at).map((item) => reading.text(item) ?? "");
  }),
  options: honoured((reading, at, gpu) => {
    gpu.options = pairs(reading, at, () => "");
  }),
};

/** `gpus` of a service, or a reservation of devices. */
export const gpusRule: Rule<Draft> = reaches(
  "gpus",
  (reading, place, draft) => {
    const whole = reading.isList(place) ? undefined : reading.oneOf(place, ["all"]);
    const gpus: readonly Gpu[] =
      whole === "all" ? [{ count: -1 }] : reading.isList(place) ? reading.items(place).map((item) => readGpu(reading, item)) : [];
    if (gpus.length > 0) say(reading, place, "gpus");
    draft.set("gpus", [...(draft.spec.gpus ?? []), ...gpus], place);
  },
  gpuFields,
);

const namespace = (name: Namespace, kinds: Readonly<Record<string, string | undefined>>, setting: string): Rule<Draft> =>
  different(
    "host is taken only by nodes whose agent's settings allow it, under allow.namespaces; to share with another container is refused.",
    (reading, at, draft) => {
      const written = reading.text(at);
      if (written === undefined || written === "") return;
      if (name === "network") draft.hasOwnNetworkMode = true;
      if (/^(service|container):/.test(written))
        return reading.refuse(at, "A replica cannot share with another container: they may be on different nodes.", "leave it out.");
      if (!Object.hasOwn(kinds, written))
        return reading.invalid(
          at,
          `"${written}" is not one of ${Object.keys(kinds).join(", ")}.`,
          name === "network" ? "write the name of a network under networks." : undefined,
        );
      const kind = kinds[written];
      if (kind !== undefined) draft.set("namespaces", { ...draft.spec.namespaces, [name]: kind }, at);
      if (kind === "host") say(reading, at, setting);
    },
  );

/** Fields of a service that reach into the node. */
export const nodeFields: FieldTable<Draft> = {
  privileged: reaches("privileged", (reading, at, draft) => {
    if (reading.flag(at) !== true) return;
    draft.set("privileged", true, at);
    say(reading, at, "privileged");
  }),
  network_mode: namespace("network", { bridge: undefined, default: undefined, none: "none", host: "host" }, "namespaces"),
  pid: namespace("pid", { host: "host" }, "namespaces"),
  ipc: namespace("ipc", { private: "private", shareable: "shareable", none: "none", host: "host" }, "namespaces"),
  uts: namespace("uts", { host: "host" }, "namespaces"),
  userns_mode: namespace("users", { host: "host" }, "namespaces"),
  cgroup: namespace("cgroup", { private: "private", host: "host" }, "namespaces"),
  devices: reaches(
    "devices",
    (reading, place, draft) => {
      const devices = reading.items(place).flatMap((item) => readDevice(reading, item) ?? []);
      if (devices.length > 0) say(reading, place, "devices");
      draft.set("devices", devices, place);
    },
    deviceFields,
  ),
  device_cgroup_rules: reaches("privileged", (reading, place, draft) => {
    const rules = reading.items(place).map((item) => reading.text(item) ?? "");
    if (rules.length > 0) say(reading, place, "privileged");
    draft.set("deviceRules", rules, place);
  }),
  gpus: gpusRule,
};

function readDevice(reading: Reading, item: Place): NonNullable<Spec["devices"]>[number] | undefined {
  const device: LongDevice = {};
  if (reading.isMap(item)) readFields(reading, item, deviceFields, device);
  else {
    const [source, target, permissions] = (reading.text(item) ?? "").split(":");
    Object.assign(device, { source, ...(target && { target }), ...(permissions && { permissions }) });
  }
  const { source, target, permissions } = device;
  if (source === undefined || source === "") return reading.invalid(item, "A device needs its path on the node.");
  if (!source.startsWith("/"))
    return reading.refuse(
      item,
      `"${source}" is not the path of a device; other names for devices are not supported.`,
      "write its path, like /dev/snd.",
    );
  return { source, ...(target !== undefined && { target }), ...(permissions !== undefined && { permissions }) };
}

function readGpu(reading: Reading, item: Place): Gpu {
  const gpu: Partial<Writable<Gpu>> = {};
  readFields(reading, item, gpuFields, gpu);
  return gpu.count === undefined && gpu.ids === undefined ? { ...gpu, count: -1 } : gpu;
}
