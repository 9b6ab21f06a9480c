import { fewOf } from "../../../actors/deployment/sentence.ts";
import { OnFailure, type StackSpecInput } from "../../../actors/stack/contract.ts";
import type { StackReply } from "../../../actors/stack/commands.ts";
import type { PlannedStack } from "../../../actors/stack/plan-stack.ts";
import type { Finding } from "../../../actors/manifest/finding.ts";
import { readProject } from "../../../actors/manifest/read-compose.ts";
import { stackInput } from "../../../actors/manifest/stack-input.ts";
import { exitCodes } from "../exit-codes.ts";
import { errorLines, warningLines } from "../finding-lines.ts";
import { openProject } from "../manifest-project.ts";
import { planLines, removalLines, type Told } from "../plan-lines.ts";
import { ask } from "../routes.ts";
import { type Action, ifGeneration, isSet, type Options, type Session, text, texts } from "../session.ts";
import { Stop } from "../stop.ts";
import { waitingOf } from "./change.ts";
import { finishStack } from "./stack.ts";

interface Wish {
  readonly name: string;
  readonly body: StackSpecInput;
  readonly findings: readonly Finding[];
}

/** Makes a stack what the manifest says. Members it does not name stay as they are, unless they are to be pruned. */
export const apply: Action = async (session, files, options) => {
  const waiting = waitingOf(options);
  const { name, body } = await readWish(session, files, options);
  if (body.prune && !session.out.json) {
    const planned = await ask<PlannedStack>(session.api(), "stacks.plan", { name, body });
    for (const line of removalLines(session.out, planned, toldOf(options))) session.out.note(line);
  }
  const written = await ask<StackReply>(session.api(), "stacks.apply", { name, body, ifGeneration: ifGeneration(options) });
  await finishStack(session, waiting, written, appliedWords(written));
};

function appliedWords({ change, revision, rollout, members }: StackReply): string {
  if (change === "unchanged") return rollout === undefined ? "nothing to change" : `nothing to change, revision ${revision} is rolling out`;
  const counts = Map.groupBy(members, (member) => member.change);
  const words = (["create", "change", "restart", "remove"] as const).flatMap((kind) => {
    const services = counts.get(kind) ?? [];
    return services.length === 0 ? [] : [`${kind} ${fewOf(services, ({ service }) => service)}`];
  });
  return `revision ${revision} is rolling out${words.length === 0 ? ", to what it was" : `: ${words.join("; ")}`}`;
}

/** What `apply` would do, field by field. Nothing is done; the exit code says whether something would be. */
export const plan: Action = async (session, files, options) => {
  const { name, body, findings } = await readWish(session, files, options);
  const planned = await ask<PlannedStack>(session.api(), "stacks.plan", { name, body });
  if (session.out.json) session.out.document({ ...planned, findings });
  else for (const line of planLines(session.out, planned, toldOf(options))) session.out.line(line);
  if (planned.change !== "none") process.exitCode = exitCodes.changes;
};

function toldOf(options: Options): Told {
  return isSet(options, "whole") ? "whole" : "some";
}

async function readWish(session: Session, given: readonly string[], options: Options): Promise<Wish> {
  const choice = {
    files: [...given, ...(texts(options, "file") ?? [])],
    profiles: texts(options, "profile") ?? [],
    envFiles: texts(options, "envFile") ?? [],
    directory: text(options, "projectDirectory"),
    name: text(options, "projectName"),
  };
  const manifest = readProject(await openProject(choice, process.env));
  const { name, findings } = manifest;
  for (const line of warningLines(findings)) session.out.note(session.out.paint("yellow", line));
  const errors = findings.filter((finding) => finding.severity === "error");
  if (errors.length > 0) {
    const files = [...new Set(errors.map(({ file }) => file))].join(", ");
    const count = errors.length === 1 ? "one error" : `${errors.length} errors`;
    throw new Stop("invalid", `${files}: ${count}; nothing was done.`, { hints: errorLines(errors) });
  }
  const body = stackInput(manifest, isSet(options, "prune"));
  const onFailure = OnFailure.optional().parse(text(options, "onFailure"));
  return { name, findings, body: { ...body, ...(onFailure !== undefined && { onFailure }) } };
}
