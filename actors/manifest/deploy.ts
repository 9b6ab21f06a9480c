import type { Draft } from "./draft.ts";
import { deploymentLabelsRule } from "./environment.ts";
import { different, type FieldTable, honoured, readFields, refused, type Rule } from "./fields.ts";
import { pidsLimitRule } from "./limit-fields.ts";
import { gpusRule } from "./node-fields.ts";
import { modeRule } from "./mode.ts";
import { placementRule } from "./placement.ts";
import { restartPolicy } from "./restart.ts";
import { rollbackConfigRule, updateConfigRule } from "./update-config.ts";
import { cpuLimitRule, cpuReservationRule, memoryLimitRule, memoryReservationRule } from "./resource-rules.ts";

const limits: FieldTable<Draft> = {
  cpus: cpuLimitRule,
  memory: memoryLimitRule,
  pids: pidsLimitRule,
};
const reservations: FieldTable<Draft> = {
  cpus: cpuReservationRule,
  memory: memoryReservationRule,
  generic_resources: refused("Only processors and memory can be reserved.", "leave it out."),
  devices: gpusRule,
};
const resources: FieldTable<Draft> = {
  limits: honoured((reading, at, draft) => readFields(reading, at, limits, draft), limits),
  reservations: honoured((reading, at, draft) => readFields(reading, at, reservations, draft), reservations),
};

const deploy: FieldTable<Draft> = {
  mode: modeRule,
  endpoint_mode: different(
    "dnsrr is what there is: a service's name stands for the addresses of its replicas. vip means the same here.",
    (reading, at) => {
      if (reading.oneOf(at, ["vip", "dnsrr"]) === "vip")
        reading.differs(at, "A service has no address of its own: its name stands for the addresses of its replicas.", "write dnsrr.");
    },
  ),
  replicas: honoured((reading, at, draft) => draft.setReplicas(reading, reading.wholeNumber(at), at)),
  labels: deploymentLabelsRule,
  resources: honoured((reading, at, draft) => readFields(reading, at, resources, draft), resources),
  restart_policy: honoured((reading, at, draft) => readFields(reading, at, restartPolicy, draft), restartPolicy),
  placement: placementRule,
  update_config: updateConfigRule,
  rollback_config: rollbackConfigRule,
};

/** `deploy` of a service. Read after its ports: two replicas cannot hold one port of a node, which decides how they are replaced. */
export const deployRule: Rule<Draft> = {
  ...honoured((reading, at, draft: Draft) => {
    if (!reading.isNull(at)) readFields(reading, at, deploy, draft, { last: ["mode"] });
  }, deploy),
  mayBeEmpty: true,
};
