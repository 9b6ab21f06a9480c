import { type Api, openApi } from "./client.ts";
import { nearestName } from "../../runtime/nearest-name.ts";
import { openOutput, type Output } from "./output.ts";
import { findAccess } from "./profile.ts";
import { askAll } from "./routes.ts";
import { Stop, usage } from "./stop.ts";

/** What a command works with. */
export interface Session {
  readonly out: Output;
  /** Reads the profile when first used, so that `--help` needs none. */
  readonly api: () => Api;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export type Options = Readonly<Record<string, unknown>>;
export type Action = (session: Session, args: readonly string[], options: Options) => Promise<void>;

export function openSession(options: Options, signal: AbortSignal, env: NodeJS.ProcessEnv): Session {
  let api: Api | undefined;
  const url = text(options, "url");
  return {
    out: openOutput({ json: options.json === true, env }),
    api: () => (api ??= openApi(() => findAccess({ env, ...(url !== undefined && { url }) }), signal)),
    signal,
  };
}

export function text(options: Options, name: string): string | undefined {
  const value = options[name];
  return typeof value === "string" ? value : undefined;
}

export function texts(options: Options, name: string): readonly string[] | undefined {
  const value = options[name];
  return Array.isArray(value) ? value.map(String) : undefined;
}

export function isSet(options: Options, name: string): boolean {
  return options[name] === true;
}

export function whole(value: string | undefined, what: string): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,15}$/.test(value)) throw usage(`${what}: "${value}" is not a whole number from 0 on.`);
  return Number(value);
}

export function ifGeneration(options: Options): number | undefined {
  return whole(text(options, "ifGeneration"), "--if-generation");
}

/** Runs what concerns a deployment (or node) and, when there is none of that name, says which one was most likely meant. */
export async function naming<Answer>(
  session: Session,
  kind: "deployments" | "nodes" | "stacks",
  name: string,
  run: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await run();
  } catch (cause) {
    if (!(cause instanceof Stop) || cause.exit !== "notFound" || cause.message.includes("Did you mean")) throw cause;
    const known = await askAll<{ readonly name: string }>(session.api(), `${kind}.list`, {}).catch(() => []);
    const names = known.map((item) => item.name);
    if (names.includes(name)) throw cause;
    const meant = nearestName(name, names);
    const list = names.length === 0 ? `There are no ${kind} yet.` : `See odysseus ${kind}.`;
    const hints = [meant === undefined ? list : `Did you mean ${meant}?`];
    throw new Stop("notFound", cause.message, { cause, hints, ...(cause.problem !== undefined && { problem: cause.problem }) });
  }
}
