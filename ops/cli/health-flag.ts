import { commandLine } from "../../actors/manifest/command-line.ts";
import { usage } from "./stop.ts";

export type HealthInput =
  | { readonly kind: "http"; readonly path: string; readonly port?: number }
  | { readonly kind: "tcp"; readonly port?: number }
  | { readonly kind: "command"; readonly command: readonly string[] };

/** `http:/healthz`, `http:8081/healthz`, `tcp`, `tcp:5432`, `command:pg_isready -q`. */
export function healthFrom(given: string): HealthInput {
  const http = /^http:(\d{1,5})?(\/.*)$/.exec(given);
  if (http !== null) return { kind: "http", path: http[2] ?? "/", ...(http[1] !== undefined && { port: Number(http[1]) }) };
  const tcp = /^tcp(?::(\d{1,5}))?$/.exec(given);
  if (tcp !== null) return { kind: "tcp", ...(tcp[1] !== undefined && { port: Number(tcp[1]) }) };
  const line = given.startsWith("command:") ? commandLine(given.slice("command:".length)) : undefined;
  if (line?.kind === "words" && line.words.length > 0 && line.rest === "") return { kind: "command", command: line.words };
  throw usage(`--health ${given}: write http:/path, http:PORT/path, tcp:PORT, command:WORDS, or none.`);
}
