import { connect } from "node:net";
import { expect, test } from "vitest";
import { echo, problemIn, raise, startTestApi } from "./test-api.ts";

test("values of a query become what the operation wants", async () => {
  const api = await startTestApi();
  const response = await api.request("/api/v1/counters/web?limit=20&isLoud=true&streams=stdout,stderr");
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({
    input: { name: "web", limit: 20, isLoud: true, streams: ["stdout", "stderr"] },
    tenant: "acme",
  });
});

test("every field that is not valid is listed with its place, a pointer and what would be valid", async () => {
  const api = await startTestApi();
  const response = await api.post("/api/v1/counters/web/raise", { by: 101, health: { kind: "htp" }, share: "x" });
  expect(response.status).toBe(400);
  const problem = await problemIn(response);
  expect(problem).toMatchObject({ code: "request.invalid", status: 400, instance: "/api/v1/counters/web/raise", title: "Request invalid" });
  expect(problem.type).toBe("/docs#problem-request.invalid");
  expect(problem.errors).toContainEqual({ in: "body", pointer: "/by", message: "must be at most 100" });
  expect(problem.errors).toContainEqual({ in: "body", pointer: "/health/kind", message: "kind must be one of http, tcp" });
  expect(problem.errors?.find((error) => error.pointer === "/share")?.message).toContain("a share is a count or a percentage");
});

test("a mistyped field suggests the nearest name, at the top, inside, and in a query", async () => {
  const api = await startTestApi();
  const top = await problemIn(await api.post("/api/v1/counters/web/raise", { helth: { kind: "tcp" } }));
  expect(top.errors).toEqual([
    { in: "body", pointer: "/helth", message: "there is no such field; did you mean health?", suggestion: "health" },
  ]);
  const inside = await problemIn(await api.post("/api/v1/counters/web/raise", { health: { kind: "http", path: "/", pth: 1 } }));
  expect(inside.errors).toContainEqual({
    in: "body",
    pointer: "/health/pth",
    message: "there is no such field; did you mean path?",
    suggestion: "path",
  });
  const query = await problemIn(await api.request("/api/v1/counters/web?limt=3"));
  expect(query.errors).toEqual([
    { in: "query", pointer: "/limt", message: "there is no such field; did you mean limit?", suggestion: "limit" },
  ]);
});

test("a body that names another thing than the path is refused, one that repeats it is not", async () => {
  const api = await startTestApi();
  const contradiction = await problemIn(await api.post("/api/v1/counters/web/raise", { name: "shop" }));
  expect(contradiction.errors).toEqual([{ in: "body", pointer: "/name", message: "contradicts the path, which says web" }]);
  expect((await api.post("/api/v1/counters/web/raise", { name: "web" })).status).toBe(200);
});

test("bodies that are no JSON object, in another format, or too large are problems", async () => {
  const api = await startTestApi();
  const broken = await api.post("/api/v1/counters/web/raise", "{");
  expect([broken.status, (await problemIn(broken)).code]).toEqual([400, "request.malformed"]);
  const list = await api.post("/api/v1/counters/web/raise", []);
  expect([list.status, (await problemIn(list)).code]).toEqual([400, "request.invalid"]);
  const xml = await api.post("/api/v1/counters/web/raise", "<x/>", { "content-type": "application/xml" });
  expect([xml.status, (await problemIn(xml)).code]).toEqual([415, "request.media-type"]);
  const large = await api.post("/api/v1/counters/web/raise", JSON.stringify({ name: "x".repeat(1_048_576) }));
  expect([large.status, (await problemIn(large)).code]).toEqual([413, "request.too-large"]);
  const prototype = await api.post("/api/v1/counters/web/raise", '{"__proto__": {"by": 3}}');
  expect(prototype.status).toBe(400);
  expect(api.counters.valueOf("web")).toBe(0);
});

test("an operation may take more than others, and says how much when that is too little, too", async () => {
  const api = await startTestApi({ operations: [{ ...raise, bodyLimitBytes: 3_000_000 }, echo] });
  const fits = await api.post("/api/v1/counters/web/raise", JSON.stringify({ by: 2, name: "web" }) + " ".repeat(2_000_000));
  expect(fits.status).toBe(200);
  const large = await api.post("/api/v1/counters/web/raise", " ".repeat(3_000_001));
  expect([large.status, (await problemIn(large)).detail]).toEqual([413, "The body is larger than 3000000 bytes. Send less at once."]);
});

test("a write without a body is one with an empty body", async () => {
  const api = await startTestApi();
  const response = await api.request("/api/v1/counters/web/raise", { method: "POST" });
  expect(await response.json()).toEqual({ name: "web", generation: 1 });
});

test("an unknown route names the nearest, a wrong method the right ones", async () => {
  const api = await startTestApi();
  const unknown = await api.request("/api/v1/conters/web");
  expect(unknown.status).toBe(404);
  expect((await problemIn(unknown)).detail).toContain("Did you mean GET /api/v1/counters/web?");
  const method = await api.request("/api/v1/counters/web/raise", { method: "PUT" });
  expect([method.status, method.headers.get("allow")]).toEqual([405, "POST"]);
  expect((await problemIn(method)).code).toBe("route.method-not-allowed");
});

test("URLs and requests that cannot be read are problems too", async () => {
  const api = await startTestApi();
  const url = await api.request("/%ff");
  expect([url.status, (await problemIn(url)).code]).toEqual([400, "request.malformed"]);
  const answer = await raw(api.url, "this is not HTTP\r\n\r\n");
  expect(answer).toContain("400 Error");
  expect(answer).toContain('"code":"request.malformed"');
});

function raw(url: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    let answer = "";
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(text));
    socket.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk));
    socket.on("close", () => resolve(answer)).on("error", reject);
  });
}

test("a correlation id is taken over when it is one, and else made", async () => {
  const api = await startTestApi();
  const given = await api.request("/api/v1/counters/web", { headers: { "x-correlation-id": "deploy-17" } });
  expect(given.headers.get("x-correlation-id")).toBe("deploy-17");
  expect(await given.json()).toMatchObject({ meta: { correlationId: "deploy-17" } });
  const made = await api.request("/api/v1/counters/web", { headers: { "x-correlation-id": "no id because of <these>" } });
  expect(made.headers.get("x-correlation-id")).toMatch(/^[0-9a-z]{26}$/);
});
