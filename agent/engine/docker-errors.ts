import { engineFailures } from "./failures.ts";
import { EngineFailure } from "./port.ts";

/** What was being done when the engine refused, for the wording. */
export interface DockerErrorContext {
  readonly doing: string;
  readonly socketPath: string;
  readonly reference?: string;
}

/** The socket's errors, in words. */
const connectionErrors: Readonly<Record<string, (socketPath: string) => string>> = {
  ENOENT: (path) => `there is no socket ${path}`,
  ECONNREFUSED: (path) => `nothing listens at ${path}`,
  EACCES: (path) => `this user may not use ${path}`,
  EPERM: (path) => `this user may not use ${path}`,
  ENOTSOCK: (path) => `${path} is not a socket`,
  ECONNRESET: () => "it went away during the call",
  EPIPE: () => "it went away during the call",
  ECONNABORTED: () => "it went away during the call",
  ABORT_ERR: () => "the call was called off",
};

interface Rule {
  readonly pattern: RegExp;
  readonly failure: (found: RegExpExecArray, context: DockerErrorContext, cause: unknown) => EngineFailure;
}

const nameOf = (context: DockerErrorContext) => context.reference ?? "of this container";

/** Most specific first: the first that matches wins. Every pattern is from a message of a real engine, registry, kernel or runtime. */
const rules: readonly Rule[] = [
  { pattern: /no space left on device|disk quota exceeded/i, failure: (_, { doing }, cause) => engineFailures.diskFull(doing, cause) },
  {
    pattern:
      /no matching manifest for (\S+)|image operating system "?(\S+?)"? cannot be used|does not match the (?:specified|detected) (?:host )?platform|does not provide the specified platform/i,
    failure: (found, context, cause) => engineFailures.platformMismatch(nameOf(context), found[1] ?? "", "", cause),
  },
  {
    pattern: /port is already allocated|address already in use/i,
    failure: (found, _, cause) => engineFailures.portTaken(portIn(found.input), cause),
  },
  {
    pattern:
      /exec: \\?"([^"\\]*)\\?": (?:executable file not found|stat [^:]*: no such file|permission denied|is a directory)|exec(?:: \\?")?([^"\s:\\]*)[^:]*: (?:no such file or directory|permission denied)(?=.*unknown)/i,
    failure: (found, _, cause) => engineFailures.commandNotFound(found[1] ?? found[2] ?? "", cause),
  },
  {
    pattern: /exec format error/i,
    failure: (_, context, cause) => engineFailures.platformMismatch(nameOf(context), "", "", cause),
  },
  {
    pattern: /no command specified|No command or entrypoint/i,
    failure: (_found, _context, cause) => engineFailures.commandNotFound("(none is given)", cause),
  },
  {
    pattern:
      /requested access to the resource is denied|unauthorized|authentication required|no basic auth credentials|\bdenied\b:?|403 Forbidden/i,
    failure: (_, context, cause) => engineFailures.accessDenied(nameOf(context), cause),
  },
  {
    pattern:
      /manifest unknown|name unknown|no such image|repository .* not found|manifest for .* not found|not found: manifest|: not found$/i,
    failure: (_, context, cause) => engineFailures.imageNotFound(nameOf(context), cause),
  },
  {
    pattern:
      /connection refused|no such host|server misbehaving|i\/o timeout|TLS handshake|context deadline exceeded|Client\.Timeout|network is unreachable|no route to host|connection reset by peer|x509:|gave HTTP response to HTTPS client|toomanyrequests|unexpected EOF|received unexpected HTTP status: 5/i,
    failure: (found, context, cause) => engineFailures.registryUnavailable(nameOf(context), registryWords(found), cause),
  },
  {
    pattern:
      /memory limit|Range of CPUs|NanoCPUs|invalid (?:reference|containerPort|port|user|stop signal)|unable to find user .*|no matching entries in passwd file|invalid .*specification|cannot mkdir/i,
    failure: (found, _, cause) => engineFailures.resourcesRejected(found.input, cause),
  },
];

/** Any error of a call or of a stream into the words of the contract. */
export function translateDockerError(error: unknown, context: DockerErrorContext): EngineFailure {
  if (error instanceof EngineFailure) return error;
  const { code } = error as { readonly code?: unknown };
  if (typeof code === "string") {
    const words = connectionErrors[code];
    if (words !== undefined) return engineFailures.engineUnavailable(words(context.socketPath), error);
    if (code.startsWith("HPE_"))
      return engineFailures.engineUnavailable(`what answers at ${context.socketPath} does not speak HTTP`, error);
  }
  const text = (error instanceof Error ? error.message : String(error)).trim();
  if (looksLikeHtml(text)) return answersNonsense(context.doing, text, error);
  return translateDockerText(text, context, error);
}

/** The engine's own sentence, as found in answers, pull streams and `State.Error`. */
export function translateDockerText(text: string, context: DockerErrorContext, cause?: unknown): EngineFailure {
  for (const { pattern, failure } of rules) {
    const found = pattern.exec(text);
    if (found !== null) return failure(found, context, cause ?? new Error(text));
  }
  return engineFailures.engineError(context.doing, text, cause);
}

/** An answer that no container engine gives: a proxy's page, another program's socket. */
export function answersNonsense(doing: string, answer: unknown, cause: unknown): EngineFailure {
  const MAX_QUOTED = 80;
  const text = Buffer.isBuffer(answer) ? answer.toString() : typeof answer === "string" ? answer : (JSON.stringify(answer) ?? "nothing");
  const quoted = text.replaceAll(/\s+/g, " ").trim().slice(0, MAX_QUOTED);
  return engineFailures.engineUnavailable(`while ${doing} something answered that is not a Docker engine ("${quoted}")`, cause);
}

/** HTTP status of a refused call; undefined when there was no answer. */
export function statusOf(failure: unknown): number | undefined {
  const cause = failure instanceof EngineFailure ? failure.cause : failure;
  const { statusCode } = (cause ?? {}) as { readonly statusCode?: unknown };
  return typeof statusCode === "number" ? statusCode : undefined;
}

function looksLikeHtml(text: string): boolean {
  return /^\s*<(?:!doctype|html|head|body)/i.test(text);
}

/** The first address in the sentence is the node's, whatever the version's wording around it. */
function portIn(text: string): string {
  return /(?:\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]*\]):(\d+)/.exec(text)?.[1] ?? "that it publishes";
}

/** Go's errors name the cause last. */
function registryWords(found: RegExpExecArray): string {
  const text = found[0].toLowerCase();
  if (text.includes("no such host") || text.includes("server misbehaving") || /lookup \S+/.test(found.input))
    return "its name cannot be resolved";
  if (text.includes("timeout") || text.includes("deadline") || text.includes("handshake")) return "it does not answer in time";
  if (text.includes("x509")) return "its certificate is not trusted";
  if (text.includes("https client")) return "it does not use TLS, and the engine does not allow that";
  if (text.includes("toomanyrequests")) return "it limits how often images may be pulled";
  return text;
}
