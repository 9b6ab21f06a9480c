import { expect, test } from "vitest";
import { operations } from "../../../actors/operations.ts";
import type { Principal } from "../../../runtime/journal.ts";
import type { Authenticator } from "../../../web/api/auth/identity.ts";
import { problemIn, startTestApi, TENANT } from "./test-api.ts";

const ROLES = ["admin", "operator", "developer", "read-only"] as const;

/** Tokens are the names of roles. */
const byRole: Authenticator = {
  byToken: (token) => (isRole(token) ? { principal: { kind: "user", id: token, role: token }, tenant: TENANT, by: "token" } : undefined),
  bySession: () => undefined,
  signIn: () => undefined,
};

function isRole(text: string): text is Exclude<Principal["role"], "system"> {
  return (ROLES as readonly string[]).includes(text);
}

test("every operation of the catalogue answers exactly the roles it names", async () => {
  const api = await startTestApi({ auth: byRole, operations });
  for (const { name, http, roles } of operations) {
    for (const role of ROLES) {
      // Not valid for any operation, so that a permitted one goes no further than its input.
      const path = `/api/v1${http.path.replaceAll(/\{\w+\}/g, "-none-")}?no-such-field=1`;
      const response = await api.request(path, { method: http.method, headers: { authorization: `Bearer ${role}` } });
      const { code } = await problemIn(response);
      expect([name, role, code]).toEqual([name, role, roles.includes(role) ? "request.invalid" : "auth.role-missing"]);
    }
  }
});

test("who may only read changes nothing", () => {
  for (const { name, effect, roles } of operations) {
    if (effect === "write" || effect === "destructive") expect([name, roles.includes("read-only")]).toEqual([name, false]);
  }
});
