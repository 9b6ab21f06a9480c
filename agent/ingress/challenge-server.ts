import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { IngressChallenge } from "../../actors/ingress/contract.ts";

const PREFIX = "/.well-known/acme-challenge/";

/** Answers proofs of control of host names on loopback, where the proxy leads those who ask. Runs only while there are any. */
export class ChallengeServer {
  #answers: ReadonlyMap<string, string> = new Map();
  #server: Server | undefined;

  /** Undefined: it does not listen, or not yet. */
  get port(): number | undefined {
    return (this.#server?.address() as AddressInfo | null | undefined)?.port;
  }

  /** Resolves once it answers these. */
  async serve(challenges: readonly IngressChallenge[]): Promise<void> {
    this.#answers = new Map(challenges.map(({ token, keyAuthorization }) => [token, keyAuthorization]));
    if (challenges.length === 0) return this.stop();
    if (this.#server !== undefined) return;
    const server = createServer((request, response) => {
      const answer = request.url?.startsWith(PREFIX) === true ? this.#answers.get(request.url.slice(PREFIX.length)) : undefined;
      if (answer === undefined) response.writeHead(404).end();
      else response.writeHead(200, { "content-type": "application/octet-stream" }).end(answer);
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  }

  stop(): void {
    this.#server?.close();
    this.#server?.closeIdleConnections();
    this.#server = undefined;
  }
}
