import { createSocket } from "node:dgram";
import { once } from "node:events";
import { request } from "node:http";
import { connect, type Socket } from "node:net";

/** A text frame without content, masked with zeros (RFC 6455, 5.2). */
const EMPTY_FRAME = Buffer.from([0x81, 0x80, 0, 0, 0, 0]);
const FRAME_HEADER_BYTES = 2;

/** A connection that is held, and asked now and then whether it still leads to the same server. */
export class HeldConnection {
  readonly #socket: Socket;
  readonly #kind: "tcp" | "websocket";
  /** Why it ended, if it did. */
  end: string | undefined;

  private constructor(socket: Socket, kind: "tcp" | "websocket") {
    this.#socket = socket;
    this.#kind = kind;
    socket.on("error", (error) => (this.end = error.message));
    socket.on("close", () => (this.end ??= "closed"));
  }

  static async open(host: string, port: number): Promise<HeldConnection> {
    const socket = connect(port, host);
    await once(socket, "connect");
    return new HeldConnection(socket, "tcp");
  }

  static async webSocket(host: string, port: number): Promise<HeldConnection> {
    const headers = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    };
    const [, socket] = (await once(request({ host, port, path: "/ws", headers }).end(), "upgrade")) as [unknown, Socket];
    return new HeldConnection(socket, "websocket");
  }

  /** Who answers. */
  async ask(): Promise<string> {
    if (this.end !== undefined) throw new Error(`the connection has ended: ${this.end}`);
    const answered = once(this.#socket, "data", { signal: AbortSignal.timeout(10_000) });
    this.#socket.write(this.#kind === "tcp" ? "hello" : EMPTY_FRAME);
    const [data] = (await answered) as [Buffer];
    const text = data.subarray(this.#kind === "tcp" ? 0 : FRAME_HEADER_BYTES).toString();
    return text.split(" ")[0] ?? "";
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Who answers a datagram; undefined: nobody within the time. */
export async function askUdp(host: string, port: number, timeoutMs: number): Promise<string | undefined> {
  const socket = createSocket("udp4");
  try {
    const answered = once(socket, "message", { signal: AbortSignal.timeout(timeoutMs) });
    socket.send("hello", port, host);
    const [message] = (await answered) as [Buffer];
    return message.toString().split(" ")[0];
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}

/** Why nothing answers at a port: `refused`, or `silent`. Undefined: something does. */
export function unanswered(host: string, port: number, timeoutMs: number): Promise<"refused" | "silent" | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal: AbortSignal.timeout(timeoutMs) });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED" ? "refused" : "silent"));
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
  });
}

/** The status of an answer over a connection of its own: a kept one survives what happens to ports. Undefined: none. */
export function askOnce(url: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const call = request(url, { agent: false, signal: AbortSignal.timeout(2_000) }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    call.on("error", () => resolve(undefined));
    call.end();
  });
}

/** The status of an answer to a client whose address is told by PROXY protocol (version 1), as a balancer of connections would. */
export async function askByProxyProtocol(address: string, client: string, host: string, forwardedFor?: string): Promise<number> {
  const socket = connect({ host: address, port: 80, signal: AbortSignal.timeout(10_000) });
  socket.write(`PROXY TCP4 ${client} ${address} 50000 80\r\n`);
  socket.write(`GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n`);
  socket.write(`${forwardedFor === undefined ? "" : `x-forwarded-for: ${forwardedFor}\r\n`}\r\n`);
  let answer = "";
  for await (const chunk of socket) answer += String(chunk);
  return Number(answer.split(" ")[1]);
}
