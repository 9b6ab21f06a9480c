import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { AcmeFailure } from "../../../actors/certificate/ports.ts";
import { AcmeClient } from "../../../ops/certificates/acme-client.ts";
import { createAuthority, createKey, issueCertificate } from "../../../ops/nats/authority.ts";
import { systemClock } from "../../../runtime/system-clock.ts";

const ADDRESS = "127.0.0.1";

/** What registering an account comes to at a server that answers like this. */
async function registering(
  answer: (request: IncomingMessage, response: ServerResponse, origin: string) => void,
  signal?: AbortSignal,
): Promise<AcmeFailure> {
  const authority = await createAuthority(Date.now());
  const { cert, key } = await issueCertificate(authority, { kind: "server", names: [ADDRESS] }, Date.now());
  const server: Server = createServer({ cert, key }, (request, response) => answer(request, response, originOf(server)));
  await new Promise<void>((resolve) => server.listen(0, ADDRESS, resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const session = { directoryUrl: `${originOf(server)}/directory`, trustedRoots: authority.cert, key: await createKey() };
  const failure = await new AcmeClient(systemClock)
    .register({ ...session, signal: signal ?? new AbortController().signal }, undefined)
    .catch((cause: unknown) => cause);
  if (!(failure instanceof AcmeFailure)) throw new Error(`no failure: ${String(failure)}`);
  return failure;
}

function originOf(server: Server): string {
  return `https://${ADDRESS}:${(server.address() as AddressInfo).port}`;
}

/** An authority up to the point where an account is registered. */
function authorityThat(refuses: (response: ServerResponse) => void) {
  return ({ url }: IncomingMessage, response: ServerResponse, origin: string): void => {
    response.setHeader("replay-nonce", "nonce");
    if (url === "/account") refuses(response);
    else response.end(JSON.stringify({ newNonce: `${origin}/nonce`, newAccount: `${origin}/account`, newOrder: `${origin}/order` }));
  };
}

test("what answers and is no authority is told so", async () => {
  const page = await registering((_request, response) => void response.end("<html>It works!</html>"));
  expect(page).toMatchObject({
    kind: "unreachable",
    message: expect.stringMatching(/^what answers is no ACME authority \(RFC 8555\)/) as string,
  });
  const other = await registering((_request, response) => void response.end('{"newNonce": "http://plain.example/nonce"}'));
  expect(other.message).toMatch(/newNonce/);
  const endless = await registering((_request, response) => void response.end("x".repeat(2_000_000)));
  expect(endless.message).toMatch(/more than 1048576 bytes/);
});

test("a wait that the authority asks for is taken from its answer, and bounded", async () => {
  const limited = (retryAfter: string) =>
    registering(
      authorityThat((response) => {
        response.writeHead(429, { "retry-after": retryAfter, "content-type": "application/problem+json" });
        response.end('{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many registrations"}');
      }),
    );
  expect(await limited("120")).toMatchObject({
    kind: "limited",
    retryAfterMs: 120_000,
    message: "the authority asks to wait: too many registrations",
  });
  expect((await limited(new Date(Date.now() + 3_600_000).toUTCString())).retryAfterMs).toBeGreaterThan(3_500_000);
  expect((await limited("999999999")).retryAfterMs).toBe(7 * 86_400_000);
});

test("a failure of the authority's own may pass, a refusal does not", async () => {
  expect(await registering(authorityThat((response) => response.writeHead(503).end()))).toMatchObject({
    kind: "unreachable",
    message: "the authority failed: it answered 503",
  });
  const problem = '{"type":"urn:ietf:params:acme:error:invalidContact","detail":"no such mail domain"}';
  expect(await registering(authorityThat((response) => response.writeHead(400).end(problem)))).toMatchObject({
    kind: "refused",
    type: "invalidContact",
    message: "the authority refused: no such mail domain",
  });
});

test("a nonce that was refused is replaced ten times in a row, and not for ever", async () => {
  const badNonce = '{"type":"urn:ietf:params:acme:error:badNonce","detail":"too old"}';
  const refusing = async (count: number) => {
    let asked = 0;
    const failure = await registering(
      authorityThat((response) => {
        asked += 1;
        response.writeHead(asked > count ? 503 : 400).end(badNonce);
      }),
    );
    return { asked, kind: failure.kind };
  };
  expect(await refusing(10)).toEqual({ asked: 11, kind: "unreachable" });
  expect(await refusing(11)).toEqual({ asked: 11, kind: "refused" });
});

test("a request that nobody answers ends when its order does", async () => {
  const order = new AbortController();
  const reason = new AcmeFailure("unreachable", "not done in time");
  expect(await registering(() => order.abort(reason), order.signal)).toBe(reason);
});
