import { describe, expect, test } from "vitest";
import { PinnedTemplate } from "../../actors/deployment/contract.ts";
import type { Placement } from "../../actors/node/assignment-contract.ts";
import { evolve, newRecord, type PlacementEvent, type PlacementRecord } from "../../agent/agent-state.ts";
import { LABEL } from "../../agent/labels.ts";
import { type Current, type KnownContainer, plan } from "../../agent/plan.ts";

const image = { reference: "app:1", digest: `sha256:${"a".repeat(64)}`, source: "registry" } as const;
const placement: Placement = {
  placementId: "web.1.1",
  deployment: "web",
  slot: 1,
  revision: 3,
  template: PinnedTemplate.parse({ image }),
  desired: "running",
};
const fresh = newRecord({
  placementId: "web.1.1",
  deployment: "web",
  slot: 1,
  attempt: 1,
  stopSignal: "SIGTERM",
  stopGraceMs: 1_000,
  forgottenSequence: 0,
  atMs: 0,
});
const failure = { code: "exited", message: "it ended", permanent: false } as const;

const after = (...events: readonly PlacementEvent[]): PlacementRecord =>
  events.reduce((record, event) => evolve(record, event, 1_000), fresh);
const started: PlacementEvent = { kind: "started", containerId: "c1", startedAtMs: 0, checked: true };
const sick: PlacementEvent = { kind: "health-changed", health: "unhealthy", output: "500" };
const ended = (delayMs: number): PlacementEvent => ({
  kind: "ended",
  containerId: "c1",
  cause: "exited",
  exitCode: 1,
  failure,
  next: { kind: "again", delayMs },
});
const draining: PlacementEvent = { kind: "drain-began", reason: "requested", containerId: "c1" };

function container(attempt: number, state: KnownContainer["state"], change: Partial<KnownContainer> = {}): KnownContainer {
  return {
    containerId: `c${attempt}`,
    name: `ody-acme-web-1-1-${attempt}`,
    labels: { [LABEL.attempt]: String(attempt), [LABEL.revision]: "3", [LABEL.settings]: "as-made" },
    state,
    exitCode: state === "exited" ? 1 : undefined,
    startedAtMs: 0,
    finishedAtMs: undefined,
    error: "",
    address: undefined,
    networks: [],
    settings: "as-made",
    hint: "none",
    ...change,
  };
}

const steps = (
  record: PlacementRecord,
  containers: readonly KnownContainer[],
  desired: Placement | undefined,
  change: Partial<Current> = {},
) =>
  plan({ record, containers, image: "present", absence: "removed", ...change }, desired).map((step) =>
    "containerId" in step && step.containerId !== undefined ? `${step.kind} ${step.containerId}` : step.kind,
  );

describe("the plan for a placement that should run", () => {
  test.each([
    ["nothing there, image unknown: fetch it", fresh, [], { image: "unknown" }, ["pull"]],
    ["nothing there, image there: make the container", fresh, [], {}, ["create"]],
    ["made, not started: start it", fresh, [container(1, "created")], {}, ["start c1"]],
    ["running, not known as such: it is ours", fresh, [container(1, "running")], {}, ["adopt c1"]],
    ["paused, not known as such: it goes on before it is ours", fresh, [container(1, "paused")], {}, ["unpause c1"]],
    ["paused: unpause it", after(started), [container(1, "paused")], {}, ["unpause c1"]],
    ["running as known: nothing", after(started), [container(1, "running")], {}, []],
    ["ended: write it down", after(started), [container(1, "exited")], {}, ["end c1"]],
    ["gone: write it down", after(started), [], {}, ["end"]],
    ["unhealthy: end it", after(started, sick), [container(1, "running")], {}, ["drain c1"]],
    ["edited by hand: end it", after(started), [container(1, "running", { settings: "edited" })], {}, ["drain c1"]],
    [
      "of another revision: end it",
      after(started),
      [container(1, "running", { labels: { [LABEL.attempt]: "1", [LABEL.revision]: "2" } })],
      {},
      ["drain c1"],
    ],
    [
      "ended a moment ago: the next one comes before the tidying",
      after(started, ended(0)),
      [container(1, "exited")],
      {},
      ["create", "collect c1"],
    ],
    [
      "ended, and a pull is needed: the tidying comes first",
      after(started, ended(0)),
      [container(1, "exited")],
      { image: "unknown" },
      ["collect c1", "pull"],
    ],
    ["backing off: only tidying", after(started, ended(1_000)), [container(1, "exited")], {}, ["collect c1"]],
    ["backing off, started by hand: stop it", after(started, ended(1_000)), [container(1, "running")], {}, ["stop c1"]],
    ["an older one still runs: it goes first", after(started, ended(0)), [container(1, "running")], {}, ["stop c1", "create"]],
  ] as const)("%s", (_title, record, containers, change, expected) => {
    expect(steps(record, containers, placement, change)).toEqual(expected);
  });
});

describe("the plan for a placement that should stop", () => {
  const stopped = { ...placement, desired: "stopped" } as const;
  test.each([
    ["running: end it", after(started), [container(1, "running")], ["drain c1"]],
    ["paused: it could not hear the signal", after(started), [container(1, "paused")], ["unpause c1"]],
    ["draining and ended: write it down", after(started, draining), [container(1, "exited")], ["end c1"]],
    ["draining while the agent was away: ask again", after(started, draining), [container(1, "running")], ["drain c1"]],
    ["nothing there: it is stopped", fresh, [], ["settle"]],
    ["backing off: it is stopped", after(started, ended(1_000)), [], ["settle"]],
    ["stopped: nothing", after({ kind: "settled" }), [], []],
    [
      "stopped, evidence not collected: collect it",
      after(started, { ...ended(0), next: { kind: "never" } } as PlacementEvent),
      [container(1, "exited")],
      ["collect c1"],
    ],
  ] as const)("%s", (_title, record, containers, expected) => {
    expect(steps(record, containers, stopped)).toEqual(expected);
  });
});

describe("the plan for a placement nobody wants", () => {
  test("is to stop, remove and forget", () => {
    expect(steps(after(started), [container(1, "running"), container(2, "exited")], undefined)).toEqual(["stop c1", "remove c2"]);
    expect(steps(after(started), [], undefined)).toEqual(["forget"]);
  });
});
