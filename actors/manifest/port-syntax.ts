/** The short form of a port, taken apart. Absent parts are empty; ports may be ranges. */
export interface PortParts {
  readonly address: string;
  readonly published: string;
  readonly target: string;
  readonly protocol: string;
}

const MAX_PORT = 65_535;

const SHORT = /^(?:(?<address>\[[^\]]*\]|[^:[\]]*):)??(?:(?<published>[\d-]*):)?(?<target>[\d-]+)(?:\/(?<protocol>[A-Za-z]+))?$/;

/** `8080:80`, `80`, `5353:53/udp`, `127.0.0.1:8080:80`, `[::1]::80`, `3000-3005:3000-3005`. */
export function parsePort(written: string): PortParts | undefined {
  const parts = SHORT.exec(written.trim())?.groups;
  if (parts === undefined) return undefined;
  return {
    address: (parts["address"] ?? "").replace(/^\[|\]$/g, ""),
    published: parts["published"] ?? "",
    target: parts["target"] ?? "",
    protocol: (parts["protocol"] ?? "tcp").toLowerCase(),
  };
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `80` or `3000-3005`. Undefined: neither. */
export function parseRange(text: string): PortRange | undefined {
  const parts = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (parts === null) return undefined;
  const first = Number(parts[1]);
  const last = Number(parts[2] ?? parts[1]);
  return last < first || first === 0 || last > MAX_PORT ? undefined : { first, last };
}
