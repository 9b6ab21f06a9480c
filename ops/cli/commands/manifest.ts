import type { DeploymentSpecInput, FieldChange } from "../../../actors/deployment/contract.ts";
import type { Finding } from "../../../actors/manifest/finding.ts";
import { readProject } from "../../../actors/manifest/read-compose.ts";
import { openProject } from "../manifest-project.ts";
import { type Output, plain } from "../output.ts";
import { ask } from "../routes.ts";
import { type Action, type Options, type Session, text, texts } from "../session.ts";
import { Stop } from "../stop.ts";
import { finish, waitingOf, type Written } from "./change.ts";
import { shown } from "./lists.ts";

interface Planned {
  readonly name: string;
  readonly change: "create" | "change" | "none";
  readonly diff: readonly FieldChange[];
  readonly replaces: boolean;
  readonly findings: readonly string[];
}

interface Service {
  readonly name: string;
  readonly spec: DeploymentSpecInput;
}

/** Creates or changes a deployment per service; those the manifest does not name stay as they are. */
export const apply: Action = async (session, files, options) => {
  const waiting = waitingOf(options);
  const services = await readServices(session, files, options);
  const items: { readonly written: Written; readonly words: string }[] = [];
  for (const { name, spec } of services) {
    const written = await ask<Written>(session.api(), "deployments.apply", { name, body: spec });
    items.push({ written, words: appliedWords(written) });
  }
  await finish(session, waiting, items);
};

function appliedWords({ change, revision, rollout }: Written): string {
  if (change === "unchanged") return "unchanged";
  return rollout === undefined ? change : `${change}, revision ${revision} is rolling out`;
}

/** What `apply` would do, field by field. Nothing is done. */
export const plan: Action = async (session, files, options) => {
  const services = await readServices(session, files, options);
  const planned: Planned[] = [];
  for (const { name, spec } of services) planned.push(await ask<Planned>(session.api(), "deployments.plan", { name, body: spec }));
  if (session.out.json) session.out.document({ services: planned });
  else for (const item of planned) for (const line of planLines(session.out, item)) session.out.line(line);
};

function planLines(out: Output, { name, change, diff, replaces, findings }: Planned): readonly string[] {
  const notes = findings.map((finding) => out.paint("yellow", `    ! ${plain(finding)}`));
  switch (change) {
    case "none":
      return [`  ${name}: nothing to change`, ...notes];
    case "create":
      return [
        out.paint("green", `+ ${name}: would be created`),
        ...diff
          .filter((field) => field.after !== undefined && field.after !== null)
          .map((field) => `    ${field.path}: ${shown(field.after)}`),
        ...notes,
      ];
    case "change": {
      const how = replaces ? "would change, and its replicas would be replaced" : "would change; its running replicas stay";
      return [out.paint("yellow", `~ ${name}: ${how}`), ...diff.flatMap((field) => fieldLines(out, field)), ...notes];
    }
  }
}

function fieldLines(out: Output, { path, before, after }: FieldChange): readonly string[] {
  const minus = before === undefined || before === null ? [] : [out.paint("red", `    - ${path}: ${shown(before)}`)];
  const plus = after === undefined || after === null ? [] : [out.paint("green", `    + ${path}: ${shown(after)}`)];
  return [...minus, ...plus];
}

async function readServices(session: Session, given: readonly string[], options: Options): Promise<readonly Service[]> {
  const choice = {
    files: [...given, ...(texts(options, "file") ?? [])],
    profiles: texts(options, "profile") ?? [],
    envFiles: texts(options, "envFile") ?? [],
    directory: text(options, "projectDirectory"),
  };
  const result = readProject(await openProject(choice, process.env));
  for (const finding of result.findings)
    if (finding.severity === "warning") session.out.note(session.out.paint("yellow", findingText(finding)));
  const errors = result.findings.filter((finding) => finding.severity === "error");
  if (errors.length === 0) return result.services;
  const files = [...new Set(errors.map(({ file }) => file))].join(", ");
  const count = errors.length === 1 ? "one error" : `${errors.length} errors`;
  throw new Stop("invalid", `${files}: ${count}; nothing was done.`, { hints: errors.map(findingText) });
}

/** `compose.yaml:4:7 error services.web.privileged: ...`: editors jump to it. */
function findingText({ file, severity, line, column, path, message, instead }: Finding): string {
  const at = path === "" ? "" : ` ${plain(path)}:`;
  return `${plain(file)}:${line}:${column} ${severity}${at} ${plain(message)}${instead === undefined ? "" : ` Instead: ${plain(instead)}`}`;
}
