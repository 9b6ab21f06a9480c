/** Labels every container of ours carries. A container without them is not ours and is never touched. */
export const LABEL = {
  tenant: "dev.odysseus.tenant",
  node: "dev.odysseus.node",
  deployment: "dev.odysseus.deployment",
  slot: "dev.odysseus.slot",
  revision: "dev.odysseus.revision",
  placement: "dev.odysseus.placement",
  attempt: "dev.odysseus.attempt",
  epoch: "dev.odysseus.epoch",
  generation: "dev.odysseus.generation",
  /** Hash of the settings at creation; a difference means somebody edited the container. */
  settings: "dev.odysseus.settings",
} as const;
