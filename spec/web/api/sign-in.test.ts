import { readFileSync, statSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { expect, test } from "vitest";
import { createAuthority, issueCertificate } from "../../../ops/nats/authority.ts";
import { Administrator, CredentialsDamaged, SESSION_LIFETIME_MS, SIGN_IN_LINK_LIFETIME_MS } from "../../../web/api/auth/administrator.ts";
import { FAILURES_PER_MINUTE } from "../../../web/api/auth/failure-limit.ts";
import { problemIn, startTestApi, TENANT, type TestApi } from "./test-api.ts";

async function signedIn(api: TestApi): Promise<string> {
  const response = await fetch(`${api.url}/sign-in?token=${api.administrator.issueLinkToken()}`);
  expect(response.status).toBe(200);
  return response.headers.getSetCookie()[0]?.split(";", 1)[0] ?? "";
}

test("no route is open but health, readiness and signing in", async () => {
  const api = await startTestApi();
  for (const path of ["/api/v1/counters/web", "/api/v1/nothing", "/docs", "/openapi.json", "/metrics", "/"]) {
    const response = await fetch(`${api.url}${path}`);
    expect([path, response.status, (await problemIn(response)).code]).toEqual([path, 401, "auth.required"]);
    expect(response.headers.get("www-authenticate")).toContain("Bearer");
  }
  expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${api.url}/readyz`)).status).toBe(200);
});

test("why the server is not ready is told only to those who are signed in", async () => {
  const api = await startTestApi({ ready: async () => ({ kind: "not-ready", reasons: ["the bus is not connected"] }) });
  const stranger = await fetch(`${api.url}/readyz`);
  expect([stranger.status, await stranger.json()]).toEqual([503, { status: "not-ready" }]);
  expect(await (await api.request("/readyz")).json()).toEqual({ status: "not-ready", reasons: ["the bus is not connected"] });
});

test("a sign-in link works once and sets a cookie scripts and other sites cannot use", async () => {
  const api = await startTestApi();
  const link = `${api.url}/sign-in?token=${api.administrator.issueLinkToken()}`;
  const first = await fetch(link);
  expect(await first.text()).toContain("You are signed in");
  const [cookie = ""] = first.headers.getSetCookie();
  expect(cookie).toMatch(/^odysseus_session=[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; SameSite=Strict$/);
  const docs = await fetch(`${api.url}/docs`, { headers: { cookie: cookie.split(";", 1)[0] ?? "" } });
  expect(docs.status).toBe(200);
  const second = await fetch(link);
  expect([second.status, (await problemIn(second)).code]).toEqual([403, "auth.link-invalid"]);
});

test("a sign-in link ends after 15 minutes, a session after seven days", async () => {
  const api = await startTestApi();
  const token = api.administrator.issueLinkToken();
  api.clock.moveOn(SIGN_IN_LINK_LIFETIME_MS);
  expect((await fetch(`${api.url}/sign-in?token=${token}`)).status).toBe(403);
  const cookie = await signedIn(api);
  api.clock.moveOn(SESSION_LIFETIME_MS);
  const late = await fetch(`${api.url}/docs`, { headers: { cookie } });
  expect([late.status, (await problemIn(late)).code]).toEqual([401, "auth.invalid"]);
});

test("credentials are kept as hashes, for the owner alone, and survive a restart", async () => {
  const api = await startTestApi();
  const cookie = await signedIn(api);
  const session = cookie.split("=")[1] ?? "";
  const text = readFileSync(api.credentialsFile, "utf8");
  expect(text).not.toContain(api.token);
  expect(text).not.toContain(session);
  expect(statSync(api.credentialsFile).mode & 0o777).toBe(0o600);
  const again = new Administrator({ file: api.credentialsFile, tenant: TENANT, clock: api.clock });
  expect(again.byToken(api.token)?.principal).toEqual({ kind: "user", id: "admin", role: "admin" });
  expect(again.bySession(session)?.by).toBe("session");
  expect(again.byToken(`${api.token}x`)).toBeUndefined();
  writeFileSync(api.credentialsFile, "{");
  expect(() => new Administrator({ file: api.credentialsFile, tenant: TENANT, clock: api.clock })).toThrow(CredentialsDamaged);
});

test("a change by cookie must come from this site; a token needs no such word", async () => {
  const api = await startTestApi();
  const cookie = await signedIn(api);
  const change = (headers: Record<string, string>): Promise<Response> =>
    fetch(`${api.url}/api/v1/counters/web/raise`, {
      method: "POST",
      headers: { cookie, "content-type": "application/json", ...headers },
      body: "{}",
    });
  for (const headers of [
    {},
    { origin: "https://evil.example" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { origin: "null" },
  ]) {
    const refused = await change(headers);
    expect([refused.status, (await problemIn(refused)).code]).toEqual([403, "auth.cross-site"]);
  }
  expect(api.counters.valueOf("web")).toBe(0);
  expect((await change({ origin: api.url })).status).toBe(200);
  expect((await change({ "sec-fetch-site": "same-origin" })).status).toBe(200);
  expect((await api.post("/api/v1/counters/web/raise", {}, { origin: "https://elsewhere.example" })).status).toBe(200);
});

test("a name that was pointed at this machine is not answered; addresses and localhost are", async () => {
  const api = await startTestApi({ listen: { allowedHosts: ["odysseus.example"] } });
  const { port } = new URL(api.url);
  const ask = (host: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = httpRequest({ host: "127.0.0.1", port, path: "/healthz", headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      sent.on("error", reject).end();
    });
  expect(await ask(`rebound.attacker.example:${port}`)).toBe(421);
  expect(await ask("127.0.0.1.attacker.example")).toBe(421);
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, "LOCALHOST", "odysseus.example", "10.1.2.3"]) {
    expect([host, await ask(host)]).toEqual([host, 200]);
  }
});

test("many wrong tokens are slowed down, the right one is never locked out", async () => {
  const api = await startTestApi();
  const wrong = (): Promise<Response> => api.request("/api/v1/counters/web", { headers: { authorization: "Bearer wrong" } });
  for (let attempt = 0; attempt < FAILURES_PER_MINUTE; attempt += 1) expect((await wrong()).status).toBe(401);
  const tooMany = await wrong();
  expect([tooMany.status, (await problemIn(tooMany)).code]).toEqual([429, "auth.too-many-failures"]);
  expect(Number(tooMany.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await api.request("/api/v1/counters/web")).status).toBe(200);
  api.clock.moveOn(60_000);
  expect((await wrong()).status).toBe(401);
});

test("other sites' scripts get no permission unless their origin was allowed", async () => {
  const closed = await startTestApi();
  const preflight = { method: "OPTIONS", headers: { origin: "https://ours.example", "access-control-request-method": "GET" } };
  expect((await closed.request("/api/v1/counters/web", preflight)).headers.get("access-control-allow-origin")).toBeNull();
  const open = await startTestApi({ listen: { corsOrigins: ["https://ours.example"] } });
  const allowed = await open.request("/api/v1/counters/web", { headers: { origin: "https://ours.example" } });
  expect(allowed.headers.get("access-control-allow-origin")).toBe("https://ours.example");
  expect(allowed.headers.get("access-control-allow-credentials")).toBeNull();
});

test("every answer forbids what a page of ours does not need", async () => {
  const api = await startTestApi();
  for (const path of ["/docs", "/api/v1/counters/web", "/healthz", "/nothing"]) {
    const { headers } = await api.request(path);
    expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'/);
    expect(headers.get("content-security-policy")).not.toContain("unsafe");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cache-control")).toBe("no-store");
  }
});

test("a browser that is not signed in gets a page that says how", async () => {
  const api = await startTestApi();
  const response = await fetch(`${api.url}/docs`, { headers: { accept: "text/html,application/xhtml+xml" } });
  expect([response.status, response.headers.get("content-type")]).toEqual([401, "text/html; charset=utf-8"]);
  expect(await response.text()).toContain("Open the sign-in link that npm start printed");
});

test("over TLS the cookie is sent over TLS alone", async () => {
  const authority = await createAuthority(Date.now());
  const tls = await issueCertificate(authority, { kind: "server", names: ["localhost", "127.0.0.1"] }, Date.now());
  const api = await startTestApi({ listen: { tls } });
  expect(api.url).toMatch(/^https:/);
  const cookies = await new Promise<readonly string[]>((resolve, reject) => {
    const sent = httpsRequest(
      `${api.url}/sign-in?token=${api.administrator.issueLinkToken()}`,
      { ca: authority.cert, servername: "localhost" },
      (response) => {
        response.resume();
        resolve(response.headers["set-cookie"] ?? []);
      },
    );
    sent.on("error", reject).end();
  });
  expect(cookies[0]).toMatch(/; HttpOnly; Secure; SameSite=Strict$/);
});
