import type { Reply } from "../../runtime/actor.ts";
import type { Random } from "../../runtime/clock.ts";

/** One call of an operation of the catalogue. */
export interface Wish {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** The file that says it, where it was read from one. */
  readonly manifest?: string;
}

/** Where nothing differs the stack itself is not asked, so that such an answer is written nowhere. */
export function isUnchangedStack({ operation }: Wish, answer: Reply): boolean {
  return operation === "stacks.apply" && answer.kind === "ok" && (answer.value as { readonly change: string }).change === "unchanged";
}

export const GOOD_IMAGES = ["app:1", "app:2", "app:3", "app:4", "sim/slow:2000", "sim/stubborn:1"] as const;
export const BAD_IMAGES = ["sim/crash:3", "sim/sick:1", "sim/nocommand:1", "sim/oom:1", "sim/missing:1", "sim/arm:1"] as const;
/** Which deployment has which is chance: sometimes one is refused. */
export const BALANCED_PORTS = [7000, 7001, 7002, 7003, 7004, 7005] as const;

/** Short deadlines: every rollout ends within minutes of virtual time. A process of `sim/crash` lives for one second, less than a replica has to. */
export const DEADLINES = {
  minHealthyMs: 2_000,
  placeDeadlineMs: 60_000,
  pullDeadlineMs: 60_000,
  startDeadlineMs: 30_000,
  healthyDeadlineMs: 45_000,
  wholeDeadlineMs: 240_000,
} as const;

export function oneOf<Item>(random: Random, items: readonly Item[]): Item {
  if (items.length === 0) throw new Error("nothing to choose from");
  return items[Math.floor(random.next() * items.length)] as Item;
}
