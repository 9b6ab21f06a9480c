import { request, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { MAX_PROBE_OUTPUT_LENGTH, type ProbeAnswer, type ProbeTransport } from "./probe-transport.ts";

/** Statuses that count as healthy: success and redirection, which is not followed. */
const HEALTHY_FROM = 200;
const HEALTHY_TO = 399;

/** Probes over the machine's network; every probe opens a connection of its own, because an old one would prove nothing. */
export const networkProbeTransport: ProbeTransport = { http: probeHttp, tcp: probeTcp };

function probeHttp(address: string, port: number, path: string, timeoutMs: number): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const fail = (error: unknown): void => resolve({ healthy: false, output: wordsOf(error, timeoutMs) });
    const headers = { host: `${bracketed(address)}:${port}`, "user-agent": "odysseus-agent", accept: "*/*" };
    try {
      const asked = request({ host: address, port, path, headers, signal, agent: false });
      asked.on("error", fail);
      asked.on("response", (response) => {
        readBeginning(response).then((body) => resolve(answerOf(response.statusCode ?? 0, body)), fail);
      });
      asked.end();
    } catch (error) {
      fail(error); // a path that no request can carry
    }
  });
}

/** Reads no more than is kept; the rest of the answer is not waited for. */
async function readBeginning(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length >= MAX_PROBE_OUTPUT_LENGTH) break;
  }
  return text;
}

function answerOf(status: number, body: string): ProbeAnswer {
  const output = `HTTP ${status}${body === "" ? "" : `: ${body}`}`.slice(0, MAX_PROBE_OUTPUT_LENGTH);
  return { healthy: status >= HEALTHY_FROM && status <= HEALTHY_TO, output };
}

function probeTcp(address: string, port: number, timeoutMs: number): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, signal: AbortSignal.timeout(timeoutMs) });
    socket.once("error", (error) => resolve({ healthy: false, output: wordsOf(error, timeoutMs) }));
    socket.once("connect", () => {
      resolve({ healthy: true, output: `connected to ${bracketed(address)}:${port}` });
      socket.destroy();
    });
  });
}

function wordsOf(error: unknown, timeoutMs: number): string {
  const { name, message, code } = error as { readonly name?: string; readonly message?: string; readonly code?: string };
  const isTimeout = name === "AbortError" || name === "TimeoutError";
  const words = isTimeout ? `no answer within ${timeoutMs} ms` : (message ?? "") || (code ?? String(error));
  return words.slice(0, MAX_PROBE_OUTPUT_LENGTH);
}

function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
