import { expect, test } from "vitest";
import type { OperationContext } from "../../../actors/catalogue.ts";
import { clashesOf } from "../../../actors/deployment/reserve.ts";
import { HOST_NAMES } from "../../../actors/host-name/commands.ts";
import type { Want } from "../../../actors/ingress/commands.ts";
import type { Reply } from "../../../runtime/actor.ts";
import type { Address } from "../../../runtime/address.ts";
import { runtimeRefusals } from "../../../runtime/errors.ts";
import { routes } from "../ingress/stage.ts";

const wants: readonly Want[] = [{ deployment: "web", frontends: routes("app.example.com") }];
const nobody = runtimeRefusals["message.malformed"]({ reason: "the owner does not understand" });

/** Where the question goes, and what is answered there. */
function contextWith(answer: (to: Address) => Reply): OperationContext {
  const host = { ask: (to: Address) => Promise.resolve(answer(to)) };
  return { host, tenant: "acme", meta: { commandId: "c", principal: { kind: "user", id: "ada", role: "admin" }, via: "cli" } } as never;
}

const unknownHost: Reply = { kind: "ok", value: { refused: [], unknownHosts: ["app.example.com"] } };

test("a plan says that it is not known whether a name can be had, when its owner does not say", async () => {
  const clashes = await clashesOf(
    wants,
    contextWith((to) => (to === HOST_NAMES ? nobody : unknownHost)),
    1_000,
  );
  expect(clashes.get("web")).toMatch(/^Whether its ports and routes can be had is not known now: /);
});

test("so it does when the tenant's own ingress does not say", async () => {
  const clashes = await clashesOf(
    wants,
    contextWith(() => nobody),
    1_000,
  );
  expect(clashes.get("web")).toMatch(/is not known now/);
});
