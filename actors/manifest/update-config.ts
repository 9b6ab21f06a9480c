import type { DeploymentSpecInput } from "../deployment/contract.ts";
import { paceOf } from "./pace.ts";
import type { Draft } from "./draft.ts";
import { different, type FieldTable, honoured, passedOver, readFields, type Rule } from "./fields.ts";
import { durationMs, shareOfOne } from "./quantities.ts";
import type { Place, Reading } from "./reading.ts";

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
type RolloutInput = Writable<NonNullable<DeploymentSpecInput["rollout"]>>;

/** `update_config` or `rollback_config` while it is read. */
interface Update {
  readonly rollout: RolloutInput;
  parallelism?: Place;
  order?: Place;
  failureAction?: Place;
}

/** Fields that mean the same in both. */
const pace: FieldTable<Update> = {
  parallelism: honoured((_reading, at, update) => {
    update.parallelism = at;
  }),
  order: different(
    "Without one, new replicas start before old ones stop, unless they bind a port of their node, have an address of their own, or write to a volume; Compose always stops first.",
    (_reading, at, update) => {
      update.order = at;
    },
  ),
  delay: different("The pause begins once a new replica counts, which monitor says.", (reading, at, { rollout }) => {
    const amount = reading.amount(at, durationMs, "10s");
    if (amount !== undefined) rollout.delayMs = amount;
  }),
  max_failure_ratio: different(
    "Taken as 0: a single replica that cannot become healthy fails the rollout, whose success is one of all its replicas.",
    (reading, at) => {
      const ratio = reading.amount(at, shareOfOne, "0.1");
      if (ratio !== undefined && ratio > 0)
        reading.differs(at, "A single replica that cannot become healthy fails the rollout; Swarm would tolerate some.", "leave it out.");
    },
  ),
};

const updateConfig: FieldTable<Update> = {
  ...pace,
  failure_action: different(
    "rollback (here the default) and pause; continue is taken as pause: a rollout that failed replaces no further replica.",
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
};

const rollbackConfig: FieldTable<Update> = {
  ...pace,
  failure_action: passedOver(
    "An automatic rollback that fails ends there; one that a person asked for does what update_config says.",
    "leave it out.",
    ["pause"],
  ),
  monitor: passedOver("A replica counts as the update_config of what is gone back to says.", "leave it out."),
};

/** `deploy.update_config`. */
export const updateConfigRule: Rule<Draft> = different(
  "Parallelism and order become how many replicas may be too many, or missing.",
  (reading, at, draft) => {
    const update = readConfig(reading, at, updateConfig, draft);
    readFailureAction(reading, at, update);
    draft.set("rollout", { ...draft.spec.rollout, ...update.rollout }, at);
  },
  updateConfig,
);

/** `deploy.rollback_config`. */
export const rollbackConfigRule: Rule<Draft> = different(
  "Holds for every way back, also one that a person asks for, as the revision says that is gone back to. What it does not say is as in update_config.",
  (reading, at, draft) => {
    const { maxSurge, maxUnavailable, delayMs } = readConfig(reading, at, rollbackConfig, draft).rollout;
    const rollback = {
      ...(maxSurge !== undefined && { maxSurge }),
      ...(maxUnavailable !== undefined && { maxUnavailable }),
      ...(delayMs !== undefined && { delayMs }),
    };
    if (Object.keys(rollback).length > 0) draft.set("rollout", { ...draft.spec.rollout, rollback }, at);
  },
  rollbackConfig,
);

function readConfig(reading: Reading, place: Place, fields: FieldTable<Update>, { contention }: Draft): Update {
  const update: Update = { rollout: {} };
  readFields(reading, place, fields, update);
  readOrder(reading, place, update, contention);
  return update;
}

/** parallelism and order become how many replicas may be too many, or too few. */
function readOrder(
  reading: Reading,
  place: Place,
  { rollout, parallelism: at, order: orderAt }: Update,
  contention: Draft["contention"],
): void {
  const parallelism = at === undefined ? 1 : (reading.wholeNumber(at) ?? 1);
  const order = orderAt === undefined ? undefined : reading.oneOf(orderAt, ["start-first", "stop-first"]);
  if (order === undefined && at === undefined) return;
  const stopsFirst = order === "stop-first" || (order === undefined && contention !== undefined);
  Object.assign(rollout, paceOf(parallelism, stopsFirst ? "stop-first" : "start-first"));
  if (order === undefined && contention === undefined)
    reading.differs(
      at ?? place,
      "Without an order, new replicas start before old ones stop; Compose would stop first.",
      "write order: stop-first or order: start-first to say it.",
    );
  if (order === "start-first" && contention !== undefined) reading.differs(orderAt ?? place, ...AT_ODDS[contention]);
}

/** What comes of starting the new replica first. */
const AT_ODDS: Readonly<Record<NonNullable<Draft["contention"]>, readonly [message: string, instead: string]>> = {
  place: [
    "A port of the node, or an address of its own, is a replica's alone: a new one needs a node where the old one is not.",
    "write order: stop-first when all nodes are taken.",
  ],
  data: [
    "A new replica writes to the volume while the old one still does.",
    "write order: stop-first, unless the program is made for that.",
  ],
};

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
  if (action === undefined) return;
  rollout.onFailure = action === "rollback" ? "rollback" : "pause";
  if (action === "continue")
    reading.differs(
      at,
      "A rollout that failed stops where it is, as pause says: no further replica is replaced until the next change. Swarm would replace them all.",
      "write pause, or rollback to have the earlier replicas back.",
    );
}
