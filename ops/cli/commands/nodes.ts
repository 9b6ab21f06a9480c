import { setTimeout as delay } from "node:timers/promises";
import type { NodeView } from "../../../actors/views.ts";
import { exitCodes } from "../exit-codes.ts";
import { ask } from "../routes.ts";
import { type Action, isSet, naming, type Options, type Session } from "../session.ts";
import { usage } from "../stop.ts";
import { duration } from "../template-flags.ts";

/** Draining has no rollout of its own to follow: the node is looked at this often. */
const LOOK_EVERY_MS = 500;

export const cordon: Action = async (session, [name = ""]) =>
  change(session, "nodes.cordon", name, "takes no new replicas; those it has stay");

export const uncordon: Action = async (session, [name = ""]) => change(session, "nodes.uncordon", name, "takes replicas again");

export const drain: Action = async (session, [name = ""], options) => {
  const timeoutMs = duration(options, "timeout", "--timeout");
  if (timeoutMs !== undefined && !isSet(options, "wait")) throw usage("--timeout says how long to wait: give --wait too.");
  await change(
    session,
    "nodes.drain",
    name,
    "its replicas move to other nodes; what finds no place says why in odysseus containers",
    options,
  );
  if (isSet(options, "wait")) await waitUntilDrained(session, name, timeoutMs);
};

export const remove: Action = async (session, [name = ""]) => change(session, "nodes.remove", name, "is removed");

async function change(
  session: Session,
  operation: "nodes.cordon" | "nodes.uncordon" | "nodes.drain" | "nodes.remove",
  name: string,
  words: string,
  options: Options = {},
): Promise<void> {
  const answer = await naming(session, "nodes", name, () => ask<Readonly<Record<string, unknown>>>(session.api(), operation, { name }));
  if (session.out.json) {
    if (!isSet(options, "wait")) session.out.document(answer);
  } else {
    session.out.line(`${name}: ${words}`);
  }
}

async function waitUntilDrained(session: Session, name: string, timeoutMs: number | undefined): Promise<void> {
  const { out, signal } = session;
  const startedAtMs = performance.now();
  let before = -1;
  for (;;) {
    const node = await ask<NodeView>(session.api(), "nodes.get", { name });
    if (!out.json && node.placements !== before)
      out.line(`${name}: ${node.placements} ${node.placements === 1 ? "replica" : "replicas"} left`);
    before = node.placements;
    const isOver = timeoutMs !== undefined && performance.now() - startedAtMs >= timeoutMs;
    if (node.availability === "drained" || isOver) {
      if (out.json) out.document(node);
      if (node.availability === "drained") return;
      out.note(`${name}: still draining when the time to wait was over`);
      process.exitCode = exitCodes.waitTimedOut;
      return;
    }
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
}
