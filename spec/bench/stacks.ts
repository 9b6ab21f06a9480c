import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { readProject } from "../../actors/manifest/read-compose.ts";
import { stackInput } from "../../actors/manifest/stack-input.ts";
import type { StackSpecInput } from "../../actors/stack/contract.ts";
import { ComposeOracle, composeOracleProgram } from "../support/compose-oracle.ts";
import { MeasuredControlPlane } from "./measured-control-plane.ts";

/**
 * A stack of many services in the real control plane, over HTTP: what each step takes, how long the control plane's loop is kept from its next turn
 * meanwhile (which is what everybody else waits), its memory, and what it writes, to its network and its disk. The simulated nodes live in the same process.
 * Reading the file is measured beside the Compose Specification's own library.
 */
const SERVICES = 2_000;
const NODES = 20;
const TIMEOUT_MS = 600_000;
const POLL_MS = 200;
const READINGS = 3;
const STACK = "/stacks/many";
const MEBIBYTE = 1_048_576;

interface Row {
  readonly status: string;
  readonly rollout: { readonly outcome: string; readonly reason?: string };
}

async function step<Result>(plane: MeasuredControlPlane, title: string, run: () => Promise<Result>): Promise<Result> {
  await plane.loop();
  const [eventsBefore, writtenBefore] = [await plane.events(), plane.writtenBytes()];
  const startedAt = performance.now();
  const result = await run();
  const tookMs = performance.now() - startedAt;
  const { longestMs, p99Ms, residentBytes } = await plane.loop();
  const events = (await plane.events()) - eventsBefore;
  const writtenBytes = plane.writtenBytes() - writtenBefore;
  const mebibytes = (bytes: number): string => (bytes / MEBIBYTE).toFixed(1);
  console.log(
    `${title.padEnd(34)} ${tookMs.toFixed(0).padStart(7)} ms   loop p99 ${p99Ms.toFixed(0)} ms, longest ${longestMs.toFixed(0)} ms   ` +
      `${events} events, ${mebibytes(writtenBytes)} MiB written   memory ${mebibytes(residentBytes)} MiB`,
  );
  return result;
}

async function settled(plane: MeasuredControlPlane): Promise<void> {
  const endsAt = performance.now() + TIMEOUT_MS;
  for (;;) {
    const { items } = await plane.call<{ items: readonly Row[] }>("GET", "/stacks?limit=1");
    const [stack] = items;
    if (stack === undefined) return;
    if (stack.rollout.outcome !== "in-progress") {
      if (stack.rollout.outcome !== "succeeded") throw new Error(`it ended as ${stack.rollout.outcome}: ${stack.rollout.reason ?? ""}`);
      return;
    }
    if (performance.now() > endsAt) throw new Error(`not within ${TIMEOUT_MS / 1_000} s: ${JSON.stringify(stack).slice(0, 400)}`);
    await delay(POLL_MS);
  }
}

function manyServices(changed: number | undefined): string {
  const service = (index: number): string => `  service-${index}:
    <<: *common
    image: registry.example/app-${index % 50}@sha256:${"a".repeat(64)}
    environment: {NAME: service-${index}, LEVEL: "${index === changed ? "debug" : "info"}"}
    expose: ["8080"]
    depends_on: [service-${Math.floor(index / 10)}]
    deploy: {resources: {limits: {cpus: "0.5", memory: 64M}}}
`;
  const common = "x-common: &common\n  restart: always\n  networks: []\n";
  const rest = Array.from({ length: SERVICES - 1 }, (_, index) => service(index + 1)).join("");
  return `name: many\n${common}services:\n  service-0: {<<: *common, image: "registry.example/first@sha256:${"a".repeat(64)}"}\n${rest}`;
}

function bodyOf(changed?: number): StackSpecInput {
  return stackInput(readProject({ manifests: [{ file: "compose.yaml", text: manyServices(changed) }] }), true);
}

async function readings(): Promise<void> {
  const text = manyServices(undefined);
  const tookMs = (run: () => unknown): number => {
    const startedAt = performance.now();
    run();
    return performance.now() - startedAt;
  };
  const ours = Array.from({ length: READINGS }, () => tookMs(() => readProject({ manifests: [{ file: "compose.yaml", text }] })));
  const shown = (all: readonly number[]): string => all.map((ms) => ms.toFixed(0)).join(", ");
  console.log(`reading ${SERVICES} services, ours, ms: ${shown(ours)}`);
  const found = await composeOracleProgram();
  if (found.kind === "unavailable") return console.log(`reading them, Compose's own library: ${found.reason}`);
  const directory = mkdtempSync(join(tmpdir(), "odysseus-bench-"));
  writeFileSync(join(directory, "compose.yaml"), text);
  const oracle = await ComposeOracle.start();
  const theirs: number[] = [];
  for (let reading = 0; reading < READINGS; reading++) {
    const startedAt = performance.now();
    await oracle.ask({ directory, files: ["compose.yaml"] });
    theirs.push(performance.now() - startedAt);
  }
  console.log(`reading them, Compose's own library, its answer included, ms: ${shown(theirs)}`);
  oracle.stop();
  rmSync(directory, { recursive: true });
}

await readings();
const body = bodyOf();
console.log(`request of ${(JSON.stringify(body).length / MEBIBYTE).toFixed(1)} MiB, ${NODES} simulated nodes`);
const plane = await MeasuredControlPlane.start(NODES);
try {
  await step(plane, "nothing", () => delay(1_000));
  await step(plane, "plan, all new", () => plane.call("POST", `${STACK}/plan`, body));
  await step(plane, "plan, all new, again", () => plane.call("POST", `${STACK}/plan`, body));
  await step(plane, "apply, all new", () => plane.call("PUT", STACK, body));
  await step(plane, "its rollout", () => settled(plane));
  await step(plane, "apply, the same", () => plane.call("PUT", STACK, body));
  const changed = bodyOf(SERVICES - 1);
  await step(plane, "plan, one changed", () => plane.call("POST", `${STACK}/plan`, changed));
  await step(plane, "apply, one changed", () => plane.call("PUT", STACK, changed));
  await step(plane, "its rollout", () => settled(plane));
  await step(plane, "show", () => plane.call("GET", STACK));
  await step(plane, "list", () => plane.call("GET", "/stacks"));
  await step(plane, "export", () => plane.call("GET", `${STACK}/manifest`));
  await step(plane, "roll back", () => plane.call("POST", `${STACK}/rollback`, {}));
  await step(plane, "its rollout", () => settled(plane));
  await step(plane, "delete", () => plane.call("DELETE", STACK));
  await step(plane, "its rollout", () => settled(plane));
} finally {
  await plane.stop();
}
