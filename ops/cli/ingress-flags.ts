import type { DeploymentSpecInput } from "../../actors/deployment/contract.ts";
import { durationMs, sizeBytes } from "../../actors/manifest/quantities.ts";
import { usage } from "./stop.ts";

type PortInput = NonNullable<DeploymentSpecInput["ports"]>[number];
type RouteInput = NonNullable<DeploymentSpecInput["routes"]>[number];

/** `8080:80`, `5353:53/udp`, `8080:80/http`, `8080:80/grpc`, `8080:80,mode=host`. */
export function portFrom(item: string): PortInput {
  const match = /^(?:(\d{1,5}):)?(\d{1,5})(?:\/(tcp|udp|http|grpc))?(?:,mode=(host|balanced))?$/.exec(item);
  if (match === null)
    throw usage(
      `--publish ${item}: write PUBLISHED:CONTAINER[/udp|/http|/grpc][,mode=host], as in 8080:80 or 5353:53/udp. Addresses and ranges are not supported.`,
    );
  const [, published, container, spoken, mode] = match;
  return {
    containerPort: Number(container),
    ...(published !== undefined && { publishedPort: Number(published) }),
    protocol: spoken === "udp" ? "udp" : "tcp",
    ...((spoken === "http" || spoken === "grpc") && { appProtocol: spoken }),
    ...((mode === "host" || mode === "balanced") && { mode }),
  };
}

/** `app.example.com`, `app.example.com/api:8080`, with options behind commas: `app.example.com,tls=off,sticky,rate=100/50`. */
export function routeFrom(item: string): RouteInput {
  const [place = "", ...words] = item.split(",");
  const match = /^([^/:]+)(\/.*?)?(?::(\d{1,5}))?$/.exec(place);
  if (match === null) throw usage(`--route ${item}: write HOST[/PATH][:PORT][,OPTION...], as in app.example.com/api:8080,sticky.`);
  const [, host = "", path, port] = match;
  const options: Options = {};
  const said: { tls?: "auto" | "off" } = {};
  for (const word of words) {
    const [name = "", value] = word.split(/=(.*)/s, 2);
    if (name === "tls" && (value === "auto" || value === "off")) said.tls = value;
    else if (optionReaders[name]?.(options, value) !== true) throw usage(`--route ${item}: "${word}" is no option. ${KNOWN}`);
  }
  return {
    host: host.toLowerCase(),
    ...(path !== undefined && { path }),
    ...(port !== undefined && { containerPort: Number(port) }),
    ...said,
    ...(Object.keys(options).length > 0 && { options }),
  };
}

type Options = { -readonly [Key in keyof NonNullable<RouteInput["options"]>]: NonNullable<RouteInput["options"]>[Key] };

const KNOWN =
  "Options: tls=off, sticky, compress, timeout=30s, max-body=10M, auth=NAME:HASH, allow=10.0.0.0/8, rate=AVERAGE/BURST (requests a second).";

/** Each writes what was said into the options; anything but true: it was not understood. */
const optionReaders: Readonly<Record<string, (options: Options, value: string | undefined) => boolean>> = {
  sticky: (options, value) => value === undefined && (options.sticky = true),
  compress: (options, value) => value === undefined && (options.compress = true),
  timeout: (options, value) => set(durationMs(value ?? ""), (timeoutMs) => (options.requestTimeoutMs = timeoutMs)),
  "max-body": (options, value) => set(sizeBytes(value ?? ""), (bytes) => (options.maxBodyBytes = bytes)),
  auth: (options, value) => set(value, (line) => (options.basicAuth = [...(options.basicAuth ?? []), line])),
  allow: (options, value) => set(value, (range) => (options.allow = [...(options.allow ?? []), range])),
  rate: (options, value) => {
    const rate = /^(\d+)(?:\/(\d+))?$/.exec(value ?? "");
    if (rate === null) return false;
    const averagePerSecond = Number(rate[1]);
    options.rateLimit = { averagePerSecond, burst: Number(rate[2] ?? averagePerSecond) };
    return true;
  },
};

function set<Value>(value: Value | undefined, write: (value: Value) => void): boolean {
  if (value === undefined || value === "") return false;
  write(value);
  return true;
}
