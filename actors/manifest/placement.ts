import type { ConstraintInput, Draft } from "./draft.ts";
import { different, type FieldTable, honoured, passedOver, readFields, type Rule } from "./fields.ts";
import type { Place, Reading } from "./reading.ts";

const fields: FieldTable<Draft> = {
  constraints: different(
    "On node.id, node.hostname, node.platform.os, node.platform.arch and node.labels; nodes have no roles, and a rule about those is passed over.",
    (reading, at, draft) =>
      draft.addConstraints(
        reading.items(at).flatMap((item) => readConstraint(reading, item) ?? []),
        at,
      ),
  ),
  preferences: passedOver("Replicas are spread over nodes, not over a label's values.", "leave it out."),
  max_replicas_per_node: different(
    "While a replica is replaced, its successor may stand beside it on the same node.",
    (reading, at, draft) => draft.set("maxReplicasPerNode", reading.wholeNumber(at), at),
  ),
};

/** `deploy.placement` of a service. */
export const placementRule: Rule<Draft> = honoured((reading, at, draft) => readFields(reading, at, fields, draft), fields);

/** `node.labels.zone == eu`; a label's key is its name alone. */
function readConstraint(reading: Reading, item: Place): ConstraintInput | undefined {
  const written = reading.text(item);
  if (written === undefined) return undefined;
  const [, key = "", operator, value = ""] = /^\s*([^\s=!]+)\s*(==|!=)\s*(.*?)\s*$/.exec(written) ?? [];
  if (operator !== "==" && operator !== "!=")
    return reading.invalid(item, `"${written}" is not a rule.`, 'write "node.labels.zone == eu", with == or !=.');
  if (key === "node.role") {
    reading.differs(item, "Nodes have no roles: any node will do.", "write node.labels.NAME == VALUE where it matters which.");
    return undefined;
  }
  if (key.startsWith("engine."))
    return reading.refuse(item, `Nodes have no ${key}.`, "use node.hostname, node.platform.os, node.platform.arch or node.labels.NAME.");
  return { key: key.replace(/^node\.labels\./, ""), operator, value };
}

/** Other names for processors, as the engine names them. */
const architectures: Readonly<Record<string, string>> = { x86_64: "amd64", "x86-64": "amd64", aarch64: "arm64", armhf: "arm" };

/** `platform` of a service: a rule about the node. */
export const platformRule: Rule<Draft> = different(
  "Replicas run on nodes of that platform only; none is emulated.",
  (reading, at, draft) => {
    const written = reading.text(at);
    if (written === undefined) return;
    const [first = "", second, variant] = written.toLowerCase().split("/");
    const os = second === undefined ? (["linux", "windows"].includes(first) ? first : undefined) : first;
    const arch = second ?? (os === undefined ? first : undefined);
    if (variant !== undefined && variant !== "v8")
      return reading.refuse(
        at,
        `Nodes do not say which variant of a processor they have, and "${written}" asks for one.`,
        `write ${first}/${second}.`,
      );
    const rule = (key: string, value: string | undefined): readonly ConstraintInput[] =>
      value === undefined || value === "" ? [] : [{ key, operator: "==", value }];
    const named = arch === undefined ? undefined : (architectures[arch] ?? arch);
    draft.addConstraints([...rule("node.platform.os", os), ...rule("node.platform.arch", named)], at);
  },
);
