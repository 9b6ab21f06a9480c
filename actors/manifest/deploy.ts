import type { DeploymentSpecInput } from "../deployment/contract.ts";
import type { Draft } from "./draft.ts";
import { deploymentLabelsRule } from "./environment.ts";
import { different, type FieldTable, honoured, passedOver, readFields, refused, type Rule } from "./fields.ts";
import { pidsLimitRule } from "./limit-fields.ts";
import { gpusRule } from "./node-fields.ts";
import { modeRule } from "./mode.ts";
import { placementRule } from "./placement.ts";
import { durationMs } from "./quantities.ts";
import type { Place, Reading } from "./reading.ts";
import { restartPolicy } from "./restart.ts";
import { cpuLimitRule, cpuReservationRule, memoryLimitRule, memoryReservationRule } from "./resource-rules.ts";

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
type RolloutInput = Writable<NonNullable<DeploymentSpecInput["rollout"]>>;

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

interface Update {
  readonly rollout: RolloutInput;
  parallelism?: Place;
  order?: Place;
  failureAction?: Place;
}

const updateConfig: FieldTable<Update> = {
  parallelism: honoured((_reading, at, update) => {
    update.parallelism = at;
  }),
  order: different(
    "Without one, new replicas start before old ones stop unless ports are published; Compose stops first.",
    (_reading, at, update) => {
      update.order = at;
    },
  ),
  failure_action: different(
    "rollback (here the default) and pause; continue is refused: a rollout that failed never goes on.",
    (_reading, at, update) => {
      update.failureAction = at;
    },
  ),
  monitor: different(
    "A new replica counts once it has been healthy for so long; Compose merely watches it for failures.",
    (reading, at, { rollout }) => {
      const amount = reading.amount(at, durationMs, "10s");
      if (amount !== undefined) rollout.minHealthyMs = amount;
      reading.differs(at, "A new replica counts once it has been healthy for this long; Compose would merely watch it for failures.");
    },
  ),
  delay: different("The pause begins once a new replica counts, which monitor says.", (reading, at, { rollout }) => {
    const amount = reading.amount(at, durationMs, "10s");
    if (amount !== undefined) rollout.delayMs = amount;
  }),
  max_failure_ratio: refused(
    "A rollout succeeds with all of its replicas: a single one that cannot become healthy fails it.",
    "leave it out.",
    ["0", "0.0"],
  ),
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
  update_config: different(
    "Parallelism and order become how many replicas may be too many, or missing.",
    (reading, at, draft) => draft.set("rollout", readUpdateConfig(reading, at, draft.publishesPorts), at),
    updateConfig,
  ),
  rollback_config: passedOver("A rollback follows the rules of update_config.", "write update_config."),
};

/** `deploy` of a service. Read after its ports: two replicas cannot hold one port of a node, which decides how they are replaced. */
export const deployRule: Rule<Draft> = {
  ...honoured((reading, at, draft: Draft) => {
    if (!reading.isNull(at)) readFields(reading, at, deploy, draft, { last: ["mode"] });
  }, deploy),
  mayBeEmpty: true,
};

function readUpdateConfig(reading: Reading, place: Place, publishesPorts: boolean): RolloutInput {
  const update: Update = { rollout: {} };
  readFields(reading, place, updateConfig, update);
  readOrder(reading, place, update, publishesPorts);
  readFailureAction(reading, place, update);
  return update.rollout;
}

/** parallelism and order become how many replicas may be too many, or too few. */
function readOrder(reading: Reading, place: Place, { rollout, parallelism: at, order: orderAt }: Update, publishesPorts: boolean): void {
  const parallelism = at === undefined ? 1 : (reading.wholeNumber(at) ?? 1);
  const share = parallelism === 0 ? "100%" : parallelism;
  const order = orderAt === undefined ? undefined : reading.oneOf(orderAt, ["start-first", "stop-first"]);
  if (order === undefined && at === undefined) return;
  const stopsFirst = order === "stop-first" || (order === undefined && publishesPorts);
  Object.assign(rollout, stopsFirst ? { maxSurge: 0, maxUnavailable: share } : { maxSurge: share, maxUnavailable: 0 });
  if (order === undefined && !publishesPorts)
    reading.differs(
      at ?? place,
      "Without an order, new replicas start before old ones stop; Compose would stop first.",
      "write order: stop-first or order: start-first to say it.",
    );
  if (order === "start-first" && publishesPorts)
    reading.differs(
      orderAt ?? place,
      "A published port is bound on its node, so a new replica needs a node where the old one is not.",
      "write order: stop-first when all nodes are taken.",
    );
}

function readFailureAction(reading: Reading, place: Place, { rollout, failureAction: at }: Update): void {
  if (at === undefined) {
    reading.differs(
      place,
      "Without a failure_action, a failed update is rolled back; Compose would pause.",
      "write failure_action to say it.",
    );
    return;
  }
  const action = reading.oneOf(at, ["pause", "rollback", "continue"]);
  if (action === "continue") reading.refuse(at, "A rollout that failed never goes on.", "write rollback or pause.");
  else if (action !== undefined) rollout.onFailure = action;
}
