import { createHash } from "node:crypto";
import { checkAnswers, checkEndsAudited, checkReadModel, checkReplays, checkRollouts } from "./checks/records.ts";
import { checkPools } from "./checks/pools.ts";
import { differences } from "./checks/convergence.ts";
import { checkStackDeadlines } from "./checks/stacks-at-rest.ts";
import { oneOf, type Wish } from "./ingredients.ts";
import { applied, STACKS } from "./manifests.ts";
import { anyWish, DEPLOYMENTS, goodImage, newDeployment } from "./wishes.ts";
import { SimWorld, type WorldOptions } from "./world.ts";
import { TENANT } from "./tenant.ts";
import type { Violation } from "./violation.ts";

/** Virtual durations. */
const QUIET_MS = 12_000;
const TROUBLE_MS = 90_000;
const LONGEST_WISH_PAUSE_MS = 9_000;
/** Of the times a person sees a node that is lost, so often they remove it. */
const REMOVED_SHARE = 0.7;
const LOOK_EVERY_MS = 500;
/** A stack waits for each of its members in turn, 240 s and 600 s more, and takes as long to go back. */
const CONVERGENCE_MS = 3_600_000;
/** At rest means: still at rest after the agents have looked at everything again. */
const REST_MS = 35_000;
/** Longer than several answers in a row get lost on their way to a person. */
const SETTLED_WITHIN_MS = 120_000;

export interface SeedResult {
  readonly seed: number;
  /** Of everything that happened and everything that was written: equal in every run of the seed. */
  readonly digest: string;
  readonly virtualMs: number;
  readonly steps: number;
}

/** A run that broke a promise. The message says which, shows what led to it, and how to see it again. */
export class SimFailure extends Error {
  readonly check: string;
  constructor(seed: number, violation: Violation, lines: readonly string[]) {
    super([`seed ${seed}: ${violation.message}`, "", ...lines, "", `Again: npm run sim -- --seed ${seed} --trace`].join("\n"), {
      cause: violation,
    });
    this.name = "SimFailure";
    this.check = violation.check;
  }
}

