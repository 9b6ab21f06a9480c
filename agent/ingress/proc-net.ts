/** Sockets of a network namespace, as Linux lists them in /proc/net/tcp, tcp6, udp and udp6 (proc_net_tcp.txt of the kernel's documentation). */
export interface ListedSocket {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly state: SocketState;
}

/** `open`: some process still has it, in whatever direction bytes may yet pass. `over`: only the kernel remembers it. */
export type SocketState = "listening" | "open" | "over";

const LISTEN = "0A";
const TIME_WAIT = "06";
const CLOSED = "07";
/** A socket that no process has any more has no inode. */
const NO_INODE = "0";

/** A listening UDP socket is in the state that TCP calls closed. */
export function parseSockets(text: string, protocol: "tcp" | "udp"): readonly ListedSocket[] {
  return text
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const words = line.trim().split(/\s+/);
      const [, local = "", remote = "", state = "", , , , , , inode = NO_INODE] = words;
      const [localAddress, localPort] = endOf(local);
      const [remoteAddress, remotePort] = endOf(remote);
      if (localPort === undefined || remotePort === undefined) return [];
      return [{ localAddress, localPort, remoteAddress, remotePort, state: stateOf(state, inode, protocol) }];
    });
}

function stateOf(state: string, inode: string, protocol: "tcp" | "udp"): SocketState {
  if (protocol === "udp") return state === CLOSED ? "listening" : "open";
  if (state === LISTEN) return "listening";
  return state === TIME_WAIT || state === CLOSED || inode === NO_INODE ? "over" : "open";
}

function endOf(text: string): readonly [string, number | undefined] {
  const [address = "", port] = text.split(":");
  return port === undefined ? ["", undefined] : [addressOf(address), Number.parseInt(port, 16)];
}

const V4_CHARS = 8;
const MAPPED_PREFIX = "0000000000000000FFFF0000";

/** Written as 32-bit words of the machine; every machine we run on is little-endian. */
function addressOf(hex: string): string {
  if (hex.length === V4_CHARS) return bytesOf(hex).join(".");
  if (hex.startsWith(MAPPED_PREFIX)) return bytesOf(hex.slice(MAPPED_PREFIX.length)).join(".");
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap(bytesOf);
  const groups = Array.from({ length: bytes.length / 2 }, (_, index) =>
    ((bytes[2 * index] ?? 0) * 256 + (bytes[2 * index + 1] ?? 0)).toString(16),
  );
  return canonicalAddress(groups.join(":"));
}

function bytesOf(word: string): readonly number[] {
  return (word.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)).toReversed();
}

/** One spelling for one address: IPv6 has many. */
export function canonicalAddress(address: string): string {
  return address.includes(":") ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}
