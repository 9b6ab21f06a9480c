import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { Stop, usage } from "./stop.ts";

/** Where the control plane is and how to be let in. */
export interface Access {
  readonly url: URL;
  readonly token: string;
  /** PEM of the authority that signed the control plane's certificate, when it is not a public one. */
  readonly ca?: string;
}

interface Profile {
  readonly url: string;
  readonly token: string;
  readonly ca?: string;
}

/** Any bit of these means that somebody else can read the token. */
const OTHERS_BITS = 0o077;

export function profilePath(env: NodeJS.ProcessEnv): string {
  const dataHome = env.XDG_DATA_HOME || join(env.HOME || homedir(), ".local", "share");
  return join(env.ODYSSEUS_HOME || join(dataHome, "odysseus"), "profile.json");
}

/** Flags over environment over profile. The profile's token goes to the profile's address alone. */
export function findAccess(options: { readonly url?: string; readonly env: NodeJS.ProcessEnv }): Access {
  const asked = options.url ?? options.env.ODYSSEUS_URL;
  const path = profilePath(options.env);
  if (asked !== undefined && asked !== "") {
    const url = parseUrl(asked, options.url === undefined ? "ODYSSEUS_URL" : "--url");
    const token = options.env.ODYSSEUS_TOKEN;
    const profile = token ? readProfileIfAny(path) : readProfile(path);
    const isOwn = profile !== undefined && parseUrl(profile.url, path).origin === url.origin;
    if (!token && !isOwn) {
      throw new Stop("notSignedIn", `${path} holds a token for ${profile?.url ?? "nowhere"}, not for ${url.origin}.`, {
        hints: ["Set ODYSSEUS_TOKEN to a token of that control plane."],
      });
    }
    return { url, token: token || (profile?.token ?? ""), ...(isOwn && profile.ca !== undefined && { ca: profile.ca }) };
  }
  const profile = readProfile(path);
  return {
    url: parseUrl(profile.url, path),
    token: options.env.ODYSSEUS_TOKEN || profile.token,
    ...(profile.ca !== undefined && { ca: profile.ca }),
  };
}

function readProfileIfAny(path: string): Profile | undefined {
  try {
    return readProfile(path);
  } catch (cause) {
    if (cause instanceof Stop) return undefined;
    throw cause;
  }
}

function readProfile(path: string): Profile {
  try {
    const { mode } = statSync(path);
    if ((mode & OTHERS_BITS) !== 0) {
      const shown = (mode & 0o777).toString(8).padStart(4, "0");
      throw new Stop("notSignedIn", `${path} holds your token and others can read it (mode ${shown}).`, {
        hints: [`Make it yours alone: chmod 600 ${path}`, "If others use this machine, start the control plane again for a new token."],
      });
    }
    return checked(JSON.parse(readFileSync(path, "utf8")), path);
  } catch (cause) {
    if (cause instanceof Stop) throw cause;
    throw new Stop("notSignedIn", unreadable(path, cause), {
      cause,
      hints: [
        "Start the control plane on this machine with npm start, which writes it,",
        "or set ODYSSEUS_URL and ODYSSEUS_TOKEN. ODYSSEUS_HOME says where else to look.",
      ],
    });
  }
}

function unreadable(path: string, cause: unknown): string {
  const code = (cause as { code?: unknown }).code;
  if (code === "ENOENT") return `You are not signed in: there is no ${path}.`;
  if (code === "EACCES") return `You are not signed in: ${path} belongs to somebody else.`;
  return `The profile ${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}.`;
}

function checked(value: unknown, path: string): Profile {
  const { url, token, ca } = (typeof value === "object" && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  if (typeof url !== "string" || typeof token !== "string")
    throw new Stop("notSignedIn", `The profile ${path} has no url and token.`, { hints: ["npm start writes it anew."] });
  return { url, token, ...(typeof ca === "string" && { ca }) };
}

function parseUrl(text: string, source: string): URL {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url === null || !/^https?:$/.test(url.protocol)) throw usage(`${source}: "${text}" is not an address like http://127.0.0.1:7070.`);
  return url;
}
