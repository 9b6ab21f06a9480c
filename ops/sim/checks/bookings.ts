import { budgetOf } from "../../../actors/deployment/budget.ts";
import type { PinnedTemplate } from "../../../actors/deployment/contract.ts";
import { writesToVolume } from "../../../actors/deployment/mount-contract.ts";
import { templateOf } from "../../../actors/deployment/replica.ts";
import type { DeploymentState } from "../../../actors/deployment/state.ts";
import type { Reservation, SchedulerState } from "../../../actors/scheduler/state.ts";
import type { TruthListener } from "../truth.ts";
import type { Report } from "../violation.ts";

/** What its deployment allows where a placement goes. */
interface Rule {
  /** Slots of the deployment on the node, with its own. */
  readonly mostSlots: number;
  /** Nobody of its slot may be there with it. */
  readonly isAlone: boolean;
}

/** What must be true of everything that is booked, whatever else is going wrong. */
export function bookingChecks(report: Report): TruthListener {
  const rules = new Map<string, Rule>();
  return {
    deployment: ({ event, after }) => {
      if (event.type !== "placements.requested") return;
      for (const { placementId, contentOf, slot } of event.placements)
        rules.set(placementId, ruleOf(templateOf(after, contentOf), after, slot));
    },
    scheduler: (state) => {
      booksNothingTwice(state, report);
      keepsToTheRules(state, rules, report);
    },
  };
}

function ruleOf(template: PinnedTemplate, { placements, replicas }: DeploymentState, slot: number): Rule {
  const { mode, maxReplicasPerNode } = template;
  const isLeaving = Object.values(placements).some((other) => other.slot === slot && other.evacuation !== undefined);
  return {
    mostSlots: mode === "global" ? 1 : maxReplicasPerNode || Infinity,
    isAlone: writesToVolume(template.mounts) && budgetOf(template, replicas).maxSurge === 0 && !isLeaving,
  };
}

/** Whoever was booked on a node last found there what its deployment allows. */
function keepsToTheRules({ reservations }: SchedulerState, rules: ReadonlyMap<string, Rule>, report: Report): void {
  for (const group of Map.groupBy(reservations, ({ deployment, node }) => `${deployment} ${node}`).values()) {
    const last = group.at(-1);
    const rule = rules.get(last?.placementId ?? "");
    if (last === undefined || rule === undefined || group.length === 1) continue;
    const slots = new Set(group.map(({ slot }) => slot));
    if (slots.size > rule.mostSlots)
      report("no more replicas on a node than allowed", `${namesOf(group)} on ${last.node}, at most ${rule.mostSlots}`);
    const same = group.filter(({ slot }) => slot === last.slot);
    if (rule.isAlone && same.length > 1) report("nobody writes to a volume beside the one that is to stop first", namesOf(same));
  }
}

function namesOf(reservations: readonly Reservation[]): string {
  return reservations.map(({ placementId }) => placementId).join(", ");
}

function booksNothingTwice({ nodes, reservations }: SchedulerState, report: Report): void {
  const ports = new Map<string, string>();
  const used = new Map<string, { cpuMillis: number; memoryBytes: number }>();
  for (const { placementId, node, hostPorts, cpuMillis, memoryBytes } of reservations) {
    for (const { port, protocol } of hostPorts) {
      const key = `${node} ${port}/${protocol}`;
      const holder = ports.get(key);
      if (holder !== undefined) report("a host port is used once", `${key} is given to ${holder} and ${placementId}`);
      ports.set(key, placementId);
    }
    const sum = used.get(node) ?? { cpuMillis: 0, memoryBytes: 0 };
    used.set(node, { cpuMillis: sum.cpuMillis + cpuMillis, memoryBytes: sum.memoryBytes + memoryBytes });
  }
  for (const [name, { cpuMillis, memoryBytes }] of used) {
    const node = nodes[name];
    if (node !== undefined && (cpuMillis > node.cpuMillis || memoryBytes > node.memoryBytes))
      report("no node is overbooked", `${name}: ${cpuMillis}m, ${memoryBytes} bytes`);
  }
}
