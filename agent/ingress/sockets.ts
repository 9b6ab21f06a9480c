import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { type ListedSocket, parseSockets } from "./proc-net.ts";

/** Of the agent's own network namespace, which is its proxy's. */
const TABLES = [
  ["/proc/self/net/tcp", "tcp"],
  ["/proc/self/net/tcp6", "tcp"],
  ["/proc/self/net/udp", "udp"],
  ["/proc/self/net/udp6", "udp"],
] as const;

export type NodeSocket = ListedSocket & { readonly protocol: "tcp" | "udp" };

/** All sockets of the node. A table that is not there (no IPv6) is empty. */
export async function nodeSockets(): Promise<readonly NodeSocket[]> {
  const all = await Promise.all(
    TABLES.map(async ([path, protocol]) => {
      const text = await readFile(path, "utf8").catch(() => "");
      return parseSockets(text, protocol).map((socket) => ({ ...socket, protocol }));
    }),
  );
  return all.flat();
}

/** Open connections whose end on this node is one of these ports: first and last. */
export function clientConnections(sockets: readonly NodeSocket[], [first, last]: readonly [number, number]): number {
  return sockets.filter(({ state, localPort }) => state === "open" && localPort >= first && localPort <= last).length;
}

/** Whether something on this node accepts a connection there. Silence is a no. */
export function accepts(port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, signal: AbortSignal.timeout(timeoutMs) });
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
