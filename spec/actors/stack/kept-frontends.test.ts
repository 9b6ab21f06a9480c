import { describe, expect, test } from "vitest";
import type { Want } from "../../../actors/ingress/commands.ts";
import { member, StackStage } from "./stage.ts";

const published = (port: number): Readonly<Record<string, unknown>> => ({ ports: [{ containerPort: 80, publishedPort: port }] });
const db = member("db", "1");
const web = (port: number, tag = "1") => member("web", tag, [{ service: "db", condition: "healthy" }], published(port));

/** Ports by deployment, message by message. */
function told(stage: StackStage): readonly Readonly<Record<string, readonly number[]>>[] {
  return stage.kept.map((wants) => Object.fromEntries(wants.map(({ deployment, frontends }) => [deployment, portsOf(frontends)])));
}

function portsOf({ ports }: Want["frontends"]): readonly number[] {
  return ports.map(({ port }) => port);
}

describe("what the members of a stack publish", () => {
  test("is kept for them from the beginning of a change to its end, also for those whose turn comes late", () => {
    const stage = new StackStage();
    stage.apply([db, web(8080)]);
    expect(told(stage)).toEqual([{ "shop-web": [8080] }]);
    expect(stage.finish()).toMatchObject({ outcome: "succeeded" });
    expect(told(stage)).toEqual([{ "shop-web": [8080] }, {}]);
  });

  test("is kept beside what they may have to go back to", () => {
    const stage = new StackStage();
    stage.apply([db, web(8080)]);
    stage.finish();
    stage.kept.length = 0;
    stage.apply([db, web(9090, "bad")]);
    expect(stage.finish()).toMatchObject({ change: "automatic-rollback", outcome: "succeeded" });
    expect(told(stage)).toEqual([{ "shop-web": [9090, 8080] }, { "shop-web": [8080] }, {}]);
  });

  test("is kept by the change that takes the place of another one, without a gap", () => {
    const stage = new StackStage();
    stage.apply([db, web(8080)]);
    stage.apply([db, web(9090)]);
    stage.apply([db, web(9090, "2")]);
    expect(told(stage)).toEqual([{ "shop-web": [8080] }, { "shop-web": [9090] }]);
  });

  test("is what a rollback asks for beforehand, too, of those alone that it changes", () => {
    const stage = new StackStage();
    stage.apply([db, web(8080)]);
    stage.finish();
    stage.apply([db, web(9090)]);
    stage.finish();
    const wants = stage.preview({ kind: "rollback" });
    expect(wants.map(({ deployment, frontends }) => [deployment, portsOf(frontends)])).toEqual([["shop-web", [8080]]]);
    expect(stage.preview({ kind: "rollback", to: 99 })).toEqual([]);
    expect(stage.preview({ kind: "apply", members: [db, web(9090)], prune: false, onFailure: "rollback" })).toEqual([]);
  });
});
