/** Characters of a probe's output that are kept; the rest is cut. */
export const MAX_PROBE_OUTPUT_LENGTH = 4_000;

/** How the agent asks a container how it is. Never rejects: not being reached is an answer. */
export interface ProbeTransport {
  /** GET; a status of 200 to 399 is healthy, redirects are not followed. The time covers connecting, asking and reading. */
  http(address: string, port: number, path: string, timeoutMs: number): Promise<ProbeAnswer>;
  /** Healthy once the connection is accepted. */
  tcp(address: string, port: number, timeoutMs: number): Promise<ProbeAnswer>;
}

export interface ProbeAnswer {
  readonly healthy: boolean;
  /** What was answered, or why nothing was; at most MAX_PROBE_OUTPUT_LENGTH characters. */
  readonly output: string;
}
