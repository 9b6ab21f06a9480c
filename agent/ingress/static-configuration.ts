import { DURATION_BOUNDS_SECONDS } from "../../actors/ingress/counts-contract.ts";
import { entryPointName, entryPointOffsets, entryPort, type Half, OWN_OFFSET, PROOF_ENTRY_POINT } from "./entry-points.ts";

/** Where the proxy finds its routes, in its container. */
export const ROUTES_DIRECTORY = "/odysseus/routes";

/** Half-read configurations are none: what is JSON is read as the YAML that it also is, and a part of it is an error, which keeps the last one. */
export const ROUTES_FILE = "routes.yaml";

/** Between two readings of a changed configuration; Traefik's own default is 2 s. */
const RELOAD_INTERVAL = "10ms";
const GRACE = "10s";

/** What a proxy is started with. Any change of it takes a new process. */
export function staticArguments(half: Half, trustedProxies: readonly string[]): readonly string[] {
  const trusted = trustedProxies.toSorted().join(",");
  const tcp = (offset: number): readonly string[] => {
    const name = `--entryPoints.${entryPointName("tcp", offset)}`;
    return [
      `${name}.address=:${entryPort(half, offset)}`,
      // Names like X_Forwarded_For reach programs that read them as X-Forwarded-For, which only we may say.
      `${name}.http.aliasHeadersStrategy=delete`,
      // A large upload may take as long as it takes.
      `${name}.transport.respondingTimeouts.readTimeout=0`,
      `${name}.transport.lifeCycle.graceTimeOut=${GRACE}`,
      ...(trusted === "" ? [] : [`${name}.forwardedHeaders.trustedIPs=${trusted}`, `${name}.proxyProtocol.trustedIPs=${trusted}`]),
    ];
  };
  return [
    "--global.checkNewVersion=false",
    "--global.sendAnonymousUsage=false",
    "--log.level=WARN",
    "--log.format=json",
    `--entryPoints.traefik.address=127.0.0.1:${entryPort(half, OWN_OFFSET)}`,
    "--entryPoints.traefik.http.aliasHeadersStrategy=delete",
    `--entryPoints.${PROOF_ENTRY_POINT}.address=127.0.0.1:${entryPort(half, OWN_OFFSET)}/udp`,
    "--api.insecure=true",
    "--api.dashboard=false",
    "--metrics.prometheus=true",
    "--metrics.prometheus.entryPoint=traefik",
    // By router alone: what is not read would only cost.
    "--metrics.prometheus.addRoutersLabels=true",
    "--metrics.prometheus.addServicesLabels=false",
    "--metrics.prometheus.addEntryPointsLabels=false",
    `--metrics.prometheus.buckets=${DURATION_BOUNDS_SECONDS.join(",")}`,
    `--providers.file.directory=${ROUTES_DIRECTORY}`,
    "--providers.file.watch=true",
    `--providers.providersThrottleDuration=${RELOAD_INTERVAL}`,
    ...entryPointOffsets("tcp").flatMap(tcp),
    ...entryPointOffsets("udp").map((offset) => `--entryPoints.${entryPointName("udp", offset)}.address=:${entryPort(half, offset)}/udp`),
  ];
}
