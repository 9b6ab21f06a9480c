import { expect, test } from "vitest";
import type { OperationContext } from "../../../actors/catalogue.ts";
import type { Foresight, Wish } from "../../../actors/scheduler/contract.ts";
import { foreseenFor } from "../../../actors/stack/foreseen-members.ts";
import type { DeploymentView } from "../../../actors/views.ts";
import { imageOf } from "../deployment/stage.ts";
import { member } from "./stage.ts";

const REPLICAS = 4;
/** One of its four replicas is on a lost node. */
const view = { status: "degraded", replicas: REPLICAS, awaited: [{ node: "n2", replicas: 1, sinceMs: 0 }] } as unknown as DeploymentView;

/** For how many the scheduler is asked to find a place. */
async function askedFor(partition: "wait" | "replace", replicas: number, replaces?: object): Promise<Wish["replicas"] | undefined> {
  const questions: Foresight[] = [];
  const host = {
    ask: (_to: string, question: Foresight) => {
      questions.push(question);
      return Promise.resolve({ kind: "ok", value: [] });
    },
  };
  const web = member("web", "1");
  const changed = { ...web, replicas, template: { ...web.template, image: imageOf("1"), partition } };
  const context = { host, tenant: "acme", meta: {} } as unknown as OperationContext;
  await foreseenFor([{ member: changed, view, change: "change", replaces }], context);
  return questions[0]?.wishes[0]?.replicas;
}

test("a plan moves no replica that may still run on a lost node and is waited for", async () => {
  expect(await askedFor("wait", REPLICAS, {})).toBe(3);
  expect(await askedFor("wait", REPLICAS)).toBeUndefined();
  expect(await askedFor("wait", REPLICAS + 2)).toBe(2);
});

test("a plan that is not to wait any more finds a place for whom it gives up", async () => {
  expect(await askedFor("replace", REPLICAS)).toBe(1);
  expect(await askedFor("replace", REPLICAS, {})).toBe(REPLICAS);
});
