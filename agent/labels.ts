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
  /** Of a volume: its name among the tenant's. */
  volume: "dev.odysseus.volume",
  /** Where ingress nodes reach its ports; see `endpoints.ts`. Absent: nowhere. */
  endpoints: "dev.odysseus.endpoints",
  /** Of a network: its name among the tenant's. */
  network: "dev.odysseus.network",
  /** Names of the networks it was made for, on the engine; absent: the engine's own. */
  networks: "dev.odysseus.networks",
  /** Hash of the settings at creation; a difference means somebody edited the container. */
  settings: "dev.odysseus.settings",
} as const;

/** Labels of what an agent runs for itself on its engine: its proxy, and commands on the node. */
export const OWN_LABEL = {
  /** `TENANT/NODE`. */
  node: "dev.odysseus.agent",
  /** `proxy` or `command`. */
  role: "dev.odysseus.role",
  /** Of a proxy: which entry points are its. */
  half: "dev.odysseus.half",
  /** Hash of what it was made with; another one takes another container. */
  made: "dev.odysseus.made",
} as const;
