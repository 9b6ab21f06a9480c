import type { Placement } from "../actors/node/assignment-contract.ts";
import type { NextAttempt, PlacementRecord } from "./agent-state.ts";
import { restartDelayMs } from "./back-off.ts";
import type { ContainerTable } from "./container-table.ts";
import { desiredContainer } from "./desired-container.ts";
import { chooseEndpoints, endpointsOf } from "./endpoints.ts";
import type { Engine } from "./engine/port.ts";
import { collectEvidence } from "./evidence.ts";
import { runAfterStart, runBeforeStop } from "./hooks.ts";
import { refuseUnlessAllowed } from "./node-allowance.ts";
import { LABEL } from "./labels.ts";
import type { Step } from "./plan.ts";
import type { StepContext } from "./step-context.ts";

/** One entry per kind of step; a new kind does not compile until it has one. Engine calls reject with `EngineFailure`. */
const executors: { readonly [Kind in Step["kind"]]: (step: Extract<Step, { kind: Kind }>, context: StepContext) => Promise<void> | void } =
  {
    pull: async ({ image }, { images, apply, progress, signal }) => {
      await images.ensure(image, { pulling: () => apply({ kind: "pull-began" }), progress, signal });
      apply({ kind: "image-ready" });
    },

    create: async (
      { attempt },
      { engine, table, gates, placement, allows, realPath, files, attempt: context, apply, record, takenPorts, chance },
    ) => {
      if (placement === undefined) return;
      await refuseUnlessAllowed(placement.template, { node: context.node, allows, realPath });
      apply({ kind: "image-ready" });
      const endpoints = chooseEndpoints(placement.template, record.endpoints ?? [], takenPorts(), chance);
      apply({ kind: "endpoints-chosen", endpoints });
      const filePaths = await files.ready(placement);
      const desired = desiredContainer(placement, attempt, context, { endpoints, filePaths });
      return gates.starts.run(async () => {
        const containerId = await engine.create(desired);
        table.created(containerId, desired.name, desired.labels);
        // Created and started under one permit: a container that waits for a second one would only be older.
        await start(containerId, engine, table);
      });
    },

    start: ({ containerId }, { engine, table, gates }) => gates.starts.run(() => start(containerId, engine, table)),

    adopt: async ({ containerId, startedAtMs, attempt }, context) => {
      const { apply, clock, placement, table } = context;
      apply({ kind: "attempt-seen", attempt });
      await runAfterStart(containerId, context);
      // It may have ended meanwhile, which is told like any other end.
      if (table.get(containerId)?.state !== "running") return;
      apply({ kind: "endpoints-chosen", endpoints: endpointsOf(table.get(containerId)?.labels[LABEL.endpoints] ?? "") });
      apply({ kind: "started", containerId, startedAtMs: startedAtMs ?? clock.nowMs(), checked: placement?.template.health !== undefined });
    },

    unpause: async ({ containerId }, { engine, table, record, apply }) => {
      const outcome = await engine.unpause(containerId);
      if (table.get(containerId)?.state === "paused") table.moved(containerId, "running");
      const isOurs = record.current.phase === "running" && record.current.containerId === containerId;
      if (isOurs && outcome === "unpaused") apply({ kind: "interrupted" });
    },

    drain: ({ containerId, reason }, context) => {
      context.apply({ kind: "drain-began", reason, containerId });
      return stop(containerId, context);
    },

    stop: ({ containerId }, context) => stop(containerId, context),

    end: (step, { apply, record, placement, chance }) => {
      const code = step.cause === "unhealthy" ? "unhealthy" : "exited";
      apply({
        kind: "ended",
        containerId: step.containerId,
        cause: step.cause,
        exitCode: step.exitCode,
        failure: { code, message: step.message, permanent: false },
        next: nextAttempt(step, record, placement, chance()),
      });
    },

    collect: async ({ containerId }, { engine, gates, apply }) => {
      const evidence = await gates.cleanups.run(() => collectEvidence(engine, containerId));
      apply({ kind: "evidence-collected", containerId, ...evidence });
    },

    remove: async ({ containerId }, { engine, table, gates }) => {
      await gates.cleanups.run(() => engine.remove(containerId));
      table.removed(containerId);
    },

    settle: (_step, { apply }) => apply({ kind: "settled" }),
    revive: (_step, { apply }) => apply({ kind: "revived" }),
    forget: (_step, { forget }) => forget(),
  };

function nextAttempt(
  { next, cause }: Extract<Step, { kind: "end" }>,
  { failuresInRow }: PlacementRecord,
  placement: Placement | undefined,
  chance: number,
): NextAttempt {
  switch (next) {
    case "never":
      return { kind: "never" };
    case "succeeded":
    case "failed":
      return { kind: "ended", outcome: next };
    case "again": {
      const least = placement?.template.restart.delayMs ?? 0;
      return { kind: "again", delayMs: cause === "requested" ? 0 : Math.max(least, restartDelayMs(failuresInRow, chance)) };
    }
  }
}

/** Resolves when the step is done; rejects with `EngineFailure`, or with the reason of the context's signal. */
export async function execute(step: Step, context: StepContext): Promise<void> {
  const executor = executors[step.kind] as (step: Step, context: StepContext) => Promise<void> | void;
  await executor(step, context);
}

async function start(containerId: string, engine: Engine, table: ContainerTable): Promise<void> {
  await engine.start(containerId);
  table.moved(containerId, "running");
}

async function stop(containerId: string, context: StepContext): Promise<void> {
  const { engine, table, gates, record, placement } = context;
  const signal = placement?.template.stopSignal ?? record.stopSignal;
  const graceMs = placement?.template.stopGraceMs ?? record.stopGraceMs;
  await gates.stops.run(async () => {
    const leftMs = await runBeforeStop(containerId, graceMs, context);
    await engine.stop(containerId, signal, leftMs);
  });
  // Usually its end has been told already; if not, the exit code has to be asked for.
  const state = table.get(containerId)?.state;
  if (state !== undefined && state !== "exited" && (await table.inspect(containerId))?.state === "running")
    table.moved(containerId, "exited");
}
