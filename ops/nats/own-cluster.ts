import { readFile } from "node:fs/promises";
import { credsAuthenticator } from "nats";
import type { ConnectionOptions } from "nats";
import { tools } from "../tools/table.ts";
import { isAtLeast } from "../tools/version.ts";

/** `refused` carries one sentence: what is wrong with which variable. */
export type OwnCluster =
  | { readonly kind: "none" }
  | { readonly kind: "cluster"; readonly options: Pick<ConnectionOptions, "servers" | "user" | "pass" | "token" | "authenticator" | "tls"> }
  | { readonly kind: "refused"; readonly sentence: string };

/**
 * The user's own NATS cluster: `NATS_URL` (one or more addresses, separated by commas, with `user:password@` or `token@` where the
 * cluster wants them), `NATS_CREDS` (a credentials file), `NATS_CA` (PEM of an authority that is not public).
 */
export async function ownCluster(env: NodeJS.ProcessEnv): Promise<OwnCluster> {
  const text = env.NATS_URL ?? "";
  if (text === "") return { kind: "none" };
  const urls = text.split(",").map((part) => URL.parse(part.includes("://") ? part.trim() : `nats://${part.trim()}`));
  const servers = urls.flatMap((url) => (url !== null && /^(nats|tls):$/.test(url.protocol) && url.hostname !== "" ? [url] : []));
  const [first] = servers;
  // The text may hold a password: it is not repeated.
  if (first === undefined || servers.length !== urls.length) {
    return {
      kind: "refused",
      sentence: "NATS_URL is not a list of addresses like nats://host:4222: correct it, or unset it to use the built-in server.",
    };
  }
  const creds = await readIfNamed(env.NATS_CREDS);
  const ca = await readIfNamed(env.NATS_CA);
  if (creds.kind === "unreadable")
    return { kind: "refused", sentence: `NATS_CREDS names ${env.NATS_CREDS}, which cannot be read: ${creds.reason}.` };
  if (ca.kind === "unreadable") return { kind: "refused", sentence: `NATS_CA names ${env.NATS_CA}, which cannot be read: ${ca.reason}.` };
  const isTls = ca.kind === "text" || servers.some((url) => url.protocol === "tls:");
  return {
    kind: "cluster",
    options: {
      servers: servers.map((url) => url.host),
      ...(creds.kind === "text" ? { authenticator: credsAuthenticator(new TextEncoder().encode(creds.text)) } : login(first)),
      ...(isTls && { tls: ca.kind === "text" ? { ca: ca.text } : {} }),
    },
  };
}

/** A warning about a cluster's server that is too old to be safe; undefined when it is new enough. */
export function versionWarning(serverVersion: string): string | undefined {
  const { minimumVersion, minimumReason } = tools["nats-server"];
  if (isAtLeast(serverVersion, minimumVersion)) return undefined;
  return `Your NATS cluster runs nats-server ${serverVersion}; update it to ${minimumVersion} or newer: ${minimumReason}.`;
}

function login(url: URL): Pick<ConnectionOptions, "user" | "pass" | "token"> {
  const user = decodeURIComponent(url.username);
  if (user === "") return {};
  return url.password === "" ? { token: user } : { user, pass: decodeURIComponent(url.password) };
}

async function readIfNamed(
  path: string | undefined,
): Promise<
  { readonly kind: "none" } | { readonly kind: "text"; readonly text: string } | { readonly kind: "unreadable"; readonly reason: string }
> {
  if (path === undefined || path === "") return { kind: "none" };
  try {
    return { kind: "text", text: await readFile(path, "utf8") };
  } catch (error) {
    return { kind: "unreadable", reason: error instanceof Error ? error.message : String(error) };
  }
}