/** Runs one seed to its end. Rejects with `SimFailure`. */
export async function runSeed(options: WorldOptions): Promise<SeedResult> {
  const world = new SimWorld(options);
  const escaped = (cause: unknown): void =>
    world.report("nothing fails inside", cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
  process.on("unhandledRejection", escaped);
  try {
    await new Run(world).all();
    return { seed: options.seed, digest: digestOf(world), virtualMs: world.loop.nowMs, steps: world.loop.steps };
  } catch (cause) {
    if (world.violation !== undefined) throw new SimFailure(options.seed, world.violation.error, world.violation.lines);
    throw new Error(`seed ${options.seed}: the simulation itself failed`, { cause });
  } finally {
    process.off("unhandledRejection", escaped);
    world.close();
  }
}

class Run {
  readonly #world: SimWorld;
  constructor(world: SimWorld) {
    this.#world = world;
  }

  async all(): Promise<void> {
    await this.#quietStart();
    await this.#trouble();
    await this.#mend();
    await this.#rest("after the trouble");
    await this.#calmChanges();
    await this.#rest("after changes in calm");
    this.#finalChecks();
  }

  async #quietStart(): Promise<void> {
    const { controlPlane, nodes, foreign, loop, person } = this.#world;
    controlPlane.start();
    for (const node of nodes) {
      void foreign.place(node);
      node.startAgent();
    }
    await this.#pass(2_000);
    for (const name of DEPLOYMENTS)
      person.ask({ operation: "deployments.create", input: newDeployment(loop.random, name, goodImage(loop.random)) });
    person.ask(applied(loop.random, oneOf(loop.random, STACKS), false, "good"));
    await this.#pass(QUIET_MS);
  }

  async #trouble(): Promise<void> {
    const { saboteur, loop, nodes, person, rival, floor } = this.#world;
    const untilMs = loop.nowMs + TROUBLE_MS;
    const names = nodes.map(({ name }) => name);
    this.#world.mood = "trouble";
    floor.forget();
    saboteur.begin();
    while (loop.nowMs < untilMs) {
      const [givenUp] = this.#givenUp();
      const isTired = givenUp !== undefined && loop.random.next() < REMOVED_SHARE;
      person.ask(isTired ? { operation: "nodes.remove", input: { name: givenUp } } : anyWish(loop.random, names));
      rival.act();
      await this.#pass(loop.random.next() * LONGEST_WISH_PAUSE_MS);
    }
  }

  /** Nodes that are lost and still listed. */
  #givenUp(): readonly string[] {
    return [...this.#world.truth.nodes.values()]
      .filter(({ facts, connection }) => facts !== undefined && connection === "lost")
      .map(({ name }) => name);
  }

  /** What was broken is mended, nodes are opened again, and every question is answered. */
  async #mend(): Promise<void> {
    const { saboteur, nodes, person, rival } = this.#world;
    saboteur.end();
    for (const { name } of nodes) person.ask({ operation: "nodes.uncordon", input: { name } });
    await this.#until("every question is answered", () => person.isSatisfied && rival.isSatisfied);
  }

  async #calmChanges(): Promise<void> {
    const { loop, nodes, person, rival, floor } = this.#world;
    this.#world.mood = "calm";
    floor.forget();
    const node = oneOf(loop.random, nodes).name;
    const changes: readonly Wish[] = [
      { operation: "deployments.update", input: { name: oneOf(loop.random, DEPLOYMENTS), image: "app:9" } },
      { operation: "nodes.drain", input: { name: node } },
      { operation: "deployments.update", input: { name: oneOf(loop.random, DEPLOYMENTS), image: "sim/crash:9" } },
      applied(loop.random, "shop", false, "good"),
      { operation: "deployments.restart", input: { name: oneOf(loop.random, DEPLOYMENTS) } },
      applied(loop.random, "shop", true, "good"),
      { operation: "nodes.uncordon", input: { name: node } },
    ];
    rival.leave();
    for (const change of changes) {
      person.ask(change);
      await this.#pass(loop.random.next() * LONGEST_WISH_PAUSE_MS);
    }
    await this.#until("every question is answered", () => person.isSatisfied && rival.isSatisfied);
  }

  /** Until nothing differs from what should be, and stays so. */
  async #rest(when: string): Promise<void> {
    const { loop } = this.#world;
    const deadlineMs = loop.nowMs + CONVERGENCE_MS;
    let restingSinceMs: number | undefined;
    while (restingSinceMs === undefined || loop.nowMs - restingSinceMs < REST_MS) {
      const found = differences(this.#world);
      if (found.length === 0) restingSinceMs ??= loop.nowMs;
      else restingSinceMs = undefined;
      if (found.length > 0 && loop.nowMs > deadlineMs)
        this.#world.report("everything converges", `not within ${CONVERGENCE_MS / 1_000} s ${when}: ${found.join("; ")}`);
      await this.#pass(LOOK_EVERY_MS);
    }
  }

  #finalChecks(): void {
    const { stores, person, live, foreign } = this.#world;
    const store = stores[TENANT];
    const report = (check: string, message: string): void => this.#world.report(check, message);
    checkAnswers(store, person.asked, report);
    checkRollouts(store, report);
    checkEndsAudited(store, report);
    for (const each of Object.values(stores)) {
      checkReplays(each, live.definitions, live.states, report);
      checkReadModel(each, live.definitions, report);
    }
    foreign.check(report);
    this.#stopIfViolated();
  }

  async #pass(durationMs: number): Promise<void> {
    const { loop, floor, order, truth, nodes, stores } = this.#world;
    const untilMs = loop.nowMs + durationMs;
    while (loop.nowMs < untilMs) {
      await loop.run(Math.min(untilMs, loop.nowMs + LOOK_EVERY_MS));
      order.look();
      checkPools(truth, nodes, stores[TENANT], (check, message) => this.#world.report(check, message));
      if (this.#world.mood === "calm") {
        floor.look();
        checkStackDeadlines(truth, loop.wallMs, (check, message) => this.#world.report(check, message));
      }
      this.#stopIfViolated();
    }
  }

  async #until(what: string, condition: () => boolean): Promise<void> {
    const { loop } = this.#world;
    const deadlineMs = loop.nowMs + SETTLED_WITHIN_MS;
    while (!condition()) {
      if (loop.nowMs > deadlineMs) this.#world.report(what, `not within ${SETTLED_WITHIN_MS / 1_000} s of calm`);
      await this.#pass(LOOK_EVERY_MS);
    }
  }

  #stopIfViolated(): void {
    if (this.#world.violation !== undefined) throw this.#world.violation.error;
  }
}

function digestOf({ trace, loop, stores }: SimWorld): string {
  const hash = createHash("sha256").update(trace.digest).update(loop.digest);
  for (const { database } of Object.values(stores))
    for (const row of database.prepare("select * from events order by offset").iterate()) hash.update(JSON.stringify(row));
  return hash.digest("hex");
}
