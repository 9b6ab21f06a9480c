import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type Agent, createServer, get, type IncomingMessage } from "node:http";
import { connect, createServer as createStreamServer } from "node:net";
import { text } from "node:stream/consumers";
import type { PoolMember, PoolProtocol } from "../../../../actors/ingress/contract.ts";
import { memberOf } from "../tables.ts";

const ANSWER_TIMEOUT_MS = 20_000;
/** Until a datagram is sent again: they may be lost where many arrive at once. */
const REPEAT_MS = 1_000;
/** Between the ports of the proxy and those of the servers; Linux gives none of them to anybody else. */
const FIRST_SENDER_PORT = 21_000;
const PROTOCOLS = ["http", "tcp", "udp"] as const satisfies readonly PoolProtocol[];

export type NamedProtocol = (typeof PROTOCOLS)[number];

/** Listens at an address of its own, and answers whoever asks with its name; over TCP it speaks first. */
export async function serveNamed(name: string, address: string): Promise<Readonly<Record<NamedProtocol, PoolMember>>> {
  const [web, stream, datagrams] = PROTOCOLS.map((_, index) => memberOf(name, index, address)) as [PoolMember, PoolMember, PoolMember];
  const http = createServer((_, response) => response.end(name));
  const tcp = createStreamServer((socket) => socket.on("error", () => undefined).end(name));
  const udp = createSocket("udp4");
  udp.on("message", (_, { port, address: sender }) => udp.send(name, port, sender));
  http.listen(web.port, address);
  tcp.listen(stream.port, address);
  udp.bind(datagrams.port, address);
  await Promise.all([once(http, "listening"), once(tcp, "listening"), once(udp, "listening")]);
  return { http: web, tcp: stream, udp: datagrams };
}

/** Who answers at a port of loopback, by a new connection. Fails as a name that no server has. */
export async function whoAnswers(protocol: NamedProtocol, port: number): Promise<string> {
  try {
    switch (protocol) {
      case "http":
        return await whoAnswersRequest(port);
      case "tcp":
        return await text(connect({ port, host: "127.0.0.1", signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }));
      case "udp":
        return await whoAnswersDatagram(port);
      default:
        return protocol satisfies never;
    }
  } catch (error) {
    return String(error);
  }
}

/** By a connection of the given agent, if any. */
export async function whoAnswersRequest(port: number, agent: Agent | false = false): Promise<string> {
  const [response] = (await once(get({ port, host: "127.0.0.1", agent }), "response")) as [IncomingMessage];
  return response.statusCode === 200 ? text(response) : `status ${response.statusCode}`;
}

/** A proxy leads a sender on to where it led it first, for a while: whoever had this port before must not be taken for us. */
let senderPort = FIRST_SENDER_PORT;

async function whoAnswersDatagram(port: number): Promise<string> {
  const socket = createSocket("udp4");
  socket.bind(senderPort++, "127.0.0.1");
  await once(socket, "listening");
  const ask = (): void => socket.send("who?", port, "127.0.0.1");
  const repeat = setInterval(ask, REPEAT_MS);
  try {
    ask();
    const [answer] = (await once(socket, "message", { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })) as [Buffer];
    return answer.toString();
  } finally {
    clearInterval(repeat);
    socket.close();
  }
}
