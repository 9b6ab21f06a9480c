import type { ContainerView, DeploymentView } from "../../actors/views.ts";

/** An image of this name never becomes healthy. */
export const BROKEN_IMAGE = "broken:1";
const phases: readonly ContainerView["phase"][] = ["requested", "pulling", "starting", "running"];

export function patched(spec: DeploymentView["spec"], body: Record<string, unknown>): unknown {
  const environment = Object.entries({ ...spec.environment, ...(body["environment"] as object | undefined) }).filter(
    ([, value]) => value !== null,
  );
  return { ...spec, ...body, environment: Object.fromEntries(environment) };
}

export function replica(deployment: string, slot: number, revision: number, image: string): ContainerView {
  const id = `${deployment}.${slot}.${revision}`;
  return {
    id,
    deployment,
    slot,
    revision,
    image,
    node: `n${slot}`,
    phase: "requested",
    health: "none",
    reason: "",
    sinceMs: Date.now(),
    attempt: 1,
    restarts: 0,
    rejections: [],
    ports: [],
  };
}

/** One phase on. */
export function advanced(item: ContainerView): ContainerView {
  const phase = phases[Math.min(phases.length - 1, phases.indexOf(item.phase) + 1)] ?? "running";
  if (phase !== "running") return { ...item, phase, sinceMs: Date.now() };
  if (item.image !== BROKEN_IMAGE) return { ...item, phase, health: "healthy", sinceMs: Date.now() };
  const lastLines = [{ stream: "stderr" as const, atMs: Date.now(), text: "cannot open /etc/app.conf" }];
  const lastExit = { attempt: 1, exitCode: 3, cause: "exited" as const, message: "", atMs: Date.now(), lastLines };
  const failure = {
    code: "exited" as const,
    message: "The container ended at once. Look at its last lines.",
    permanent: false,
    atMs: Date.now(),
  };
  return { ...item, phase: "backing-off", health: "none", nextAttemptAtMs: Date.now() + 5_000, lastExit, failure };
}
