import { expect, test } from "vitest";
import { operationRefusals, operations } from "../../../actors/operations.ts";
import { API_ERRORS } from "../../../web/api/errors.ts";
import { startTestApi } from "./test-api.ts";

interface Described {
  readonly operationId: string;
  readonly "x-roles": readonly string[];
}
interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
}

test("the OpenAPI document has every operation of the catalogue, and nothing else", async () => {
  const api = await startTestApi({ operations });
  const document = (await (await api.request("/openapi.json")).json()) as OpenApi;
  expect(document.openapi).toBe("3.1.0");
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => `${operationId} ${method.toUpperCase()} ${path}`),
  );
  const catalogued = operations.map(({ name, http }) => `${name} ${http.method} /api/v1${http.path}`);
  expect(described.sort()).toEqual(catalogued.sort());
});

test("the readable page explains every operation and every problem that can be answered", async () => {
  const api = await startTestApi({ operations });
  const response = await api.request("/docs");
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  const page = await response.text();
  for (const operation of operations) {
    expect(page).toContain(`id="${operation.name}"`);
    expect(page).toContain(`odysseus ${operation.example}`);
  }
  for (const code of [...Object.keys(API_ERRORS), ...Object.keys(operationRefusals)]) expect(page).toContain(`id="problem-${code}"`);
  expect(page).not.toContain("<script");
  expect(page).not.toMatch(/(src|href)="https?:/);
});

test("every refusal an operation says it may answer with is in the error catalogue", () => {
  const known = new Set([...Object.keys(API_ERRORS), ...Object.keys(operationRefusals)]);
  for (const { name, errors } of operations) for (const code of errors) expect([name, code, known.has(code)]).toEqual([name, code, true]);
});

test("names, routes and examples of the catalogue are each there once and whole", () => {
  expect(new Set(operations.map(({ name }) => name)).size).toBe(operations.length);
  expect(new Set(operations.map(({ http }) => `${http.method} ${http.path}`)).size).toBe(operations.length);
  for (const { name, title, description, example, roles } of operations) {
    expect([name, title.length > 5, description.length > 30, example.length > 2, roles.length > 0]).toEqual([name, true, true, true, true]);
  }
});
